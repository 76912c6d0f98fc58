using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Unit.Api;

/// <summary>A history of rows that a test wrote down.</summary>
internal sealed class TestHistory(params int[] steps) : IRedHistory
{
    private readonly List<(SeriesKey Key, Counts Counts)> _series = [];
    private readonly List<(CallKey Key, Counts Counts)> _calls = [];

    public long? SinceS { get; set; }

    public IReadOnlyList<int> StepsS { get; } = steps.Length > 0 ? steps : [10];

    /// <summary>What was read: start, end and step of each reading.</summary>
    public List<(long SinceS, long UntilS, int StepS)> Readings { get; } = [];

    /// <summary>Is called before each row.</summary>
    public Action<CancellationToken>? OnRow { get; set; }

    /// <summary>Adds requests of a series to the window that begins at a time.</summary>
    public void Add(long startS, Workload workload, long durationNs = 1_000_000, int requests = 1, int errors = 0, string role = "server", string method = "GET", string route = "/", int status = 200) =>
        Add(_series, new SeriesKey(workload, role, "http", method, route, status, errors > 0 ? "500" : null, false), startS, durationNs, requests, errors);

    /// <summary>Adds calls.</summary>
    public void AddCall(long startS, Workload source, Workload destination, string role, long durationNs = 1_000_000, int requests = 1, int errors = 0) =>
        Add(_calls, new CallKey(source, destination, role, "http", false), startS, durationNs, requests, errors);

    public void ReadSeries(long sinceS, long untilS, int stepS, HistoryFilter filter, HistoryRowHandler<SeriesKey> handler, CancellationToken stop) =>
        Read(_series.Where(row => Matches(row.Key.Workload, filter) && (filter.Role is null || row.Key.Role == filter.Role)), sinceS, untilS, stepS, handler, stop);

    public void ReadCalls(long sinceS, long untilS, int stepS, HistoryFilter filter, HistoryRowHandler<CallKey> handler, CancellationToken stop) =>
        Read(_calls.Where(row => Matches(row.Key.Source, filter) || Matches(row.Key.Destination, filter)), sinceS, untilS, stepS, handler, stop);

    private void Add<TKey>(List<(TKey Key, Counts Counts)> rows, TKey key, long startS, long durationNs, int requests, int errors)
    {
        DurationHistogram durations = new();
        for (int i = 0; i < requests && durationNs >= 0; i++)
        {
            durations.Record(durationNs);
        }
        // One instance for all rows of a key, as the contract says.
        TKey shared = rows.Select(static row => row.Key).FirstOrDefault(one => one!.Equals(key)) ?? key;
        rows.Add((shared, new Counts(startS, requests, errors, durations.Serialize())));
        SinceS = Math.Min(SinceS ?? long.MaxValue, startS);
    }

    private void Read<TKey>(IEnumerable<(TKey Key, Counts Counts)> rows, long sinceS, long untilS, int stepS, HistoryRowHandler<TKey> handler, CancellationToken stop)
    {
        Assert.Equal(0, sinceS % stepS);
        Assert.Contains(stepS, StepsS);
        Readings.Add((sinceS, untilS, stepS));
        foreach ((TKey key, Counts counts) in rows.Where(row => row.Counts.StartS >= sinceS && row.Counts.StartS < untilS))
        {
            OnRow?.Invoke(stop);
            stop.ThrowIfCancellationRequested();
            handler(new HistoryRow<TKey>
            {
                Key = key,
                StartS = counts.StartS / stepS * stepS,
                Requests = counts.Requests,
                Errors = counts.Errors,
                RequestBytes = counts.Requests * 100,
                ResponseBytes = counts.Requests * 1000,
                Durations = counts.Durations,
            });
        }
    }

    private static bool Matches(Workload workload, HistoryFilter filter) =>
        (filter.Workload is null || workload.Name == filter.Workload) && (filter.Namespace is null || workload.Namespace == filter.Namespace) && (filter.Kind is null || workload.Kind == filter.Kind);

    private sealed record Counts(long StartS, long Requests, long Errors, byte[] Durations);
}
