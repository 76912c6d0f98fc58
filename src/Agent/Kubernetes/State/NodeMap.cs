using KubeBpfBox.Agent.Kubernetes.Objects;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>The cluster's nodes: their addresses, and the blocks that pods' addresses are taken from.</summary>
/// <remarks>Threads: guarded by <see cref="ClusterState"/>.</remarks>
internal sealed class NodeMap
{
    private const int MaxUnknown = 1024;

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unknown = new(StringComparer.Ordinal);
    private readonly Dictionary<Endpoint, string> _byAddress = [];
    private readonly AddressBlocks _blocks = new();

    /// <summary>True when the node was in the list.</summary>
    public bool Knows(string name) => _names.Contains(name);

    /// <summary>True before nodes were listed, which may never be permitted.</summary>
    public bool IsEmpty => _names.Count == 0;

    /// <summary>True the first time that a node is met which was not in the list; never before there is a list.</summary>
    public bool IsNewlyMet(string name) => !IsEmpty && !Knows(name) && _unknown.Count < MaxUnknown && _unknown.Add(name);

    public string? ByAddress(Endpoint address) => _byAddress.GetValueOrDefault(address);

    public bool HasPodAddress(Endpoint address) => _blocks.Contains(address);

    /// <summary>Adds a node.</summary>
    public void Add(Node node)
    {
        if (node.Metadata?.Name is not { Length: > 0 } name)
        {
            return;
        }
        _names.Add(name);
        foreach (NodeAddress? address in node.Status?.Addresses ?? [])
        {
            if (address is { Type: "InternalIP" or "ExternalIP" } && Addresses.TryRead(address.Address, out Endpoint parsed))
            {
                _byAddress[parsed] = name;
            }
        }
        _blocks.Add(node.Spec?.PodCidr);
        foreach (string? block in node.Spec?.PodCidrs ?? [])
        {
            _blocks.Add(block);
        }
    }
}
