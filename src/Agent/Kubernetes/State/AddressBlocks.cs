using System.Globalization;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>A set of address blocks ("10.244.1.0/24").</summary>
/// <remarks>One table for each length of prefix: clusters have one or two lengths and thousands of blocks.</remarks>
internal sealed class AddressBlocks
{
    private readonly SortedList<int, HashSet<Endpoint>> _byLength = [];

    /// <summary>Adds a block; what is none is passed over.</summary>
    public void Add(string? text)
    {
        int slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        if (slash < 0 || !Addresses.TryRead(text![..slash], out Endpoint address)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int length))
        {
            return;
        }
        length += address.IsIPv4 ? 96 : 0;
        if (length > 128)
        {
            return;
        }
        if (!_byLength.TryGetValue(length, out HashSet<Endpoint>? blocks))
        {
            _byLength.Add(length, blocks = []);
        }
        blocks.Add(Masked(address, length));
    }

    /// <summary>True when the address is inside one of them.</summary>
    public bool Contains(Endpoint address)
    {
        for (int i = 0; i < _byLength.Count; i++)
        {
            if (_byLength.GetValueAtIndex(i).Contains(Masked(address, _byLength.GetKeyAtIndex(i))))
            {
                return true;
            }
        }
        return false;
    }

    private static Endpoint Masked(Endpoint address, int length)
    {
        UInt128 mask = length == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - length);
        UInt128 bits = new UInt128(address.High, address.Low) & mask;
        return new Endpoint((ulong)(bits >> 64), (ulong)bits, 0);
    }
}
