using KubeBpfBox.Agent.Kubernetes.Objects;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>The cluster's Services, by address.</summary>
/// <remarks>Threads: guarded by <see cref="ClusterState"/>.</remarks>
internal sealed class ServiceTable
{
    private readonly Dictionary<(string Namespace, string Name), ServiceInfo> _services = [];
    private readonly ClaimIndex<Endpoint, ServiceInfo> _byAddress = new(static (a, b) => string.CompareOrdinal(a.Name, b.Name));

    public IReadOnlyCollection<(string Namespace, string Name)> Keys => _services.Keys;

    public bool HasAddress(Endpoint address) => _byAddress.Contains(address);

    /// <summary>The one Service that serves the port there; several share an address when their ports differ.</summary>
    public ServiceInfo? ByAddress(Endpoint address, ushort port)
    {
        ServiceInfo? found = null;
        foreach (ServiceInfo service in _byAddress.Of(address))
        {
            if (service.Serves(port))
            {
                if (found is not null)
                {
                    return null;
                }
                found = service;
            }
        }
        return found;
    }

    public bool Upsert(ServiceInfo service)
    {
        if (_services.TryGetValue((service.Namespace, service.Name), out ServiceInfo? older) && older.Equals(service))
        {
            return false;
        }
        Delete((service.Namespace, service.Name));
        _services[(service.Namespace, service.Name)] = service;
        foreach (Endpoint address in service.Addresses)
        {
            _byAddress.Add(address, service);
        }
        return true;
    }

    public bool Delete((string Namespace, string Name) key)
    {
        if (!_services.Remove(key, out ServiceInfo? service))
        {
            return false;
        }
        foreach (Endpoint address in service.Addresses)
        {
            _byAddress.Remove(address, service);
        }
        return true;
    }

    /// <summary>Takes from a Service what is kept; null when it lacks a name.</summary>
    public static ServiceInfo? Read(Service service, NamePool names)
    {
        if (service.Metadata is not { Name: { Length: > 0 } name, Namespace: { Length: > 0 } @namespace })
        {
            return null;
        }
        List<Endpoint> addresses = [];
        Addresses.AddTo(addresses, service.Spec?.ClusterIp);
        foreach (string? ip in service.Spec?.ClusterIps ?? [])
        {
            Addresses.AddTo(addresses, ip);
        }
        foreach (string? ip in service.Spec?.ExternalIps ?? [])
        {
            Addresses.AddTo(addresses, ip);
        }
        foreach (LoadBalancerIngress? ingress in service.Status?.LoadBalancer?.Ingress ?? [])
        {
            Addresses.AddTo(addresses, ingress?.Ip);
        }
        return new ServiceInfo
        {
            Name = names.Share(name),
            Namespace = names.Share(@namespace),
            Addresses = [.. addresses],
            HasPorts = service.Spec?.Ports is { Length: > 0 },
            Ports = TcpPorts(service.Spec?.Ports),
        };
    }

    /// <summary>The TCP ports among those of a Service or its endpoints; TCP is what a port is that does not say.</summary>
    public static ushort[] TcpPorts(PortSpec[]? ports) =>
        [.. (ports ?? []).Where(static port => port is { Port: > 0 and <= ushort.MaxValue, Protocol: null or "" or "TCP" }).Select(static port => (ushort)port.Port!.Value)];
}
