namespace KubeBpfBox.Core.Red;

/// <summary>Counts of one series since its start, as they were at one moment.</summary>
/// <remarks>Lifetime: of the slice that it is part of; the reader uses it again for the next.</remarks>
public sealed class RedReading
{
    private readonly DurationBounds _bounds;
    private readonly long[] _cumulative;
    private readonly RedExemplar[] _exemplars = new RedExemplar[RedExemplars.Capacity];
    private int _exemplarCount;

    internal RedReading(DurationBounds bounds)
    {
        _bounds = bounds;
        _cumulative = new long[bounds.Count];
    }

    /// <summary>Which series.</summary>
    public RedSeries Series { get; private set; } = null!;

    /// <summary>Requests.</summary>
    public long Count { get; private set; }

    /// <summary>Whole request messages.</summary>
    public long RequestBytes { get; private set; }

    /// <summary>Whole response messages.</summary>
    public long ResponseBytes { get; private set; }

    /// <summary>Requests that have a duration.</summary>
    public long DurationCount { get; private set; }

    /// <summary>The sum of their durations.</summary>
    public long DurationSumNs { get; private set; }

    /// <summary>For each bound of the reader how many durations were not above it.</summary>
    public ReadOnlySpan<long> Cumulative => _cumulative;

    /// <summary>A few of the requests with a sampled trace, shortest first.</summary>
    public ReadOnlySpan<RedExemplar> Exemplars => _exemplars.AsSpan(0, _exemplarCount);

    internal void Set(RedSeries series, in RedCounts total, in RedCounts window, RedExemplars? exemplars)
    {
        Series = series;
        Count = total.Count + window.Count;
        RequestBytes = total.RequestBytes + window.RequestBytes;
        ResponseBytes = total.ResponseBytes + window.ResponseBytes;
        DurationCount = total.Duration.Count + window.Duration.Count;
        DurationSumNs = DurationHistogram.AddSaturating(total.Duration.SumNs, window.Duration.SumNs);
        Array.Clear(_cumulative);
        total.Duration.AddCumulative(_bounds, _cumulative);
        window.Duration.AddCumulative(_bounds, _cumulative);
        _exemplarCount = exemplars?.CopyTo(_exemplars) ?? 0;
    }

    /// <summary>Lets go of the series.</summary>
    internal void Clear() => Series = null!;
}
