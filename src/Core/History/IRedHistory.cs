using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.History;

/// <summary>What tells a series apart; one instance for all rows of a series within a reading.</summary>
/// <param name="Workload">Who the socket belongs to.</param>
/// <param name="Role">"client", "server", or null for a capture.</param>
/// <param name="Protocol">"http".</param>
/// <param name="Method">Method, or "_OTHER".</param>
/// <param name="Route">Target as a template.</param>
/// <param name="Status">Status code; 0 when there is none.</param>
/// <param name="ErrorType">OpenTelemetry's error.type; null unless it is an error.</param>
/// <param name="IsOverflow">The series that takes what is over the limit.</param>
public sealed record SeriesKey(Workload Workload, string? Role, string Protocol, string Method, string Route, int Status, string? ErrorType, bool IsOverflow);

/// <summary>Who calls whom, as one of both saw it; one instance for all rows of it within a reading.</summary>
/// <param name="Source">Who asks. Of its names those of the workload count: name, kind, namespace.</param>
/// <param name="Destination">Who is asked.</param>
/// <param name="Role">Which of both ends was observed: "client" or "server".</param>
/// <param name="Protocol">"http".</param>
/// <param name="IsOverflow">Takes the calls of those that are over the limit; both ends are named "overflow".</param>
public sealed record CallKey(Workload Source, Workload Destination, string Role, string Protocol, bool IsOverflow);

/// <summary>Which rows are wanted. Unset conditions hold for all; of calls either end may meet those on the workload, and the role is not asked.</summary>
/// <param name="Namespace">Kubernetes namespace.</param>
/// <param name="Workload">Name of the workload.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Role">"client" or "server".</param>
public sealed record HistoryFilter(string? Namespace = null, string? Workload = null, string? Kind = null, string? Role = null)
{
    /// <summary>Passes everything.</summary>
    public static HistoryFilter All { get; } = new();

    /// <summary>True when all conditions hold for a series.</summary>
    public bool Matches(SeriesKey key) => (Role is null || Role == key.Role) && Matches(key.Workload);

    /// <summary>True when all conditions on the workload hold for one end of a call.</summary>
    public bool Matches(CallKey key) => Matches(key.Source) || Matches(key.Destination);

    private bool Matches(Workload one) =>
        (Workload is null || Workload == one.Name) && (Namespace is null || Namespace == one.Namespace) && (Kind is null || Kind == one.Kind);
}

/// <summary>The counts of a series, or of a call, in one stored step.</summary>
/// <remarks>Lifetime: of the call that it is passed to.</remarks>
public readonly ref struct HistoryRow<TKey>
{
    /// <summary>Which.</summary>
    public required TKey Key { get; init; }

    /// <summary>Start of the step, seconds since the Unix epoch.</summary>
    public required long StartS { get; init; }

    /// <summary>Requests.</summary>
    public required long Requests { get; init; }

    /// <summary>Requests that count as errors.</summary>
    public required long Errors { get; init; }

    /// <summary>Whole request messages.</summary>
    public required long RequestBytes { get; init; }

    /// <summary>Whole response messages.</summary>
    public required long ResponseBytes { get; init; }

    /// <summary>Durations, as <see cref="Red.DurationHistogram.Serialize"/> writes them.</summary>
    public required ReadOnlySpan<byte> Durations { get; init; }
}

/// <summary>Takes a row.</summary>
public delegate void HistoryRowHandler<TKey>(in HistoryRow<TKey> row);

/// <summary>Past windows of rate, errors and duration, in steps of some lengths.</summary>
/// <remarks>Threads: any; readings do not disturb each other nor who writes.</remarks>
public interface IRedHistory
{
    /// <summary>Start of the oldest window, seconds since the Unix epoch; null when there is none.</summary>
    long? SinceS { get; }

    /// <summary>Lengths of steps that can be read, ascending, seconds; each divides the next. The first is <see cref="Red.RedWindows.Seconds"/>.</summary>
    IReadOnlyList<int> StepsS { get; }

    /// <summary>Reads series. Rows come in no particular order; a series may have several rows of one step.</summary>
    /// <param name="sinceS">First start wanted; a multiple of the step.</param>
    /// <param name="untilS">First start not wanted any more.</param>
    /// <param name="stepS">One of <see cref="StepsS"/>.</param>
    /// <param name="filter">Which.</param>
    /// <param name="handler">Takes the rows.</param>
    /// <param name="stop">Ends the reading.</param>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    void ReadSeries(long sinceS, long untilS, int stepS, HistoryFilter filter, HistoryRowHandler<SeriesKey> handler, CancellationToken stop);

    /// <summary>Reads calls, likewise.</summary>
    void ReadCalls(long sinceS, long untilS, int stepS, HistoryFilter filter, HistoryRowHandler<CallKey> handler, CancellationToken stop);
}
