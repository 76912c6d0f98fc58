using KubeBpfBox.Agent.Kubernetes.Objects;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>Takes from a pod what is kept.</summary>
internal sealed class PodReader(NamePool names)
{
    /// <summary>Reads a pod.</summary>
    /// <returns>Null when it lacks its uid or a name.</returns>
    public PodInfo? Read(Pod pod)
    {
        if (pod.Metadata is not { Uid: { Length: > 0 } uid, Name: { Length: > 0 } name, Namespace: { Length: > 0 } @namespace } meta)
        {
            return null;
        }
        string node = pod.Spec?.NodeName ?? string.Empty;
        PodOwner owner = PodOwner.Of(meta, name, @namespace, node);
        return new PodInfo
        {
            Uid = uid,
            ConfigHash = meta.Annotations?.ConfigMirror is null ? null : meta.Annotations.ConfigHash,
            Name = name,
            Namespace = names.Share(@namespace),
            NodeName = names.Share(node),
            WorkloadName = names.Share(owner.Name),
            WorkloadKind = names.Share(owner.Kind),
            Job = owner.Job,
            IsHostNetwork = pod.Spec?.HostNetwork ?? false,
            HasEnded = pod.Status?.Phase is "Succeeded" or "Failed",
            IsTerminating = meta.DeletionTimestamp is not null,
            StartTime = pod.Status?.StartTime ?? DateTimeOffset.MinValue,
            Addresses = AddressesOf(pod.Status),
            Containers = ContainersOf(pod.Status),
            OnlyContainer = OnlyContainerOf(pod.Spec),
        };
    }

    private static Endpoint[] AddressesOf(PodStatus? status)
    {
        List<Endpoint> addresses = [];
        Addresses.AddTo(addresses, status?.PodIp);
        foreach (PodIp? ip in status?.PodIps ?? [])
        {
            Addresses.AddTo(addresses, ip?.Ip);
        }
        return [.. addresses];
    }

    private ContainerName[] ContainersOf(PodStatus? status)
    {
        List<ContainerName> containers = [];
        foreach (ContainerStatus[]? statuses in (ReadOnlySpan<ContainerStatus[]?>)[status?.ContainerStatuses, status?.InitContainerStatuses, status?.EphemeralContainerStatuses])
        {
            foreach (ContainerStatus? container in statuses ?? [])
            {
                if (container?.Name is { Length: > 0 } name)
                {
                    name = names.Share(name);
                    Add(container.ContainerId, name);
                    Add(container.State?.Terminated?.ContainerId, name);
                    Add(container.LastState?.Terminated?.ContainerId, name);
                }
            }
        }
        return [.. containers];

        void Add(string? reference, string name)
        {
            // "containerd://0123…"; empty while the container is being made.
            int start = reference?.IndexOf("://", StringComparison.Ordinal) ?? -1;
            if (start >= 0 && reference!.Length > start + 3)
            {
                ContainerName container = new(reference[(start + 3)..], name);
                if (!containers.Contains(container))
                {
                    containers.Add(container);
                }
            }
        }
    }

    private string? OnlyContainerOf(PodSpec? spec) =>
        spec is { Containers: [{ Name: { Length: > 0 } name }], InitContainers: null or [], EphemeralContainers: null or [] } ? names.Share(name) : null;
}
