using KubeBpfBox.Core.History;

namespace KubeBpfBox.Core.Red;

/// <summary>Rate, errors and duration of one call during a window. A copy: nobody changes it any more.</summary>
public sealed class CallSnapshot
{
    /// <summary>Who calls whom.</summary>
    public required CallKey Key { get; init; }

    /// <inheritdoc cref="RedSeriesSnapshot.Count"/>
    public required long Count { get; init; }

    /// <inheritdoc cref="RedSeriesSnapshot.Errors"/>
    public required long Errors { get; init; }

    /// <inheritdoc cref="RedSeriesSnapshot.RequestBytes"/>
    public required long RequestBytes { get; init; }

    /// <inheritdoc cref="RedSeriesSnapshot.ResponseBytes"/>
    public required long ResponseBytes { get; init; }

    /// <inheritdoc cref="RedSeriesSnapshot.Duration"/>
    public required DurationHistogram Duration { get; init; }
}
