using KubeBpfBox.Agent.Kubernetes;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>From containers and pods to workloads, with what the API server told.</summary>
/// <remarks>
/// One instance for each container (or pod, where the container is not known) and way of finding it, kept until something of it changes; so a
/// known owner costs look-ups only. A pod that has gone keeps what was known last. Not thread-safe.
/// </remarks>
internal sealed class PodWorkloads(ClusterState cluster)
{
    private const int MaxKept = 8192;
    private const int ShortIdLength = 12;

    private readonly Dictionary<Key, Entry> _entries = [];

    /// <summary>The workload of a container or pod.</summary>
    /// <param name="podUid">Uid as the cgroup's path or the API server has it; null when not known.</param>
    /// <param name="containerId">Whole id; null when not known.</param>
    /// <param name="source">One of <see cref="WorkloadSource"/>'s names.</param>
    public Workload Find(string? podUid, string? containerId, string source)
    {
        Key key = new(containerId ?? podUid ?? string.Empty, source);
        int generation = cluster.Generation;
        if (_entries.TryGetValue(key, out Entry known) && (known.Generation == generation || known.Workload.Lifetime is { IsOver: true }))
        {
            return known.Workload;
        }
        Workload now = Make(podUid, containerId, source);
        // Names are what counts: a pod's other changes make no new workload.
        Workload kept = known.Workload is not null && known.Workload == now ? known.Workload : now;
        if (_entries.Count >= MaxKept)
        {
            MakeRoom();
        }
        _entries[key] = new Entry(kept, generation);
        return kept;
    }

    /// <summary>The same workload as it is known now.</summary>
    public Workload Refresh(Workload workload) =>
        workload.Lifetime is { IsOver: true } || (workload.PodUid is null && workload.ContainerId is null) ? workload : Find(workload.PodUid, workload.ContainerId, workload.Source);

    private Workload Make(string? podUid, string? containerId, string source)
    {
        string? container = null;
        PodInfo? pod = containerId is null ? null : cluster.PodByContainerId(containerId, out container);
        pod ??= podUid is null ? null : cluster.PodByUid(podUid);
        if (pod is null)
        {
            // Kubernetes has not told of the pod yet, or the container is none of its.
            string name = containerId is { Length: > ShortIdLength } ? containerId[..ShortIdLength] : containerId ?? podUid!;
            return new Workload(name, source) { ContainerId = containerId, PodUid = podUid, IsProvisional = podUid is not null };
        }
        container ??= pod.OnlyContainer;
        return new Workload(pod.WorkloadName, source)
        {
            Kind = pod.WorkloadKind,
            Namespace = pod.Namespace,
            Pod = pod.Name,
            PodUid = pod.Uid,
            Container = container,
            ContainerId = containerId,
            Service = cluster.ServiceOfPod(pod.Namespace, pod.Name),
            Node = pod.NodeName,
            Lifetime = pod.Lifetime,
            IsProvisional = containerId is not null && container is null,
        };
    }

    private void MakeRoom()
    {
        foreach ((Key key, Entry entry) in _entries)
        {
            if (entry.Workload.Lifetime is { IsOver: true } || entry.Workload.IsProvisional)
            {
                _entries.Remove(key);
            }
        }
        if (_entries.Count >= MaxKept)
        {
            _entries.Clear();
        }
    }

    private readonly record struct Key(string Id, string Source);

    private readonly record struct Entry(Workload Workload, int Generation);
}
