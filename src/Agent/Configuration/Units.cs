using System.Globalization;

namespace KubeBpfBox.Agent.Configuration;

/// <summary>Reads the units that settings and options are written in.</summary>
internal static class Units
{
    private static readonly (string Suffix, long Factor)[] s_sizes =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("B", 1)];

    // Longer suffixes first: "100ms" also ends in "s".
    private static readonly (string Suffix, long Nanoseconds)[] s_durations =
    [
        ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
    ];

    /// <summary>Reads a size in bytes: "4MiB", "512KiB", "1048576". Shape: a whole number and KiB, MiB, GiB, TiB, B or nothing.</summary>
    public static bool TryParseBytes(ReadOnlySpan<char> text, out long bytes) => TryParse(text, s_sizes, allowBare: true, out bytes);

    /// <summary>Reads a duration: "100ms", "1.5s", "5m", "24h", "7d". Shape: a number and ns, us, ms, s, m, h or d; "0" needs no unit.</summary>
    public static bool TryParseDuration(ReadOnlySpan<char> text, out long nanoseconds) =>
        TryParse(text, s_durations, allowBare: text is "0", out nanoseconds);

    /// <summary>Writes bytes in the largest unit that needs no fraction.</summary>
    public static string FormatBytes(long bytes)
    {
        for (int i = 3; i >= 0; i--)
        {
            if (bytes != 0 && bytes % s_sizes[i].Factor == 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{bytes / s_sizes[i].Factor}{s_sizes[i].Suffix}");
            }
        }
        return bytes.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Writes a duration in the largest unit that needs no fraction.</summary>
    public static string FormatDuration(long nanoseconds)
    {
        for (int i = s_durations.Length - 1; i > 0; i--)
        {
            if (nanoseconds != 0 && nanoseconds % s_durations[i].Nanoseconds == 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / s_durations[i].Nanoseconds}{s_durations[i].Suffix}");
            }
        }
        return string.Create(CultureInfo.InvariantCulture, $"{nanoseconds}ns");
    }

    private static bool TryParse(ReadOnlySpan<char> text, (string Suffix, long Factor)[] units, bool allowBare, out long value)
    {
        value = 0;
        long factor = allowBare ? 1 : 0;
        foreach ((string suffix, long unit) in units)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal))
            {
                factor = unit;
                text = text[..^suffix.Length];
                break;
            }
        }
        if (factor == 0 || !decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
            || number > long.MaxValue / factor)
        {
            return false;
        }
        decimal scaled = number * factor;
        value = (long)scaled;
        return value == scaled;
    }
}
