using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>Bytes of a page on their way out: appended to, written out, emptied, used again.</summary>
/// <remarks>Errors: none; any text gives UTF-8 that keeps its line. Memory: grows to the longest piece between two <see cref="Clear"/>.</remarks>
internal sealed class ExpositionBuffer(int capacity)
{
    private static readonly SearchValues<char> s_special = SearchValues.Create("\\\"\n");

    private byte[] _bytes = new byte[capacity];

    /// <summary>Bytes that it holds.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes. They live until the next change.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    /// <summary>Forgets all.</summary>
    public void Clear() => Length = 0;

    /// <summary>Makes room for so many bytes.</summary>
    public Span<byte> Reserve(int count)
    {
        if (count > _bytes.Length - Length)
        {
            Grow(count);
        }
        return _bytes.AsSpan(Length);
    }

    /// <summary>Says how many bytes of <see cref="Reserve"/> were used.</summary>
    public void Advance(int count) => Length += count;

    /// <summary>Appends bytes as they are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>Appends a whole number.</summary>
    public void Append(long value)
    {
        _ = Utf8Formatter.TryFormat(value, Reserve(20), out int written);
        Length += written;
    }

    /// <summary>Appends the shortest decimal that reads back as the same number.</summary>
    public void Append(double value)
    {
        if (double.IsFinite(value))
        {
            _ = Utf8Formatter.TryFormat(value, Reserve(32), out int written);
            Length += written;
        }
        else
        {
            Append(double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8);
        }
    }

    /// <summary>Appends nanoseconds as seconds, exactly.</summary>
    public void AppendSeconds(long ns)
    {
        (long seconds, long rest) = Math.DivRem(ns, 1_000_000_000);
        Append(seconds);
        if (rest != 0)
        {
            Span<byte> digits = Reserve(10);
            digits[0] = (byte)'.';
            _ = Utf8Formatter.TryFormat(rest, digits[1..], out _, new StandardFormat('D', 9));
            Length += digits[..10].TrimEnd((byte)'0').Length;
        }
    }

    /// <summary>Appends a label's value: backslash, quote and line feed escaped, lone surrogates as U+FFFD.</summary>
    public void AppendEscaped(ReadOnlySpan<char> value)
    {
        while (!value.IsEmpty)
        {
            int special = value.IndexOfAny(s_special);
            ReadOnlySpan<char> plain = special < 0 ? value : value[..special];
            Span<byte> room = Reserve((plain.Length * 3) + 2);
            int length = Encoding.UTF8.GetBytes(plain, room);
            if (special >= 0)
            {
                room[length++] = (byte)'\\';
                room[length++] = value[special] == '\n' ? (byte)'n' : (byte)value[special];
            }
            Length += length;
            value = special < 0 ? [] : value[(special + 1)..];
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int count) => Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + count));
}
