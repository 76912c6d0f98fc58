using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>Backends of the cluster's Services, by address and by pod.</summary>
/// <remarks>Threads: guarded by <see cref="ClusterState"/>.</remarks>
internal sealed class EndpointTable
{
    private readonly Dictionary<(string Namespace, string Name), EndpointSet> _sets = [];
    private readonly ClaimIndex<Endpoint, EndpointInfo> _byAddress = new(ByService);
    private readonly ClaimIndex<(string Namespace, string Pod), EndpointInfo> _byPod = new(ByService);

    public IReadOnlyCollection<(string Namespace, string Name)> Keys => _sets.Keys;

    /// <summary>Who has the address: the backend that has the port, too, or with <paramref name="anyPort"/> any, if all of them are the same pod.</summary>
    public EndpointInfo? ByAddress(Endpoint address, ushort port, bool anyPort)
    {
        EndpointInfo? found = null;
        foreach (EndpointInfo endpoint in _byAddress.Of(address))
        {
            if (!anyPort && !endpoint.Ports.AsSpan().Contains(port))
            {
                continue;
            }
            if (found is not null && (found.Pod != endpoint.Pod || found.Namespace != endpoint.Namespace))
            {
                return null;
            }
            found ??= endpoint;
        }
        return found;
    }

    /// <summary>True when a pod is behind the address; an address without one may be anywhere.</summary>
    public bool IsPod(Endpoint address)
    {
        foreach (EndpointInfo endpoint in _byAddress.Of(address))
        {
            if (endpoint.Pod is not null)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>The first Service by name that the pod stands behind.</summary>
    public string? ServiceOfPod(string @namespace, string pod)
    {
        ReadOnlySpan<EndpointInfo> endpoints = _byPod.Of((@namespace, pod));
        return endpoints.IsEmpty ? null : endpoints[0].Service;
    }

    public bool Upsert(EndpointSet set)
    {
        if (_sets.TryGetValue((set.Namespace, set.Name), out EndpointSet? older) && older.Endpoints.AsSpan().SequenceEqual(set.Endpoints))
        {
            return false;
        }
        Delete((set.Namespace, set.Name));
        _sets[(set.Namespace, set.Name)] = set;
        foreach (EndpointInfo endpoint in set.Endpoints)
        {
            _byAddress.Add(endpoint.Address, endpoint);
            if (endpoint is { Pod: not null, Service: not null })
            {
                _byPod.Add((endpoint.Namespace, endpoint.Pod), endpoint);
            }
        }
        return true;
    }

    public bool Delete((string Namespace, string Name) key)
    {
        if (!_sets.Remove(key, out EndpointSet? set))
        {
            return false;
        }
        foreach (EndpointInfo endpoint in set.Endpoints)
        {
            _byAddress.Remove(endpoint.Address, endpoint);
            if (endpoint is { Pod: not null, Service: not null })
            {
                _byPod.Remove((endpoint.Namespace, endpoint.Pod), endpoint);
            }
        }
        return true;
    }

    private static int ByService(EndpointInfo a, EndpointInfo b) => string.CompareOrdinal(a.Service, b.Service);
}
