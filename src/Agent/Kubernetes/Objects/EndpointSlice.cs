using System.Text.Json.Serialization;

namespace KubeBpfBox.Agent.Kubernetes.Objects;

/// <summary>An EndpointSlice (discovery.k8s.io/v1 and v1beta1).</summary>
internal sealed class EndpointSlice : ApiObject
{
    public SliceEndpoint[]? Endpoints { get; set; }

    public PortSpec[]? Ports { get; set; }
}

internal sealed class SliceEndpoint
{
    public string?[]? Addresses { get; set; }

    public string? NodeName { get; set; }

    /// <summary>Where v1beta1 has the node's name.</summary>
    public KnownTopology? Topology { get; set; }

    public ObjectReference? TargetRef { get; set; }
}

internal sealed class KnownTopology
{
    [JsonPropertyName("kubernetes.io/hostname")]
    public string? Hostname { get; set; }
}

internal sealed class ObjectReference
{
    public string? Kind { get; set; }

    public string? Name { get; set; }
}

/// <summary>Endpoints (v1), which all versions of Kubernetes have.</summary>
internal sealed class Endpoints : ApiObject
{
    public EndpointSubset[]? Subsets { get; set; }
}

internal sealed class EndpointSubset
{
    public EndpointAddress[]? Addresses { get; set; }

    public EndpointAddress[]? NotReadyAddresses { get; set; }

    public PortSpec[]? Ports { get; set; }
}

internal sealed class EndpointAddress
{
    public string? Ip { get; set; }

    public string? NodeName { get; set; }

    public ObjectReference? TargetRef { get; set; }
}
