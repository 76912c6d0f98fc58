using KubeBpfBox.Agent.Kubernetes;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Names what is not on this node: Services, their backends elsewhere, nodes, the outside.</summary>
/// <remarks>One instance for each name; emptied when full. Not thread-safe.</remarks>
internal sealed class AddressNames(ClusterState cluster, WorkloadNames names)
{
    private const int MaxKept = 8192;

    private static readonly Workload s_outside = new("outside", WorkloadSource.Address) { Kind = "External" };

    private readonly Dictionary<Endpoint, (Workload Workload, int Generation)> _byEndpoint = [];

    /// <summary>Who is behind an address; <see cref="Workload.Unknown"/> when nobody can tell.</summary>
    public Workload Find(Endpoint endpoint)
    {
        int generation = cluster.Generation;
        if (_byEndpoint.TryGetValue(endpoint, out (Workload Workload, int Generation) known) && known.Generation == generation)
        {
            return known.Workload;
        }
        Workload found = Look(endpoint);
        if (_byEndpoint.Count >= MaxKept)
        {
            _byEndpoint.Clear();
        }
        _byEndpoint[endpoint] = (found, generation);
        return found;
    }

    private Workload Look(Endpoint endpoint)
    {
        if (cluster.ServiceByAddress(endpoint) is { } service)
        {
            return names.Keep(new Workload(service.Name, WorkloadSource.Address) { Kind = "Service", Namespace = service.Namespace, Service = service.Name });
        }
        EndpointInfo? backend = cluster.EndpointByAddress(endpoint, anyPort: false);
        backend = backend?.Pod is null ? cluster.EndpointByAddress(endpoint, anyPort: true) : backend;
        if (backend?.Pod is { } pod)
        {
            // Of pods on other nodes only what the Service's endpoints say is known: not their owner.
            return names.Keep(new Workload(backend.Service ?? pod, WorkloadSource.Address)
            {
                Kind = backend.Service is null ? "Pod" : "Service", Namespace = backend.Namespace, Pod = pod, Service = backend.Service, Node = backend.NodeName,
            });
        }
        if (cluster.NodeByAddress(endpoint) is { } node)
        {
            return names.Keep(new Workload(node, WorkloadSource.Address) { Kind = "Node", Node = node });
        }
        return cluster.KnowsAddresses && !cluster.IsClusterAddress(endpoint) ? s_outside : Workload.Unknown;
    }
}
