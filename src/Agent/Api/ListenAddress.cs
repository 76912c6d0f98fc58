using System.Net;

namespace KubeBpfBox.Agent.Api;

/// <summary>Where the API listens, and whom that lets in.</summary>
internal sealed record ListenAddress(IPEndPoint EndPoint)
{
    /// <summary>True when only this machine reaches it: no token is needed then, but browsers must be kept from being tricked.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(EndPoint.Address);

    public static ListenAddress Parse(string text) => new(IPEndPoint.Parse(text));

    /// <summary>
    /// Whether a request's Host names this machine. A page whose own name was made to resolve to 127.0.0.1 (DNS rebinding) still sends that
    /// name here, so anything but the loopback names is refused.
    /// </summary>
    public bool AcceptsHost(string host)
    {
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host is "127.0.0.1" or "[::1]")
        {
            return true;
        }
        return IPAddress.TryParse(host, out IPAddress? address) && address.Equals(EndPoint.Address);
    }
}
