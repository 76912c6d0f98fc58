using System.Text.Json.Serialization;

namespace KubeBpfBox.Agent.Kubernetes.Objects;

/// <summary>A node (v1).</summary>
internal sealed class Node : ApiObject
{
    public NodeSpec? Spec { get; set; }

    public NodeStatus? Status { get; set; }
}

internal sealed class NodeSpec
{
    [JsonPropertyName("podCIDR")]
    public string? PodCidr { get; set; }

    [JsonPropertyName("podCIDRs")]
    public string?[]? PodCidrs { get; set; }
}

internal sealed class NodeStatus
{
    public NodeAddress[]? Addresses { get; set; }
}

internal sealed class NodeAddress
{
    public string? Type { get; set; }

    public string? Address { get; set; }
}
