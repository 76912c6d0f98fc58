using KubeBpfBox.Agent.Kubernetes;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Which pods network namespaces and addresses belong to, as learnt from sockets whose owner was certain.</summary>
/// <remarks>
/// A pod's first packet tells its address before the API server does, and an address that went over to another pod is known to have done so.
/// What was learnt of a pod that has gone is not believed any more: the address may be another's by now. Not thread-safe.
/// </remarks>
internal sealed class PodNetworks(ClusterState cluster)
{
    private const int MaxKept = 8192;

    private readonly Dictionary<uint, string> _podOfNamespace = [];
    private readonly Dictionary<Endpoint, string> _podOfAddress = [];

    /// <summary>Learns from a socket. Pods on the node's own network share it, and teach nothing.</summary>
    public void Learn(uint networkNamespace, Endpoint local, string podUid)
    {
        Endpoint address = local with { Port = 0 };
        bool tellsAddress = !address.IsLoopback && !address.IsAnyAddress;
        bool isKnown = networkNamespace == 0 || (_podOfNamespace.TryGetValue(networkNamespace, out string? uid) && uid == podUid);
        bool isAddressKnown = !tellsAddress || (_podOfAddress.TryGetValue(address, out uid) && uid == podUid);
        if ((isKnown && isAddressKnown) || cluster.PodByUid(podUid) is not { IsHostNetwork: false, IsGone: false })
        {
            return;
        }
        if (networkNamespace != 0)
        {
            Set(_podOfNamespace, networkNamespace, podUid);
        }
        if (tellsAddress)
        {
            Set(_podOfAddress, address, podUid);
        }
    }

    /// <summary>The living pod whose network namespace it is; null when that was not learnt.</summary>
    public string? OfNamespace(uint networkNamespace) => Living(_podOfNamespace, networkNamespace);

    /// <summary>The living pod whose address it is; null when that was not learnt.</summary>
    public string? OfAddress(Endpoint address) => Living(_podOfAddress, address with { Port = 0 });

    private string? Living<TKey>(Dictionary<TKey, string> table, TKey key)
        where TKey : notnull
    {
        if (!table.TryGetValue(key, out string? uid))
        {
            return null;
        }
        if (cluster.PodByUid(uid) is { IsGone: false, HasEnded: false })
        {
            return uid;
        }
        table.Remove(key);
        return null;
    }

    private static void Set<TKey>(Dictionary<TKey, string> table, TKey key, string podUid)
        where TKey : notnull
    {
        if (table.Count >= MaxKept)
        {
            table.Clear();
        }
        table[key] = podUid;
    }
}
