using System.Text.Json.Serialization;

namespace KubeBpfBox.Agent.Kubernetes.Objects;

/// <summary>A pod (v1).</summary>
internal sealed class Pod : ApiObject
{
    public PodSpec? Spec { get; set; }

    public PodStatus? Status { get; set; }
}

internal sealed class PodSpec
{
    public string? NodeName { get; set; }

    public bool? HostNetwork { get; set; }

    public Container[]? Containers { get; set; }

    public Container[]? InitContainers { get; set; }

    public Container[]? EphemeralContainers { get; set; }
}

internal sealed class Container
{
    public string? Name { get; set; }
}

internal sealed class PodStatus
{
    public string? Phase { get; set; }

    public DateTimeOffset? StartTime { get; set; }

    [JsonPropertyName("podIP")]
    public string? PodIp { get; set; }

    [JsonPropertyName("podIPs")]
    public PodIp[]? PodIps { get; set; }

    public ContainerStatus[]? ContainerStatuses { get; set; }

    public ContainerStatus[]? InitContainerStatuses { get; set; }

    public ContainerStatus[]? EphemeralContainerStatuses { get; set; }
}

internal sealed class PodIp
{
    public string? Ip { get; set; }
}

internal sealed class ContainerStatus
{
    public string? Name { get; set; }

    [JsonPropertyName("containerID")]
    public string? ContainerId { get; set; }

    public ContainerState? State { get; set; }

    public ContainerState? LastState { get; set; }
}

internal sealed class ContainerState
{
    public TerminatedState? Terminated { get; set; }
}

internal sealed class TerminatedState
{
    [JsonPropertyName("containerID")]
    public string? ContainerId { get; set; }
}

/// <summary>A Job (batch/v1): only whose it is.</summary>
internal sealed class Job : ApiObject;
