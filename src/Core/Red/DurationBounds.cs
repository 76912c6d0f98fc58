namespace KubeBpfBox.Core.Red;

/// <summary>Bounds of the buckets in which outputs tell durations: those that OpenTelemetry recommends for HTTP, and two below.</summary>
/// <remarks>Units: nanoseconds. Each is a bound of <see cref="DurationHistogram"/>, so cumulative counts are exact. Source: semantic conventions for HTTP metrics.</remarks>
public static class DurationBounds
{
    /// <summary>From the lowest to the highest.</summary>
    public static ReadOnlySpan<long> Ns =>
    [
        500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 75_000_000, 100_000_000, 250_000_000, 500_000_000, 750_000_000,
        1_000_000_000, 2_500_000_000, 5_000_000_000, 7_500_000_000, 10_000_000_000,
    ];
}
