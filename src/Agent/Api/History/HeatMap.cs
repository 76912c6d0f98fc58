using System.Text.Json;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>How many requests took how long, step by step.</summary>
internal static class HeatMap
{
    /// <summary>Four rows for each power of ten, in numbers that people read well.</summary>
    private static readonly long[] s_boundsNs =
    [
        100_000, 200_000, 300_000, 500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000, 20_000_000, 30_000_000, 50_000_000, 100_000_000, 200_000_000, 300_000_000, 500_000_000,
        1_000_000_000, 2_000_000_000, 3_000_000_000, 5_000_000_000, 10_000_000_000, 20_000_000_000, 30_000_000_000, 60_000_000_000,
    ];

    private static readonly DurationBounds s_bounds = new(s_boundsNs);

    /// <summary>Writes the rows that are in use, and one on either side.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<Sums> steps)
    {
        long[][] counts = [.. steps.Select(static step => CountsOf(step.Durations))];
        (int first, int end) = UsedRows(counts);
        json.WriteStartObject("heatmap"u8);
        HistoryJson.WriteNumbers(json, "bounds_ns"u8, s_boundsNs.AsSpan()[first..end]);
        json.WriteStartArray("counts"u8);
        foreach (long[] step in counts)
        {
            json.WriteStartArray();
            HistoryJson.WriteNumbers(json, step.AsSpan()[first..end]);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static long[] CountsOf(DurationHistogram durations)
    {
        long[] counts = new long[s_bounds.Count];
        durations.AddCumulative(s_bounds, counts);
        counts[^1] = durations.Count;
        for (int row = counts.Length - 1; row > 0; row--)
        {
            counts[row] -= counts[row - 1];
        }
        return counts;
    }

    private static (int First, int End) UsedRows(long[][] counts)
    {
        int first = s_bounds.Count, last = -1;
        foreach (long[] step in counts)
        {
            if (Array.FindIndex(step, static count => count != 0) is int lowest and >= 0)
            {
                first = Math.Min(first, lowest);
                last = Math.Max(last, Array.FindLastIndex(step, static count => count != 0));
            }
        }
        return last < 0 ? (0, 0) : (Math.Max(0, first - 1), Math.Min(s_bounds.Count, last + 2));
    }
}
