namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>How the page is spelt.</summary>
public enum ExpositionFormat
{
    /// <summary>Prometheus' text format 0.0.4: what every scraper reads, and people.</summary>
    Text,

    /// <summary>OpenMetrics 1.0.0: the same samples, with units, with exemplars, and with an end that shows whether the page is whole.</summary>
    OpenMetrics,
}

/// <summary>Media types of the formats.</summary>
public static class ExpositionFormats
{
    /// <summary>What a response in this format says of itself.</summary>
    public static string ContentType(this ExpositionFormat format) => format == ExpositionFormat.OpenMetrics
        ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
        : "text/plain; version=0.0.4; charset=utf-8";
}

/// <summary>Kinds of metric families that are used here.</summary>
internal enum MetricType
{
    /// <summary>Only rises; its samples end in <c>_total</c>.</summary>
    Counter,

    /// <summary>Goes up and down.</summary>
    Gauge,

    /// <summary>Cumulative buckets, sum and count.</summary>
    Histogram,

    /// <summary>Says things in its labels; its value is 1 and its samples end in <c>_info</c>.</summary>
    Info,
}
