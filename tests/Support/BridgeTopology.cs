using System.Net;

namespace KubeBpfBox.Support;

/// <summary>A server and a client in namespaces of their own, each by a veth pair on a bridge in a third: what two pods of a node are.</summary>
public sealed class BridgeTopology : IDisposable
{
    private readonly NetworkNamespace _switch;

    /// <summary>Builds it.</summary>
    public BridgeTopology()
    {
        _switch = new NetworkNamespace();
        NetworkNamespace? server = null, client = null;
        try
        {
            _switch.Ip("link", "add", "br0", "type", "bridge");
            _switch.Ip("link", "set", "br0", "up");
            Server = server = new NetworkNamespace();
            Client = client = new NetworkNamespace();
            Plug(Server, "p1", ServerIPv4, ServerIPv6);
            Plug(Client, "p2", ClientIPv4, ClientIPv6);
        }
        catch
        {
            client?.Dispose();
            server?.Dispose();
            _switch.Dispose();
            throw;
        }
    }

    /// <summary>Where servers run.</summary>
    public NetworkNamespace Server { get; }

    /// <summary>Where clients run.</summary>
    public NetworkNamespace Client { get; }

    /// <summary>The server's IPv4 address.</summary>
    public static IPAddress ServerIPv4 { get; } = IPAddress.Parse("10.200.0.1");

    /// <summary>The client's IPv4 address.</summary>
    public static IPAddress ClientIPv4 { get; } = IPAddress.Parse("10.200.0.2");

    /// <summary>The server's IPv6 address.</summary>
    public static IPAddress ServerIPv6 { get; } = IPAddress.Parse("fd00:200::1");

    /// <summary>The client's IPv6 address.</summary>
    public static IPAddress ClientIPv6 { get; } = IPAddress.Parse("fd00:200::2");

    /// <inheritdoc/>
    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
        _switch.Dispose();
    }

    private void Plug(NetworkNamespace host, string port, IPAddress ipv4, IPAddress ipv6)
    {
        _switch.Ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.Name);
        _switch.Ip("link", "set", port, "master", "br0", "up");
        host.Ip("address", "add", $"{ipv4}/16", "dev", "eth0");
        // Without duplicate address detection: the address is of use at once.
        host.Ip("address", "add", $"{ipv6}/64", "dev", "eth0", "nodad");
        host.Ip("link", "set", "eth0", "up");
    }
}
