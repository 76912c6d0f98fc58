using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes;

/// <summary>A container of a pod.</summary>
/// <param name="Id">The runtime's id, without "containerd://".</param>
/// <param name="Name">Its name in the pod.</param>
internal readonly record struct ContainerName(string Id, string Name);

/// <summary>A Job that owns pods.</summary>
internal sealed record JobReference(string Namespace, string Name, string Uid);

/// <summary>What is kept of a pod.</summary>
/// <remarks>
/// Threads: never changed once made, but for <see cref="IsGone"/>. A change of the pod makes a new one, and both tell of its end.
/// </remarks>
internal sealed record PodInfo
{
    private WorkloadLifetime _life = new();

    /// <summary>Its uid at the API server.</summary>
    public required string Uid { get; init; }

    /// <summary>For a static pod the uid that the kubelet gave it, which its cgroup is named after: 32 hexadecimal digits.</summary>
    public string? ConfigHash { get; init; }

    public required string Name { get; init; }

    public required string Namespace { get; init; }

    /// <summary>Node that it runs on.</summary>
    public required string NodeName { get; init; }

    /// <summary>The owner that people know: a Deployment rather than its ReplicaSet.</summary>
    public required string WorkloadName { get; init; }

    /// <summary>"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "StaticPod", "Pod", or another owner's kind.</summary>
    public required string WorkloadKind { get; init; }

    /// <summary>The Job behind it, of which it may not yet be known whether a CronJob made it.</summary>
    public JobReference? Job { get; init; }

    /// <summary>True when it has no network of its own; its addresses are the node's.</summary>
    public bool IsHostNetwork { get; init; }

    /// <summary>True when all its containers have ended for good: its address may belong to another pod by now.</summary>
    public bool HasEnded { get; init; }

    /// <summary>True when it was told to end.</summary>
    public bool IsTerminating { get; init; }

    /// <summary>When the kubelet took it on; the least value when it has not.</summary>
    public DateTimeOffset StartTime { get; init; }

    /// <summary>Its addresses, with port 0.</summary>
    public Endpoint[] Addresses { get; init; } = [];

    /// <summary>Containers that have an id, of all kinds, and the one that ran before.</summary>
    public ContainerName[] Containers { get; init; } = [];

    /// <summary>The container's name when there is exactly one, init and ephemeral ones counted; else null.</summary>
    public string? OnlyContainer { get; init; }

    /// <summary>True once it was deleted.</summary>
    public bool IsGone => _life.IsOver;

    /// <summary>Its end, for all that name it.</summary>
    public WorkloadLifetime Lifetime => _life;

    /// <summary>True when its addresses lead to it and to no other.</summary>
    public bool OwnsItsAddresses => !IsHostNetwork && !HasEnded && !IsGone;

    /// <summary>Says to all who hold it that it is gone.</summary>
    public void Bury() => _life.End();

    /// <summary>Takes the place of an older view of the same pod, and shares its end.</summary>
    public void Succeed(PodInfo older) => _life = older._life;

    /// <inheritdoc/>
    public bool Equals(PodInfo? other) => other is not null
        && Uid == other.Uid && ConfigHash == other.ConfigHash && Name == other.Name && Namespace == other.Namespace && NodeName == other.NodeName
        && WorkloadName == other.WorkloadName && WorkloadKind == other.WorkloadKind && Job == other.Job
        && IsHostNetwork == other.IsHostNetwork && HasEnded == other.HasEnded && IsTerminating == other.IsTerminating && StartTime == other.StartTime
        && Addresses.AsSpan().SequenceEqual(other.Addresses) && Containers.AsSpan().SequenceEqual(other.Containers) && OnlyContainer == other.OnlyContainer;

    /// <inheritdoc/>
    public override int GetHashCode() => Uid.GetHashCode(StringComparison.Ordinal);
}
