using KubeBpfBox.Agent.Kubernetes.Objects;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>Takes from EndpointSlices, and from Endpoints where there are none, what is kept.</summary>
internal sealed class EndpointReader(NamePool names)
{
    /// <summary>Reads a slice; null when it lacks a name.</summary>
    public EndpointSet? Read(EndpointSlice slice)
    {
        if (slice.Metadata is not { Name: { Length: > 0 } name, Namespace: { Length: > 0 } @namespace } meta)
        {
            return null;
        }
        List<EndpointInfo> endpoints = [];
        EndpointInfo model = Model(@namespace, meta.Labels?.ServiceName, slice.Ports);
        foreach (SliceEndpoint? endpoint in slice.Endpoints ?? [])
        {
            foreach (string? address in endpoint?.Addresses ?? [])
            {
                Add(endpoints, model, address, endpoint!.TargetRef, endpoint.NodeName ?? endpoint.Topology?.Hostname);
            }
        }
        return new EndpointSet(model.Namespace, name, [.. endpoints]);
    }

    /// <summary>Reads Endpoints; null when they lack a name.</summary>
    public EndpointSet? Read(Endpoints object_)
    {
        if (object_.Metadata is not { Name: { Length: > 0 } name, Namespace: { Length: > 0 } @namespace })
        {
            return null;
        }
        List<EndpointInfo> endpoints = [];
        foreach (EndpointSubset? subset in object_.Subsets ?? [])
        {
            EndpointInfo model = Model(@namespace, name, subset?.Ports);
            foreach (EndpointAddress? address in (IEnumerable<EndpointAddress?>)[.. subset?.Addresses ?? [], .. subset?.NotReadyAddresses ?? []])
            {
                Add(endpoints, model, address?.Ip, address?.TargetRef, address?.NodeName);
            }
        }
        return new EndpointSet(names.Share(@namespace), name, [.. endpoints]);
    }

    private EndpointInfo Model(string @namespace, string? service, PortSpec[]? ports) => new()
    {
        Namespace = names.Share(@namespace),
        Service = service is { Length: > 0 } ? names.Share(service) : null,
        Ports = ServiceTable.TcpPorts(ports),
    };

    private void Add(List<EndpointInfo> endpoints, EndpointInfo model, string? ip, ObjectReference? target, string? node)
    {
        // Slices of kind FQDN have names in place of addresses.
        if (Addresses.TryRead(ip, out Endpoint address))
        {
            endpoints.Add(model with
            {
                Address = address,
                Pod = target is { Kind: "Pod", Name: { Length: > 0 } pod } ? names.Share(pod) : null,
                NodeName = node is { Length: > 0 } ? names.Share(node) : null,
            });
        }
    }
}
