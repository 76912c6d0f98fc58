using System.Text.Json.Serialization;

namespace KubeBpfBox.Agent.Kubernetes.Objects;

/// <summary>A Service (v1).</summary>
internal sealed class Service : ApiObject
{
    public ServiceSpec? Spec { get; set; }

    public ServiceStatus? Status { get; set; }
}

internal sealed class ServiceSpec
{
    /// <summary>An address, "None" when it is headless, or empty.</summary>
    [JsonPropertyName("clusterIP")]
    public string? ClusterIp { get; set; }

    [JsonPropertyName("clusterIPs")]
    public string?[]? ClusterIps { get; set; }

    [JsonPropertyName("externalIPs")]
    public string?[]? ExternalIps { get; set; }

    public PortSpec[]? Ports { get; set; }
}

/// <summary>A port of a Service or an EndpointSlice.</summary>
internal sealed class PortSpec
{
    public int? Port { get; set; }

    public string? Protocol { get; set; }
}

internal sealed class ServiceStatus
{
    public LoadBalancerStatus? LoadBalancer { get; set; }
}

internal sealed class LoadBalancerStatus
{
    public LoadBalancerIngress[]? Ingress { get; set; }
}

internal sealed class LoadBalancerIngress
{
    public string? Ip { get; set; }
}
