namespace KubeBpfBox.Support;

/// <summary>A bridge in a network namespace of its own, and namespaces that are plugged into it by veth pairs: a small network that reaches nothing else.</summary>
public sealed class Bridge : IDisposable
{
    private readonly NetworkNamespace _switch = new();
    private readonly List<NetworkNamespace> _hosts = [];

    /// <summary>Builds it, with nobody plugged in.</summary>
    public Bridge()
    {
        try
        {
            _switch.Ip("link", "add", "br0", "type", "bridge");
            _switch.Ip("link", "set", "br0", "up");
        }
        catch
        {
            _switch.Dispose();
            throw;
        }
    }

    /// <summary>Plugs a new namespace in, by its interface eth0.</summary>
    /// <param name="addresses">Each with its prefix length: "10.0.0.1/16".</param>
    /// <returns>The namespace; it goes with the bridge.</returns>
    public NetworkNamespace Plug(params IEnumerable<string> addresses)
    {
        NetworkNamespace host = new();
        _hosts.Add(host);
        string port = $"p{_hosts.Count}";
        _switch.Ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.Name);
        _switch.Ip("link", "set", port, "master", "br0", "up");
        foreach (string address in addresses)
        {
            // Without duplicate address detection: the address is of use at once.
            host.Ip(["address", "add", address, "dev", "eth0", .. address.Contains(':') ? (string[])["nodad"] : []]);
        }
        host.Ip("link", "set", "eth0", "up");
        return host;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _hosts.ForEach(static host => host.Dispose());
        _switch.Dispose();
    }
}
