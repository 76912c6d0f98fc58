using System.Net;

namespace KubeBpfBox.Support;

/// <summary>A server and a client in namespaces of their own, each by a veth pair on a bridge in a third: what two pods of a node are.</summary>
public sealed class BridgeTopology : IDisposable
{
    private readonly Bridge _bridge = new();

    /// <summary>Builds it.</summary>
    public BridgeTopology()
    {
        try
        {
            Server = _bridge.Plug($"{ServerIPv4}/16", $"{ServerIPv6}/64");
            Client = _bridge.Plug($"{ClientIPv4}/16", $"{ClientIPv6}/64");
        }
        catch
        {
            _bridge.Dispose();
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
    public void Dispose() => _bridge.Dispose();
}
