namespace KubeBpfBox.Core.Records;

/// <summary>Who is at an end of a connection, or what an event happened to: the name that it is counted under. Never changed once made.</summary>
/// <param name="Name">What to show: a Deployment or another owner of pods, a Service, a node, a systemd unit, a short container id, a process name.</param>
/// <param name="Source">How it was found; one of <see cref="WorkloadSource"/>'s names.</param>
public sealed record Workload(string Name, string Source)
{
    /// <summary>For what could not be attributed. Unknown is a label, never a reason to drop.</summary>
    public static Workload Unknown { get; } = new("unknown", WorkloadSource.Unknown);

    /// <summary>
    /// What <see cref="Name"/> names: "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob" or another owner's kind, "Pod" for a pod without
    /// an owner, "StaticPod", "Service", "Node", "External" for what is outside of the cluster; null where Kubernetes has no part in it.
    /// </summary>
    public string? Kind { get; init; }

    /// <summary>Kubernetes namespace of the pod or Service. Set whenever <see cref="Pod"/> or <see cref="Service"/> is.</summary>
    public string? Namespace { get; init; }

    /// <summary>Name of the pod.</summary>
    public string? Pod { get; init; }

    /// <summary>Uid of the pod; may be known (from a cgroup's path) before its name is.</summary>
    public string? PodUid { get; init; }

    /// <summary>Name of the container within its pod.</summary>
    public string? Container { get; init; }

    /// <summary>Container id, whole, when the socket belongs to a container.</summary>
    public string? ContainerId { get; init; }

    /// <summary>A Service that the pod stands behind, or that an address belongs to.</summary>
    public string? Service { get; init; }

    /// <summary>Node that it runs on.</summary>
    public string? Node { get; init; }

    /// <summary>Process name behind the socket, when it was learnt.</summary>
    public string? ProcessName { get; init; }

    /// <summary>Process id behind the socket, in the root namespace; 0 when it was not learnt.</summary>
    public int ProcessId { get; init; }

    /// <summary>Ends with the pod; null for what has no end that anybody tells of.</summary>
    public WorkloadLifetime? Lifetime { get; init; }

    /// <summary>True while more may become known: a container whose pod Kubernetes has not told of yet. Ask again with <see cref="IWorkloadResolver.Refresh"/>.</summary>
    public bool IsProvisional { get; init; }
}

/// <summary>Whether a pod is still there; shared by all that name it.</summary>
public sealed class WorkloadLifetime
{
    private volatile bool _isOver;

    /// <summary>True once it was deleted: nothing more will come of it, but what is on its way.</summary>
    public bool IsOver => _isOver;

    /// <summary>Says that it was deleted.</summary>
    public void End() => _isOver = true;
}

/// <summary>Values of <see cref="Workload.Source"/>.</summary>
public static class WorkloadSource
{
    /// <summary>The socket's or process's cgroup named it.</summary>
    public const string Cgroup = "cgroup";

    /// <summary>The network namespace is that of a pod.</summary>
    public const string NetworkNamespace = "netns";

    /// <summary>The address is that of a pod, Service or node.</summary>
    public const string Address = "ip";

    /// <summary>The other end of the connection was seen on this node, too.</summary>
    public const string Socket = "socket";

    /// <summary>The process named it.</summary>
    public const string Process = "process";

    /// <summary>Nothing did.</summary>
    public const string Unknown = "unknown";
}
