using System.Numerics;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Capture;

/// <summary>Puts fragmented datagrams together, in bounded memory.</summary>
/// <remarks>
/// At most 64 datagrams of at most 64 KiB; the oldest is given up for a new one, and each after 30 s of packet time (RFC 1122 section
/// 3.3.2 asks for 60 to 120; senders have long retried by then). Of overlapping bytes the first received win, for IPv6 too: an observer
/// wants what the receiver may have taken, where RFC 5722 lets a receiver drop the datagram. Lifetime: a completed datagram's bytes
/// stay until <see cref="Reclaim"/>.
/// </remarks>
internal sealed class FragmentTable
{
    private const int Slots = 64;
    private const int MaxDatagramBytes = 65536;
    private const int UnitBytes = 8;
    private const long ExpiryNs = 30_000_000_000;

    private readonly Datagram?[] _datagrams = new Datagram?[Slots];
    private ulong _used;
    private ulong _lent;

    private sealed class Datagram
    {
        public readonly byte[] Bytes = new byte[MaxDatagramBytes];

        // One bit for each unit of 8 bytes, the granularity of fragment offsets.
        public readonly ulong[] Have = new ulong[MaxDatagramBytes / UnitBytes / 64];
        public Endpoint Source;
        public Endpoint Destination;
        public uint Id;
        public bool IsIPv4;
        public ushort Type;
        public long FirstNs;
        public int TotalBytes;
        public int UnitsHeld;
        public int EndSeen;

        public void Start(in Frame frame, uint id, bool isIPv4)
        {
            (Source, Destination, Id, IsIPv4, Type) = (frame.Source, frame.Destination, id, isIPv4, frame.Type);
            (FirstNs, TotalBytes, UnitsHeld, EndSeen) = (frame.TimestampNs, -1, 0, 0);
            Array.Clear(Have);
        }

        public void Put(ReadOnlySpan<byte> data, int offset)
        {
            for (int at = 0; at < data.Length; at += UnitBytes)
            {
                int unit = (offset + at) / UnitBytes;
                ulong bit = 1UL << (unit & 63);
                if ((Have[unit >> 6] & bit) == 0)
                {
                    Have[unit >> 6] |= bit;
                    UnitsHeld++;
                    data.Slice(at, Math.Min(UnitBytes, data.Length - at)).CopyTo(Bytes.AsSpan(offset + at));
                }
            }
        }

        public bool IsWhole => TotalBytes >= 0 && UnitsHeld == (TotalBytes + UnitBytes - 1) / UnitBytes;
    }

    /// <summary>Datagrams given up: expired, displaced or contradictory.</summary>
    public long Abandoned { get; private set; }

    /// <summary>Datagrams that wait for more fragments.</summary>
    public int Waiting => BitOperations.PopCount(_used & ~_lent);

    /// <summary>Takes back the bytes of completed datagrams. Call before each packet.</summary>
    public void Reclaim()
    {
        _used &= ~_lent;
        _lent = 0;
    }

    /// <summary>Takes a fragment; the frame goes on with the whole datagram when this completed it.</summary>
    public bool Add(ref Frame frame, uint id, int offset, bool more)
    {
        int length = frame.WireLength;
        if (frame.Data.Length < length)
        {
            return frame.Stop(DecodeStatus.Truncated);
        }
        // RFC 791 section 3.2: all but the last fragment carry a multiple of 8.
        if (length == 0 || offset + length > MaxDatagramBytes - 1 || (more && length % UnitBytes != 0))
        {
            return frame.Stop(DecodeStatus.Malformed);
        }
        int slot = SlotOf(in frame, id);
        Datagram datagram = _datagrams[slot]!;
        if (offset == 0)
        {
            datagram.Type = frame.Type;
        }
        if (!more && datagram.TotalBytes < 0)
        {
            datagram.TotalBytes = offset + length;
        }
        datagram.EndSeen = Math.Max(datagram.EndSeen, offset + length);
        if (datagram.TotalBytes >= 0 && datagram.EndSeen > datagram.TotalBytes)
        {
            _used &= ~(1UL << slot);
            Abandoned++;
            return frame.Stop(DecodeStatus.Malformed);
        }
        datagram.Put(frame.Data, offset);
        if (!datagram.IsWhole)
        {
            return frame.Stop(DecodeStatus.Fragment);
        }
        _lent |= 1UL << slot;
        frame.Data = datagram.Bytes.AsSpan(0, datagram.TotalBytes);
        frame.WireLength = datagram.TotalBytes;
        return frame.Go(Layer.IpProtocol, datagram.Type);
    }

    private int SlotOf(in Frame frame, uint id)
    {
        bool isIPv4 = frame.Source.IsIPv4;
        int oldest = -1;
        for (ulong rest = _used & ~_lent; rest != 0; rest &= rest - 1)
        {
            int slot = BitOperations.TrailingZeroCount(rest);
            Datagram known = _datagrams[slot]!;
            if (frame.TimestampNs - known.FirstNs > ExpiryNs)
            {
                _used &= ~(1UL << slot);
                Abandoned++;
                continue;
            }
            if (known.Id == id && known.IsIPv4 == isIPv4 && known.Source == frame.Source && known.Destination == frame.Destination)
            {
                return slot;
            }
            if (oldest < 0 || known.FirstNs < _datagrams[oldest]!.FirstNs)
            {
                oldest = slot;
            }
        }
        int free = BitOperations.TrailingZeroCount(~_used);
        if (free == Slots)
        {
            // A packet nests too shallow to lend all slots, so that there is one to displace.
            free = oldest;
            Abandoned++;
        }
        _used |= 1UL << free;
        (_datagrams[free] ??= new Datagram()).Start(in frame, id, isIPv4);
        return free;
    }
}
