using System.Globalization;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>A window of the series as points: "red", and added up "red_pod", "red_workload", "red_route" and "red_namespace".</summary>
/// <remarks>
/// Each measurement has all requests of the window, so their sums agree. Series whose tags are the same are added up rather than overwritten. Percentiles of sums
/// are those of the added histograms. One call at a time.
/// </remarks>
internal sealed class RedLines(string node)
{
    private readonly Dictionary<string, Sum> _sums = new(StringComparer.Ordinal);

    /// <summary>Writes the points of a window.</summary>
    /// <param name="builder">Counts each.</param>
    /// <param name="window">The window.</param>
    /// <param name="timeNs">Time of the points.</param>
    public void Write(BatchBuilder builder, RedWindow window, long timeNs)
    {
        foreach (RedSeriesSnapshot series in window.Series)
        {
            Add(series);
        }
        foreach ((string tags, Sum sum) in _sums)
        {
            if (builder.TryBegin(out System.Buffers.IBufferWriter<byte> output))
            {
                LineWriter writer = new(output);
                writer.Tags(tags);
                Write(ref writer, sum, window.LengthNs / 1e9);
                writer.End(timeNs);
                builder.End(timeNs);
            }
        }
        _sums.Clear();
    }

    private void Add(RedSeriesSnapshot series)
    {
        PointTags who = PointTags.Of(series.Workload, node) with { Type = series.Protocol, Flow = PointTags.FlowOf(series.Role) };
        PointTags workload = new() { Node = node, Namespace = who.Namespace, Workload = who.Workload, Type = who.Type, Flow = who.Flow };
        PointTags full = who with
        {
            Method = series.Method,
            Route = series.Route,
            Code = series.Status == 0 ? null : series.Status.ToString(CultureInfo.InvariantCulture),
            Error = series.ErrorType,
        };
        Add(full.Escape("red"u8), series);
        Add((who with { Container = null }).Escape("red_pod"u8), series);
        Add(workload.Escape("red_workload"u8), series);
        Add((workload with { Method = series.Method, Route = series.Route }).Escape("red_route"u8), series);
        Add((workload with { Workload = null }).Escape("red_namespace"u8), series);
    }

    private void Add(string tags, RedSeriesSnapshot series)
    {
        if (!_sums.TryGetValue(tags, out Sum? sum))
        {
            _sums[tags] = sum = new Sum();
        }
        sum.Add(series);
    }

    private static void Write(ref LineWriter writer, Sum sum, double seconds)
    {
        DurationHistogram duration = sum.Duration;
        writer.Field("requests"u8, sum.Requests);
        writer.Field("errors"u8, sum.Errors);
        writer.Field("qps"u8, sum.Requests / seconds);
        writer.Field("errrate"u8, (double)sum.Errors / sum.Requests);
        writer.Field("answered"u8, duration.Count);
        writer.Milliseconds("duration_sum"u8, duration.SumNs);
        if (duration.Count > 0)
        {
            writer.Milliseconds("duration"u8, duration.SumNs / duration.Count);
            writer.Milliseconds("p50"u8, duration.QuantileNs(0.5));
            writer.Milliseconds("p90"u8, duration.QuantileNs(0.9));
            writer.Milliseconds("p99"u8, duration.QuantileNs(0.99));
            writer.Milliseconds("max"u8, duration.MaxNs);
        }
        writer.Field("request_bytes"u8, sum.RequestBytes);
        writer.Field("response_bytes"u8, sum.ResponseBytes);
    }

    private sealed class Sum
    {
        private DurationHistogram? _added;

        public long Requests { get; private set; }

        public long Errors { get; private set; }

        public long RequestBytes { get; private set; }

        public long ResponseBytes { get; private set; }

        public DurationHistogram Duration { get; private set; } = s_empty;

        private static readonly DurationHistogram s_empty = new();

        public void Add(RedSeriesSnapshot series)
        {
            Requests += series.Count;
            Errors += series.Errors;
            RequestBytes += series.RequestBytes;
            ResponseBytes += series.ResponseBytes;
            // Most sums have one series: its histogram serves as it is, a copy is made for the second.
            if (ReferenceEquals(Duration, s_empty))
            {
                Duration = series.Duration;
                return;
            }
            Duration = _added ??= Duration.Clone();
            _added.Add(series.Duration);
        }
    }
}
