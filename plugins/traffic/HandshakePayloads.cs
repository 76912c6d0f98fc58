using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Plugins.Traffic;

/// <summary>
/// Payload that arrived with the handshake and was seen at the listener, before the connection had a socket of its own (TCP Fast Open,
/// an acknowledgement with data). Kept until the connection shows up.
/// </summary>
/// <remarks>Rare, so it may allocate; bounded by count and age.</remarks>
internal sealed class HandshakePayloads
{
    private const int MaxKept = 256;
    private const long MaxAgeNs = 2_000_000_000;
    private readonly List<(Endpoint Local, Endpoint Remote, byte[] Record)> _kept = [];

    public int Count => _kept.Count;

    /// <summary>Keeps a copy. Returns how many older ones were dropped for it.</summary>
    public int Keep(in TrafficRecord record, ReadOnlySpan<byte> payload)
    {
        byte[] copy = new byte[Unsafe.SizeOf<TrafficRecord>() + payload.Length];
        MemoryMarshal.Write(copy, in record);
        payload.CopyTo(copy.AsSpan(Unsafe.SizeOf<TrafficRecord>()));
        int dropped = 0;
        if (_kept.Count == MaxKept)
        {
            _kept.RemoveAt(0);
            dropped = 1;
        }
        _kept.Add((Endpoint.From(record.Socket.LocalAddress, record.Socket.LocalPort), Endpoint.From(record.Socket.RemoteAddress, record.Socket.RemotePort), copy));
        return dropped;
    }

    public bool Contains(Endpoint local, Endpoint remote)
    {
        foreach ((Endpoint l, Endpoint r, _) in _kept)
        {
            if (l == local && r == remote)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Removes and returns those of a connection, oldest first.</summary>
    public List<byte[]> Take(Endpoint local, Endpoint remote)
    {
        List<byte[]> taken = [];
        _kept.RemoveAll(one =>
        {
            bool match = one.Local == local && one.Remote == remote;
            if (match)
            {
                taken.Add(one.Record);
            }
            return match;
        });
        return taken;
    }

    /// <summary>Drops what is too old. Returns how many.</summary>
    public int Expire(long nowNs) => _kept.RemoveAll(one => nowNs - (long)MemoryMarshal.AsRef<TrafficRecord>(one.Record).KtimeNs > MaxAgeNs);
}
