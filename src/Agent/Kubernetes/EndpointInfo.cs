using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes;

/// <summary>One backend of a Service, on any node. Never changed once made.</summary>
internal sealed record EndpointInfo
{
    /// <summary>Namespace of the Service, and of the pod.</summary>
    public required string Namespace { get; init; }

    /// <summary>The Service; null for endpoints that belong to none.</summary>
    public string? Service { get; init; }

    /// <summary>The pod; null when the backend is none: an address that was entered by hand, or the API server.</summary>
    public string? Pod { get; init; }

    /// <summary>Node of the pod, when it was told.</summary>
    public string? NodeName { get; init; }

    /// <summary>Its address, with port 0.</summary>
    public Endpoint Address { get; init; }

    /// <summary>TCP ports; one array for all endpoints of a slice.</summary>
    public ushort[] Ports { get; init; } = [];

    /// <inheritdoc/>
    public bool Equals(EndpointInfo? other) => other is not null && Namespace == other.Namespace && Service == other.Service && Pod == other.Pod
        && NodeName == other.NodeName && Address == other.Address && Ports.AsSpan().SequenceEqual(other.Ports);

    /// <inheritdoc/>
    public override int GetHashCode() => Address.GetHashCode();
}

/// <summary>The endpoints of one EndpointSlice (or Endpoints) object.</summary>
/// <param name="Namespace">Namespace of the object.</param>
/// <param name="Name">Its name.</param>
/// <param name="Endpoints">One for each address.</param>
internal sealed record EndpointSet(string Namespace, string Name, EndpointInfo[] Endpoints);
