using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes;

/// <summary>What is kept of a Service. Never changed once made.</summary>
internal sealed record ServiceInfo
{
    public required string Name { get; init; }

    public required string Namespace { get; init; }

    /// <summary>Cluster, external and load balancer addresses, with port 0.</summary>
    public Endpoint[] Addresses { get; init; } = [];

    /// <summary>True when it has ports, of any protocol: then no other port is its own.</summary>
    public bool HasPorts { get; init; }

    /// <summary>Its TCP ports.</summary>
    public ushort[] Ports { get; init; } = [];

    /// <summary>True when a connection to this port of its addresses is one to it.</summary>
    public bool Serves(ushort port) => !HasPorts || Ports.AsSpan().Contains(port);

    /// <inheritdoc/>
    public bool Equals(ServiceInfo? other) => other is not null && Name == other.Name && Namespace == other.Namespace && HasPorts == other.HasPorts
        && Addresses.AsSpan().SequenceEqual(other.Addresses) && Ports.AsSpan().SequenceEqual(other.Ports);

    /// <inheritdoc/>
    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
}
