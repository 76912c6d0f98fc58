using KubeBpfBox.Agent.Kubernetes.State;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes;

/// <summary>What is known of the cluster: pods of this node, Services, their backends, nodes.</summary>
/// <remarks>
/// Threads: any. One lock, held for a look-up or for one object's change. Look-ups allocate nothing.
/// Errors: what is not known, or not certain, is null.
/// </remarks>
internal sealed partial class ClusterState(KubernetesOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly PodTable _pods = new(time, options.TombstoneAge, options.MaxTombstones);
    private readonly CronJobCache _cronJobs = new();
    private readonly ServiceTable _services = new();
    private readonly EndpointTable _endpoints = new();
    private NodeMap _nodes = new();
    private int _generation;
    private bool _hasAllLists;

    /// <summary>Goes up with every change that may alter an answer.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>True once pods, Services, backends and nodes have all been told of: only then is an address that none of them has outside.</summary>
    public bool KnowsAddresses
    {
        get
        {
            lock (_lock)
            {
                return _hasAllLists && !_nodes.IsEmpty;
            }
        }
    }

    /// <summary>A pod by its uid, or by the uid in the cgroup path of a static pod; for a while also after it was deleted.</summary>
    public PodInfo? PodByUid(string uid)
    {
        lock (_lock)
        {
            return _pods.ByUid(uid);
        }
    }

    /// <summary>A pod by the id of one of its containers, or of one that ran in it before; for a while also after it was deleted.</summary>
    /// <param name="containerId">The id alone, whole.</param>
    /// <param name="containerName">The container's name; null when there is no answer.</param>
    public PodInfo? PodByContainerId(string containerId, out string? containerName)
    {
        lock (_lock)
        {
            return _pods.ByContainerId(containerId, out containerName);
        }
    }

    /// <summary>The living pod of this node that has the address for itself. The port does not matter.</summary>
    /// <returns>Null also when two claim it, unless the older is on its way out.</returns>
    public PodInfo? PodByAddress(Endpoint address)
    {
        lock (_lock)
        {
            return _pods.ByAddress(address.WithoutPort());
        }
    }

    /// <summary>The Service that serves this TCP port at a cluster, external or load balancer address of its own.</summary>
    public ServiceInfo? ServiceByAddress(Endpoint endpoint)
    {
        lock (_lock)
        {
            return _services.ByAddress(endpoint.WithoutPort(), endpoint.Port);
        }
    }

    /// <summary>A backend of a Service on any node, by address and port.</summary>
    /// <param name="endpoint">Address and port.</param>
    /// <param name="anyPort">By the address alone: only when it is no node's (pods on the node's own network share that), which can be told once nodes were listed.</param>
    public EndpointInfo? EndpointByAddress(Endpoint endpoint, bool anyPort)
    {
        lock (_lock)
        {
            Endpoint address = endpoint.WithoutPort();
            EndpointInfo? found = anyPort && (_nodes.IsEmpty || _nodes.ByAddress(address) is not null) ? null : _endpoints.ByAddress(address, endpoint.Port, anyPort);
            return anyPort && found?.NodeName is { } node && !_nodes.Knows(node) ? null : found;
        }
    }

    /// <summary>Name of the node that has the address.</summary>
    public string? NodeByAddress(Endpoint address)
    {
        lock (_lock)
        {
            return _nodes.ByAddress(address.WithoutPort());
        }
    }

    /// <summary>True when the address is a pod's or a Service's, whichever it is: it is not outside of the cluster.</summary>
    public bool IsClusterAddress(Endpoint address)
    {
        lock (_lock)
        {
            Endpoint key = address.WithoutPort();
            return _nodes.HasPodAddress(key) || _services.HasAddress(key) || _pods.HasAddress(key) || _endpoints.IsPod(key);
        }
    }

    /// <summary>The first Service by name that the pod stands behind.</summary>
    public string? ServiceOfPod(string @namespace, string pod)
    {
        lock (_lock)
        {
            return _endpoints.ServiceOfPod(@namespace, pod);
        }
    }
}
