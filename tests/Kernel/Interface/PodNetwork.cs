using System.Net;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Interface;

/// <summary>A node with a bridge as simple container networks make it, and two pods on it; each in a namespace of its own.</summary>
internal sealed class PodNetwork : IDisposable
{
    public const string Bridge = "cni0";
    private const string OutsideIPv4 = "192.168.77.2";
    private readonly List<NetworkNamespace> _all = [];

    public PodNetwork(bool withBridge = true)
    {
        Node = Add();
        try
        {
            Client = Add();
            Server = Add();
            if (withBridge)
            {
                AddBridge();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where the bridge is.</summary>
    public NetworkNamespace Node { get; }

    public NetworkNamespace Client { get; }

    public NetworkNamespace Server { get; }

    public static IPAddress ClientIPv4 { get; } = IPAddress.Parse("10.244.0.2");

    public static IPAddress ServerIPv4 { get; } = IPAddress.Parse("10.244.0.3");

    public static IPAddress ServerIPv6 { get; } = IPAddress.Parse("fd00:244::3");

    /// <summary>A server that is not on the bridge: on another node, say.</summary>
    public static IPAddress OutsideAddress { get; } = IPAddress.Parse(OutsideIPv4);

    /// <summary>Makes the bridge and plugs the pods in.</summary>
    public void AddBridge()
    {
        Node.Ip("link", "add", Bridge, "type", "bridge");
        Node.Ip("address", "add", "10.244.0.1/24", "dev", Bridge);
        Node.Ip("address", "add", "fd00:244::1/64", "dev", Bridge, "nodad");
        Node.Ip("link", "set", Bridge, "up");
        Plug(Client, "veth2", "10.244.0.2", "fd00:244::2");
        Plug(Server, "veth3", "10.244.0.3", "fd00:244::3");
    }

    /// <summary>Takes the bridge away with all that is plugged in.</summary>
    public void RemoveBridge()
    {
        Node.Ip("link", "delete", "veth2");
        Node.Ip("link", "delete", "veth3");
        Node.Ip("link", "delete", Bridge);
    }

    /// <summary>A namespace behind the node, reached by routing.</summary>
    public NetworkNamespace AddOutside()
    {
        NetworkNamespace outside = Add();
        Node.Ip("link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", outside.Name);
        Node.Ip("address", "add", "192.168.77.1/24", "dev", "uplink");
        Node.Ip("link", "set", "uplink", "up");
        outside.Ip("address", "add", $"{OutsideIPv4}/24", "dev", "eth0");
        outside.Ip("link", "set", "eth0", "up");
        outside.Ip("route", "add", "default", "via", "192.168.77.1");
        Node.Sysctl("ipv4/ip_forward", "1");
        return outside;
    }

    /// <summary>A Service: packets to its address go to a server, as kube-proxy's rules do it.</summary>
    public void AddService(string address, int port, string target) =>
        Node.Run(AptPackages.Require("iptables", "iptables"), "-t", "nat", "-A", "PREROUTING", "-d", address, "-p", "tcp", "--dport", $"{port}", "-j", "DNAT", "--to-destination", target);

    /// <summary>Whether bridged packets pass the node's rules (br_netfilter), as Kubernetes asks for.</summary>
    public void FilterBridged(bool on) => Node.Sysctl("bridge/bridge-nf-call-iptables", on ? "1" : "0");

    public void Dispose() => _all.ForEach(static one => one.Dispose());

    private NetworkNamespace Add()
    {
        NetworkNamespace added = new();
        _all.Add(added);
        return added;
    }

    private void Plug(NetworkNamespace pod, string port, string ipv4, string ipv6)
    {
        Node.Ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", pod.Name);
        Node.Ip("link", "set", port, "master", Bridge, "up");
        pod.Ip("address", "add", $"{ipv4}/24", "dev", "eth0");
        pod.Ip("address", "add", $"{ipv6}/64", "dev", "eth0", "nodad");
        pod.Ip("link", "set", "eth0", "up");
        pod.Ip("route", "add", "default", "via", "10.244.0.1");
    }
}
