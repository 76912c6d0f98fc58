using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>Rate, errors and duration per series.</summary>
/// <remarks>Source: OpenTelemetry semantic conventions for HTTP metrics.</remarks>
internal static class RedFamilies
{
    private static readonly (long Ns, byte[] Text)[] s_bounds =
        Array.ConvertAll(DurationBounds.Ns.ToArray(), static ns => (ns, Encoding.ASCII.GetBytes((ns / 1e9).ToString(CultureInfo.InvariantCulture))));

    public static void Write(ref ExpositionWriter writer, IReadOnlyList<RedSeriesSnapshot> series)
    {
        Histogram(ref writer, series, isClient: false, "http_server_request_duration_seconds"u8, "Duration of requests to local servers, from the request's first byte to the response's last."u8);
        Histogram(ref writer, series, isClient: true, "http_client_request_duration_seconds"u8, "Duration of requests by local clients, from the request's first byte to the response's last."u8);
        // The histogram counts what has a duration; requests that were never answered have none.
        Counter(ref writer, series, isClient: false, "http_server_requests_total"u8, "Requests to local servers, unanswered ones included."u8, static s => s.Count);
        Counter(ref writer, series, isClient: true, "http_client_requests_total"u8, "Requests by local clients, unanswered ones included."u8, static s => s.Count);
        Counter(ref writer, series, isClient: false, "http_server_request_size_bytes_total"u8, "Bytes of requests to local servers, heads and framing included."u8, static s => s.RequestBytes);
        Counter(ref writer, series, isClient: true, "http_client_request_size_bytes_total"u8, "Bytes of requests by local clients, heads and framing included."u8, static s => s.RequestBytes);
        Counter(ref writer, series, isClient: false, "http_server_response_size_bytes_total"u8, "Bytes of responses of local servers, heads and framing included."u8, static s => s.ResponseBytes);
        Counter(ref writer, series, isClient: true, "http_client_response_size_bytes_total"u8, "Bytes of responses to local clients, heads and framing included."u8, static s => s.ResponseBytes);

        int kept = 0;
        long overflow = 0;
        foreach (RedSeriesSnapshot one in series)
        {
            kept += one.IsOverflow ? 0 : 1;
            overflow += one.IsOverflow ? one.Count : 0;
        }
        writer.Family("kubebpfbox_red_series"u8, "gauge"u8, "Series of rate, errors and duration in use."u8);
        writer.Sample("kubebpfbox_red_series"u8);
        writer.Value(kept);
        writer.Family("kubebpfbox_red_overflow_requests_total"u8, "counter"u8, "Requests counted in the overflow series because red.max_series was reached."u8);
        writer.Sample("kubebpfbox_red_overflow_requests_total"u8);
        writer.Value(overflow);
    }

    private static bool IsOf(RedSeriesSnapshot series, bool isClient) => (series.Role == "client") == isClient;

    private static void Histogram(ref ExpositionWriter writer, IReadOnlyList<RedSeriesSnapshot> series, bool isClient, ReadOnlySpan<byte> name, ReadOnlySpan<byte> help)
    {
        writer.Family(name, "histogram"u8, help);
        foreach (RedSeriesSnapshot one in series)
        {
            if (!IsOf(one, isClient) || one.Duration.Count == 0)
            {
                continue;
            }
            foreach ((long ns, byte[] text) in s_bounds)
            {
                writer.Sample(name, "_bucket"u8);
                Labels(ref writer, one);
                writer.Label("le"u8, text);
                writer.Value(one.Duration.CountAtOrBelowNs(ns));
            }
            writer.Sample(name, "_bucket"u8);
            Labels(ref writer, one);
            writer.Label("le"u8, "+Inf"u8);
            writer.Value(one.Duration.Count);
            writer.Sample(name, "_sum"u8);
            Labels(ref writer, one);
            writer.Value(one.Duration.SumNs / 1e9);
            writer.Sample(name, "_count"u8);
            Labels(ref writer, one);
            writer.Value(one.Duration.Count);
        }
    }

    private static void Counter(ref ExpositionWriter writer, IReadOnlyList<RedSeriesSnapshot> series, bool isClient, ReadOnlySpan<byte> name, ReadOnlySpan<byte> help, Func<RedSeriesSnapshot, long> value)
    {
        writer.Family(name, "counter"u8, help);
        foreach (RedSeriesSnapshot one in series)
        {
            if (IsOf(one, isClient))
            {
                writer.Sample(name);
                Labels(ref writer, one);
                writer.Value(value(one));
            }
        }
    }

    /// <summary>All that tells series apart; optional labels are left out when empty.</summary>
    private static void Labels(ref ExpositionWriter writer, RedSeriesSnapshot series)
    {
        WorkloadLabels.Write(ref writer, series.Workload);
        if (series.Role is null)
        {
            writer.Label("kubebpfbox_role"u8, "unknown"u8);
        }
        if (series.Protocol != "http")
        {
            writer.Label("network_protocol_name"u8, series.Protocol);
        }
        writer.Label("http_request_method"u8, series.Method);
        writer.Label("http_route"u8, series.Route);
        if (series.Status != 0)
        {
            writer.Label("http_response_status_code"u8, series.Status);
        }
        if (series.ErrorType is not null)
        {
            writer.Label("error_type"u8, series.ErrorType);
        }
        if (series.IsOverflow)
        {
            // OpenTelemetry's metrics SDK, "Overflow attribute".
            writer.Label("otel_metric_overflow"u8, "true"u8);
        }
    }
}
