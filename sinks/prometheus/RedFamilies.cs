using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>Rate, errors and duration of one series, as lines.</summary>
/// <remarks>
/// The labels are escaped once, and what all lines of a histogram start with is copied from there.
/// Source: OpenTelemetry semantic conventions for HTTP metrics.
/// </remarks>
internal sealed class RedFamilies
{
    private static readonly long[] s_boundsNs = [.. HttpDurations.BoundsNs];
    private static readonly byte[][] s_text = [.. s_boundsNs.Select(static ns => Spell(ns, isOpen: false))];
    private static readonly byte[][] s_open = [.. s_boundsNs.Select(static ns => Spell(ns, isOpen: true))];

    private readonly ExpositionBuffer _labels = new(1024);
    private readonly ExpositionBuffer _bucket = new(1024);

    /// <summary>Writes the lines of a histogram.</summary>
    public void WriteHistogram(ExpositionBuffer output, ExpositionFormat format, ReadOnlySpan<byte> name, RedReading reading)
    {
        bool isOpen = format == ExpositionFormat.OpenMetrics;
        SetLabels(reading.Series);
        ReadOnlySpan<byte> labels = _labels.Written.Span;
        _bucket.Clear();
        _bucket.Append(name);
        _bucket.Append("_bucket"u8);
        _bucket.Append(labels);
        _bucket.Append(",le=\""u8);
        ReadOnlySpan<byte> start = _bucket.Written.Span;
        ReadOnlySpan<RedExemplar> exemplars = isOpen ? reading.Exemplars : [];
        byte[][] bounds = isOpen ? s_open : s_text;
        for (int i = 0; i < bounds.Length; i++)
        {
            Bucket(output, start, bounds[i], reading.Cumulative[i]);
            EndBucket(output, ref exemplars, s_boundsNs[i]);
        }
        Bucket(output, start, "+Inf"u8, reading.DurationCount);
        EndBucket(output, ref exemplars, long.MaxValue);
        output.Append(name);
        output.Append("_sum"u8);
        output.Append(labels);
        output.Append("} "u8);
        output.AppendSeconds(reading.DurationSumNs);
        output.Append("\n"u8);
        output.Append(name);
        output.Append("_count"u8);
        WriteCount(output, labels, reading.DurationCount);
    }

    /// <summary>Writes the line of a counter.</summary>
    public void WriteCounter(ExpositionBuffer output, ReadOnlySpan<byte> name, RedSeries series, long value)
    {
        SetLabels(series);
        output.Append(name);
        output.Append("_total"u8);
        WriteCount(output, _labels.Written.Span, value);
    }

    private static void WriteCount(ExpositionBuffer output, ReadOnlySpan<byte> labels, long value)
    {
        output.Append(labels);
        output.Append("} "u8);
        output.Append(value);
        output.Append("\n"u8);
    }

    private static void Bucket(ExpositionBuffer output, ReadOnlySpan<byte> start, ReadOnlySpan<byte> bound, long count)
    {
        output.Append(start);
        output.Append(bound);
        output.Append("\"} "u8);
        output.Append(count);
    }

    /// <summary>Adds the latest of the exemplars that lie within the bucket, and passes over them all; they stand shortest first.</summary>
    private static void EndBucket(ExpositionBuffer output, ref ReadOnlySpan<RedExemplar> exemplars, long boundNs)
    {
        int latest = -1, within = 0;
        for (; within < exemplars.Length && exemplars[within].DurationNs <= boundNs; within++)
        {
            latest = latest < 0 || exemplars[within].EndNs > exemplars[latest].EndNs ? within : latest;
        }
        if (latest >= 0)
        {
            Exemplar(output, in exemplars[latest]);
            exemplars = exemplars[within..];
        }
        output.Append("\n"u8);
    }

    /// <summary>Shape: <c> # {trace_id="…",span_id="…"} seconds time</c> (OpenMetrics 1.0.0, "Exemplars").</summary>
    private static void Exemplar(ExpositionBuffer output, in RedExemplar exemplar)
    {
        output.Append(" # {trace_id=\""u8);
        exemplar.Trace.FormatTraceId(output.Reserve(32));
        output.Advance(32);
        output.Append("\",span_id=\""u8);
        exemplar.Trace.FormatParentSpanId(output.Reserve(16));
        output.Advance(16);
        output.Append("\"} "u8);
        output.AppendSeconds(exemplar.DurationNs);
        output.Append(" "u8);
        // Milliseconds are what Prometheus keeps.
        output.AppendSeconds(exemplar.EndNs / 1_000_000 * 1_000_000);
    }

    /// <summary>OpenMetrics wants numbers in labels spelt canonically: 1.0, where the text format has 1.</summary>
    private static byte[] Spell(long ns, bool isOpen)
    {
        ExpositionBuffer text = new(16);
        text.AppendSeconds(ns);
        if (isOpen && ns % 1_000_000_000 == 0)
        {
            text.Append(".0"u8);
        }
        return text.Written.ToArray();
    }

    /// <summary>All that tells series apart, without the closing brace; optional labels are left out when empty.</summary>
    private void SetLabels(RedSeries series)
    {
        _labels.Clear();
        ExpositionWriter writer = new(_labels, ExpositionFormat.Text);
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
        writer.LabelIfKnown("error_type"u8, series.ErrorType);
        if (series.IsOverflow)
        {
            // OpenTelemetry's metrics SDK, "Overflow attribute".
            writer.Label("otel_metric_overflow"u8, "true"u8);
        }
    }
}
