namespace KubeBpfBox.Core.Records;

/// <summary>Who owns a socket: the name that a request is counted under. Shared by all its connections; never changed once made.</summary>
/// <param name="Name">What to show: a systemd unit, a short container id, a process name; later a Kubernetes workload.</param>
/// <param name="Source">How it was found: "cgroup", "process", "unknown".</param>
public sealed record Workload(string Name, string Source)
{
    /// <summary>For what could not be attributed. Unknown is a label, never a reason to drop.</summary>
    public static Workload Unknown { get; } = new("unknown", "unknown");

    /// <summary>Container id, whole, when the socket belongs to a container.</summary>
    public string? ContainerId { get; init; }

    /// <summary>Process name behind the socket, when it was learnt.</summary>
    public string? ProcessName { get; init; }

    /// <summary>Process id behind the socket, in the root namespace; 0 when it was not learnt.</summary>
    public int ProcessId { get; init; }

    /// <summary>Kubernetes namespace, when it is known.</summary>
    public string? Namespace { get; init; }

    /// <summary>Kubernetes pod, when it is known.</summary>
    public string? Pod { get; init; }
}
