using KubeBpfBox.Agent.Kubernetes.Objects;
using KubeBpfBox.Agent.Kubernetes.State;

namespace KubeBpfBox.Agent.Kubernetes.Watching;

/// <summary>What is watched, and where the API server has it.</summary>
internal sealed class ClusterResources
{
    /// <summary>Makes them for one state and one node.</summary>
    public ClusterResources(ClusterState state, string nodeName)
    {
        NamePool names = new();
        PodReader pods = new(names);
        EndpointReader endpoints = new(names);
        Pods = new WatchedResource<Pod, PodInfo>("/api/v1/pods", $"&fieldSelector=spec.nodeName%3D{Uri.EscapeDataString(nodeName)}")
        {
            ListType = KubernetesJson.Default.ObjectListPod,
            ObjectType = KubernetesJson.Default.Pod,
            Read = pods.Read,
            Upsert = state.Upsert,
            Remove = state.Remove,
            Replace = state.Replace,
        };
        Services = new WatchedResource<Service, ServiceInfo>("/api/v1/services", string.Empty)
        {
            ListType = KubernetesJson.Default.ObjectListService,
            ObjectType = KubernetesJson.Default.Service,
            Read = service => ServiceTable.Read(service, names),
            Upsert = state.Upsert,
            Remove = state.Remove,
            Replace = state.Replace,
        };
        Endpoints =
        [
            Slices("/apis/discovery.k8s.io/v1/endpointslices"),
            Slices("/apis/discovery.k8s.io/v1beta1/endpointslices"),
            new WatchedResource<Endpoints, EndpointSet>("/api/v1/endpoints", string.Empty)
            {
                ListType = KubernetesJson.Default.ObjectListEndpoints,
                ObjectType = KubernetesJson.Default.Endpoints,
                Read = endpoints.Read,
                Upsert = state.Upsert,
                Remove = state.Remove,
                Replace = state.Replace,
            },
        ];

        WatchedResource<EndpointSlice, EndpointSet> Slices(string path) => new(path, string.Empty)
        {
            ListType = KubernetesJson.Default.ObjectListEndpointSlice,
            ObjectType = KubernetesJson.Default.EndpointSlice,
            Read = endpoints.Read,
            Upsert = state.Upsert,
            Remove = state.Remove,
            Replace = state.Replace,
        };
    }

    /// <summary>The node's pods.</summary>
    public WatchedResource Pods { get; }

    public WatchedResource Services { get; }

    /// <summary>Backends: Kubernetes 1.21 and newer, 1.16 to 1.24, and all versions.</summary>
    public WatchedResource[] Endpoints { get; }
}
