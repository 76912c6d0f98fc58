using System.Net;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>IP addresses as Kubernetes writes them.</summary>
internal static class Addresses
{
    /// <summary>Reads an address, to an endpoint with port 0.</summary>
    /// <returns>False for what is none, such as "None" or an empty text.</returns>
    public static bool TryRead(string? text, out Endpoint address)
    {
        address = default;
        // Zone indices ("%eth0") have no meaning on another machine.
        if (string.IsNullOrEmpty(text) || text.Contains('%', StringComparison.Ordinal) || !IPAddress.TryParse(text, out IPAddress? parsed))
        {
            return false;
        }
        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out int length);
        address = Endpoint.From(bytes[..length], 0);
        return true;
    }

    /// <summary>Adds an address, if it is one and is not there yet.</summary>
    public static void AddTo(List<Endpoint> list, string? text)
    {
        if (TryRead(text, out Endpoint address) && !list.Contains(address))
        {
            list.Add(address);
        }
    }

    /// <summary>The address alone, as the tables have it for a key.</summary>
    public static Endpoint WithoutPort(this Endpoint endpoint) => endpoint with { Port = 0 };
}
