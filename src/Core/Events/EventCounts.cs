using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Events;

/// <summary>How many events of a kind happened to a workload since the start.</summary>
/// <param name="Type">Type of the events.</param>
/// <param name="Scope">Of OOM kills, whose memory had run out; empty otherwise.</param>
/// <param name="Workload">Who.</param>
/// <param name="Count">How many; refused connections for overflows.</param>
public sealed record EventCount(string Type, string Scope, Workload Workload, long Count);

/// <summary>Counts events per type, scope and container. Any thread may call.</summary>
/// <remarks>At most <see cref="MaxSeries"/> entries; what is beyond is counted for the workload "overflow".</remarks>
public sealed class EventCounts : INodeEventObserver
{
    /// <summary>Entries at most.</summary>
    public const int MaxSeries = 1000;

    private static readonly Workload s_overflow = new("overflow", WorkloadSource.Unknown);

    private readonly Lock _lock = new();
    private readonly Dictionary<Key, (Workload Workload, long Count)> _counts = [];

    /// <inheritdoc/>
    public void OnEvent(NodeEvent happened)
    {
        Workload workload = happened.Workload;
        string scope = happened is OomKillEvent kill ? NodeEventJson.NameOf(kill.Scope) : string.Empty;
        Key key = new(happened.Type, scope, workload.Namespace, workload.Pod, workload.Container, workload.Name);
        lock (_lock)
        {
            if (!_counts.ContainsKey(key) && _counts.Count >= MaxSeries)
            {
                (key, workload) = (new Key(happened.Type, string.Empty, null, null, null, s_overflow.Name), s_overflow);
            }
            long count = _counts.TryGetValue(key, out (Workload Workload, long Count) known) ? known.Count : 0;
            _counts[key] = (workload, count + (happened is AcceptQueueOverflowEvent overflow ? overflow.Count : 1));
        }
    }

    /// <summary>All counts, a copy.</summary>
    public IReadOnlyList<EventCount> Snapshot()
    {
        lock (_lock)
        {
            return [.. _counts.Select(static pair => new EventCount(pair.Key.Type, pair.Key.Scope, pair.Value.Workload, pair.Value.Count))];
        }
    }

    private readonly record struct Key(string Type, string Scope, string? Namespace, string? Pod, string? Container, string Name);
}
