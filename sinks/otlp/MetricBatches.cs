using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Makes requests of the series and of the agent's own metrics.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class MetricBatches
{
    // Collectors refuse more than 4 MiB unless told otherwise.
    private const int BatchBytes = 1 << 20;

    private readonly ProtoWriter _writer = new();
    private readonly MetricWriter _metrics;
    private readonly RedMetrics _red;
    private readonly AgentMetrics _agent;
    private readonly Resources _resources;
    private readonly OtlpSources _sources;
    private readonly Action<ExportBatch> _handOn;
    private int _handedOn;

    /// <param name="resources">Who tells.</param>
    /// <param name="sources">What is told.</param>
    /// <param name="startNs">When the agent started.</param>
    /// <param name="handOn">Takes each request.</param>
    public MetricBatches(Resources resources, OtlpSources sources, long startNs, Action<ExportBatch> handOn)
    {
        _metrics = new MetricWriter(_writer);
        _red = new RedMetrics(_writer, _metrics);
        _agent = new AgentMetrics(_writer, _metrics, startNs);
        _resources = resources;
        _sources = sources;
        _handOn = handOn;
    }

    /// <summary>Reads all of it and hands it on.</summary>
    public void Collect(long nowNs)
    {
        // What did not fit the table belongs to no workload; it is the agent that could not tell.
        IEnumerable<IGrouping<Workload?, RedSeriesSnapshot>> workloads = _sources.Red().GroupBy(static one => one.IsOverflow ? null : one.Workload, SameResource.Instance);
        List<RedSeriesSnapshot> overflow = [];
        foreach (IGrouping<Workload?, RedSeriesSnapshot> group in workloads)
        {
            if (group.Key is null)
            {
                overflow.AddRange(group);
                continue;
            }
            Resources.Opened opened = _resources.Open(_writer, group.Key, withContainerId: false);
            _red.Write([.. group], nowNs);
            Resources.Close(_writer, opened);
            if (_writer.Length >= BatchBytes)
            {
                HandOn(nowNs);
            }
        }
        Resources.Opened agent = _resources.OpenAgent(_writer);
        _red.Write(overflow, nowNs);
        _agent.Write(_sources.Health(), _sources.Ledger, nowNs);
        Resources.Close(_writer, agent);
        HandOn(nowNs);
    }

    private void HandOn(long nowNs)
    {
        _handOn(new ExportBatch(ExportKind.Aggregates, _metrics.Points - _handedOn, nowNs, _writer.Written.ToArray()));
        _handedOn = _metrics.Points;
        _writer.Clear();
    }

    /// <summary>Workloads whose resources have the same attributes: what else is known of them (how they were found, which run of the container) makes no other series.</summary>
    private sealed class SameResource : IEqualityComparer<Workload?>
    {
        public static SameResource Instance { get; } = new();

        public bool Equals(Workload? one, Workload? other) => ReferenceEquals(one, other)
            || (one is not null && other is not null && one.Name == other.Name && one.Kind == other.Kind && one.Namespace == other.Namespace && one.Pod == other.Pod
                && one.PodUid == other.PodUid && one.Container == other.Container && one.Service == other.Service && one.Node == other.Node);

        public int GetHashCode(Workload workload) => HashCode.Combine(workload.Name, workload.Namespace, workload.Pod, workload.Container);
    }
}
