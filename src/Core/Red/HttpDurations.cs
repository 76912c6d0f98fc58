namespace KubeBpfBox.Core.Red;

/// <summary>Bounds of the buckets in which outputs tell how long requests took: those that the conventions recommend, and two below.</summary>
/// <remarks>Units: nanoseconds. Source: OpenTelemetry semantic conventions for HTTP metrics.</remarks>
public static class HttpDurations
{
    /// <summary>From the lowest to the highest.</summary>
    public static ReadOnlySpan<long> BoundsNs =>
    [
        500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 75_000_000, 100_000_000, 250_000_000, 500_000_000, 750_000_000,
        1_000_000_000, 2_500_000_000, 5_000_000_000, 7_500_000_000, 10_000_000_000,
    ];

    /// <summary>The same, with their places in a <see cref="DurationHistogram"/>.</summary>
    public static DurationBounds Bounds { get; } = new(BoundsNs);
}
