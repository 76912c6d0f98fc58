using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Writes rate, errors and duration of one workload's series.</summary>
/// <remarks>
/// The conventions have a histogram of durations for requests, but no name for requests that got no answer, nor for sizes of whole messages as sums: those have
/// names beside theirs, and all translate to the names on /metrics. Source: semantic conventions for HTTP metrics.
/// </remarks>
internal sealed class RedMetrics(ProtoWriter writer, MetricWriter metrics)
{
    /// <summary>Appends what the series say, each role by its own names.</summary>
    public void Write(IReadOnlyList<RedSeriesSnapshot> series, long nowNs)
    {
        if (series.Any(static one => one.Role != "client"))
        {
            Durations(series, nowNs, isClient: false, "http.server.request.duration"u8, "Duration of HTTP server requests."u8);
            Counter(series, nowNs, isClient: false, "http.server.requests"u8, "{request}"u8, "Requests to local servers, unanswered ones included."u8, static one => one.Count);
            Counter(series, nowNs, isClient: false, "http.server.request.size"u8, "By"u8, "Bytes of requests to local servers, heads and framing included."u8, static one => one.RequestBytes);
            Counter(series, nowNs, isClient: false, "http.server.response.size"u8, "By"u8, "Bytes of responses of local servers, heads and framing included."u8, static one => one.ResponseBytes);
        }
        if (series.Any(static one => one.Role == "client"))
        {
            Durations(series, nowNs, isClient: true, "http.client.request.duration"u8, "Duration of HTTP client requests."u8);
            Counter(series, nowNs, isClient: true, "http.client.requests"u8, "{request}"u8, "Requests by local clients, unanswered ones included."u8, static one => one.Count);
            Counter(series, nowNs, isClient: true, "http.client.request.size"u8, "By"u8, "Bytes of requests by local clients, heads and framing included."u8, static one => one.RequestBytes);
            Counter(series, nowNs, isClient: true, "http.client.response.size"u8, "By"u8, "Bytes of responses to local clients, heads and framing included."u8, static one => one.ResponseBytes);
        }
    }

    private static bool IsOf(RedSeriesSnapshot series, bool isClient) => series.Role == "client" == isClient;

    private void Durations(IReadOnlyList<RedSeriesSnapshot> series, long nowNs, bool isClient, ReadOnlySpan<byte> name, ReadOnlySpan<byte> description)
    {
        // A metric without a point is not allowed.
        if (!series.Any(one => IsOf(one, isClient) && one.Duration.Count > 0))
        {
            return;
        }
        metrics.OpenHistogram(name, "s"u8, description);
        foreach (RedSeriesSnapshot one in series)
        {
            if (IsOf(one, isClient) && one.Duration.Count > 0)
            {
                int point = metrics.OpenPoint(Math.Min(one.StartNs, nowNs), nowNs);
                metrics.Durations(one.Duration);
                metrics.Exemplars(one.Exemplars);
                Attributes(MetricWriter.HistogramAttribute, one, isClient);
                writer.Close(point);
            }
        }
        metrics.Close();
    }

    private void Counter(
        IReadOnlyList<RedSeriesSnapshot> series, long nowNs, bool isClient, ReadOnlySpan<byte> name, ReadOnlySpan<byte> unit, ReadOnlySpan<byte> description,
        Func<RedSeriesSnapshot, long> value)
    {
        metrics.OpenCounter(name, unit, description);
        foreach (RedSeriesSnapshot one in series)
        {
            if (IsOf(one, isClient))
            {
                int point = metrics.OpenPoint(Math.Min(one.StartNs, nowNs), nowNs);
                metrics.Value(value(one));
                Attributes(MetricWriter.PointAttribute, one, isClient);
                writer.Close(point);
            }
        }
        metrics.Close();
    }

    /// <summary>All that tells the series of a workload apart. What has no value is left out.</summary>
    private void Attributes(int field, RedSeriesSnapshot series, bool isClient)
    {
        if (series.IsOverflow)
        {
            // OpenTelemetry's metrics SDK, "Overflow attribute".
            writer.Attribute(field, "otel.metric.overflow"u8, flag: true);
        }
        else
        {
            writer.Attribute(field, "http.request.method"u8, series.Method);
            writer.Attribute(field, isClient ? "url.template"u8 : "http.route"u8, series.Route);
        }
        writer.Attribute(field, "url.scheme"u8, "http"u8);
        writer.Attribute(field, "network.protocol.name"u8, series.Protocol);
        if (series.Status != 0)
        {
            writer.Attribute(field, "http.response.status_code"u8, series.Status);
        }
        writer.Attribute(field, "error.type"u8, series.ErrorType);
        if (series.Role is null)
        {
            writer.Attribute(field, "kubebpfbox.role"u8, "unknown"u8);
        }
    }
}
