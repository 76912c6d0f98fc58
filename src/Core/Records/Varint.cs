namespace KubeBpfBox.Core.Records;

/// <summary>Numbers that are not negative in seven bits a byte, lowest first; the high bit says that more follow.</summary>
internal static class Varint
{
    /// <summary>Most bytes of one number.</summary>
    public const int MaxBytes = 9;

    /// <summary>Writes a number.</summary>
    /// <returns>How many bytes it took.</returns>
    public static int Write(Span<byte> to, long value)
    {
        int at = 0;
        for (; value > 0x7f; value >>= 7)
        {
            to[at++] = (byte)(value | 0x80);
        }
        to[at++] = (byte)value;
        return at;
    }

    /// <summary>Reads a number and moves on. False, and unmoved, when the bytes end within it or it is longer than any number.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> from, out long value)
    {
        value = 0;
        // Nine groups of seven bits hold every number that is not negative.
        for (int i = 0; i < MaxBytes && i < from.Length; i++)
        {
            value |= (long)(from[i] & 0x7f) << (7 * i);
            if (from[i] < 0x80)
            {
                from = from[(i + 1)..];
                return true;
            }
        }
        return false;
    }
}
