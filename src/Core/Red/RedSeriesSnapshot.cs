namespace KubeBpfBox.Core.Red;

/// <summary>One series' cumulative state, copied under the table's lock.</summary>
public sealed class RedSeriesSnapshot
{
    /// <summary>Who owns the socket.</summary>
    public required string Workload { get; init; }

    /// <summary>"client" or "server"; null when it cannot be told.</summary>
    public required string? Role { get; init; }

    /// <summary>Protocol name: "http".</summary>
    public required string Protocol { get; init; }

    /// <summary>Method token.</summary>
    public required string Method { get; init; }

    /// <summary>Templated target.</summary>
    public required string Route { get; init; }

    /// <summary>Status code; 0 when there was none.</summary>
    public required int Status { get; init; }

    /// <summary>What went wrong; null unless these requests are errors.</summary>
    public required string? ErrorType { get; init; }

    /// <summary>Requests.</summary>
    public required long Count { get; init; }

    /// <summary>Requests that are errors.</summary>
    public required long Errors { get; init; }

    /// <summary>Bytes of requests.</summary>
    public required long RequestBytes { get; init; }

    /// <summary>Bytes of responses.</summary>
    public required long ResponseBytes { get; init; }

    /// <summary>Durations in nanoseconds; an owned copy.</summary>
    public required DurationHistogram Duration { get; init; }

    /// <summary>True for the series that takes what is over the cap.</summary>
    public required bool IsOverflow { get; init; }
}
