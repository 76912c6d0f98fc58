using System.Buffers;
using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Top;

/// <summary>Figures and names as short texts.</summary>
internal static class TopText
{
    private const string Blocks = "▁▂▃▄▅▆▇█";

    /// <summary>A name that outsiders chose: what is not printable ASCII as \xNN, so that it cannot steer the terminal and takes the width that it has characters.</summary>
    public static string Escape(string name)
    {
        ArrayBufferWriter<byte> escaped = new(64);
        Utf8Sink sink = new(escaped);
        sink.TerminalText(name);
        sink.Flush();
        return Encoding.ASCII.GetString(escaped.WrittenSpan);
    }

    /// <summary>Cut to a width, with "…" for what is left out.</summary>
    public static string Cut(string text, int width) => text.Length <= width ? text : width <= 0 ? string.Empty : string.Concat(text.AsSpan(0, width - 1), "…");

    /// <summary>Requests a second: three digits that count.</summary>
    public static string Rate(double perSecond) => perSecond switch
    {
        0 => "0",
        < 0.005 => "<0.01",
        < 9.995 => perSecond.ToString("0.00", CultureInfo.InvariantCulture),
        < 99.95 => perSecond.ToString("0.0", CultureInfo.InvariantCulture),
        < 99_999.5 => perSecond.ToString("0", CultureInfo.InvariantCulture),
        < 9_999_500 => (perSecond / 1000).ToString("0", CultureInfo.InvariantCulture) + "k",
        _ => (perSecond / 1_000_000).ToString("0", CultureInfo.InvariantCulture) + "M",
    };

    /// <summary>A ratio in percent, without its sign: never 0 when it is not, never 100 when it is not.</summary>
    public static string Percent(double ratio) => ratio switch
    {
        <= 0 => "0",
        < 0.0001 => "<0.01",
        < 0.1 => (Math.Floor(ratio * 10_000) / 100).ToString("0.00", CultureInfo.InvariantCulture),
        < 1 => (Math.Floor(ratio * 1000) / 10).ToString("0.0", CultureInfo.InvariantCulture),
        _ => "100",
    };

    /// <summary>A duration: three digits that count and a unit, cut off and not rounded, as in the lines of <c>observe</c>; "-" when there is none.</summary>
    public static string Duration(long ns) => ns switch
    {
        <= 0 => "-",
        < 1_000_000 => Scaled(ns, 1000) + "µs",
        < 1_000_000_000 => Scaled(ns, 1_000_000) + "ms",
        _ => Scaled(ns, 1_000_000_000) + "s",
    };

    /// <summary>How long something runs: "45s", "12m", "3h 05m", "12d 3h".</summary>
    public static string Uptime(long seconds) => seconds switch
    {
        < 60 => $"{seconds}s",
        < 3600 => $"{seconds / 60}m",
        < 86_400 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600}h {seconds / 60 % 60:00}m"),
        _ => $"{seconds / 86_400}d {seconds / 3600 % 24}h",
    };

    /// <summary>Values as blocks, the largest the highest; the last <paramref name="width"/> of them. No block where there was nothing.</summary>
    public static string Sparkline(IReadOnlyList<long> values, int width)
    {
        int from = Math.Max(0, values.Count - width);
        long largest = values.Skip(from).DefaultIfEmpty().Max();
        return string.Concat(values.Skip(from).Select(value => value <= 0 ? ' ' : Blocks[(int)(((value * Blocks.Length) - 1) / largest)]));
    }

    private static string Scaled(long value, long unit)
    {
        (long whole, long rest) = Math.DivRem(value, unit);
        return whole switch
        {
            < 10 => string.Create(CultureInfo.InvariantCulture, $"{whole}.{rest * 100 / unit:00}"),
            < 100 => string.Create(CultureInfo.InvariantCulture, $"{whole}.{rest * 10 / unit}"),
            _ => whole.ToString(CultureInfo.InvariantCulture),
        };
    }
}
