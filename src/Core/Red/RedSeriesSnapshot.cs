using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>Rate, errors and duration of one series, since the agent's start or during a window. A copy: nobody changes it any more.</summary>
public sealed class RedSeriesSnapshot
{
    /// <summary>Who the socket belongs to; one of those that share its names.</summary>
    public required Workload Workload { get; init; }

    /// <summary>"client", "server", or null for a capture.</summary>
    public required string? Role { get; init; }

    /// <summary>"http".</summary>
    public required string Protocol { get; init; }

    /// <summary>Method of RFC 9110 or PATCH; "_OTHER" for any other, as OpenTelemetry's conventions say.</summary>
    public required string Method { get; init; }

    /// <summary>Target as <see cref="RouteTemplate"/> made it.</summary>
    public required string Route { get; init; }

    /// <summary>Status code; 0 when there is none.</summary>
    public required int Status { get; init; }

    /// <summary>OpenTelemetry's error.type: the status code, or the name of what went wrong; null unless it is an error.</summary>
    public required string? ErrorType { get; init; }

    /// <summary>When the series began, nanoseconds since the Unix epoch: by the newest request's start. One that left and came back begins anew.</summary>
    public long StartNs { get; init; }

    /// <summary>Requests.</summary>
    public required long Count { get; init; }

    /// <summary>Requests that count as errors.</summary>
    public required long Errors { get; init; }

    /// <summary>Whole request messages.</summary>
    public required long RequestBytes { get; init; }

    /// <summary>Whole response messages.</summary>
    public required long ResponseBytes { get; init; }

    /// <summary>Durations, in nanoseconds, of the requests that were answered; so its count may be below <see cref="Count"/>. Owned copy.</summary>
    public required DurationHistogram Duration { get; init; }

    /// <summary>A few of the requests with a sampled trace: the latest ones, or those of the window. Shortest first.</summary>
    public IReadOnlyList<RedExemplar> Exemplars { get; init; } = [];

    /// <summary>True for the series that takes what does not fit the table: workload, method and route are "overflow", status is 0.</summary>
    public required bool IsOverflow { get; init; }
}
