namespace KubeBpfBox.Core.Capture;

/// <summary>Turns the ticks of a pcapng interface into nanoseconds since the epoch, exactly, saturating at the ends of a long.</summary>
/// <remarks>
/// Source: draft-ietf-opsawg-pcapng section 4.2, if_tsresol (top bit clear: 10^-n s, set: 2^-n s) and if_tsoffset (seconds).
/// </remarks>
internal readonly struct TimestampScale
{
    private readonly ulong _factor;
    private readonly ulong _divisor;
    private readonly int _shift;
    private readonly long _offsetSeconds;

    /// <summary>Takes the two options as they stand in the file.</summary>
    public TimestampScale(byte resolution, long offsetSeconds)
    {
        int exponent = resolution & 0x7F;
        _offsetSeconds = offsetSeconds;
        _divisor = 1;
        _factor = 1;
        if ((resolution & 0x80) != 0)
        {
            _factor = 1_000_000_000;
            _shift = exponent;
        }
        else if (exponent <= 9)
        {
            _factor = PowerOfTen(9 - exponent);
        }
        else if (exponent - 9 <= 19)
        {
            _divisor = PowerOfTen(exponent - 9);
        }
        else
        {
            // 2^64 ticks of 10^-29 s are less than a nanosecond.
            _factor = 0;
        }
    }

    /// <summary>Nanoseconds since the Unix epoch.</summary>
    public long ToNs(ulong ticks)
    {
        ulong high = Math.BigMul(ticks, _factor, out ulong low);
        return (high | (low >> 63)) == 0 && _divisor == 1 && _shift == 0 && _offsetSeconds == 0 ? (long)low : ToNsSlowly(ticks);
    }

    private long ToNsSlowly(ulong ticks)
    {
        UInt128 ns = (((UInt128)ticks * _factor) >> _shift) / _divisor;
        Int128 sum = (Int128)UInt128.Min(ns, long.MaxValue) + ((Int128)_offsetSeconds * 1_000_000_000);
        return (long)Int128.Clamp(sum, long.MinValue, long.MaxValue);
    }

    private static ulong PowerOfTen(int exponent)
    {
        ulong power = 1;
        for (int i = 0; i < exponent; i++)
        {
            power *= 10;
        }
        return power;
    }
}
