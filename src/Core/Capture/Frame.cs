using System.Buffers.Binary;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Capture;

/// <summary>What the next bytes of a packet are.</summary>
internal enum Layer : byte
{
    Ethernet,
    EtherType,
    Llc,
    Mpls,
    PppoeSession,
    Ppp,
    Null,
    LinuxSll,
    LinuxSll2,
    Ip,
    IPv4,
    IPv6,
    IpProtocol,
    Gre,
    Udp,
    Tcp,
}

/// <summary>A packet while its headers are taken off, one by one, from the outside.</summary>
/// <remarks>
/// Invariant: <see cref="WireLength"/> is never below the length of <see cref="Data"/>. Each layer either goes on to the next one
/// (true) or stops with a status (false).
/// </remarks>
internal ref struct Frame
{
    /// <summary>What is left of the captured bytes.</summary>
    public ReadOnlySpan<byte> Data;

    /// <summary>What is left of the bytes on the wire.</summary>
    public int WireLength;

    /// <summary>What <see cref="Data"/> starts with.</summary>
    public Layer Next;

    /// <summary>The EtherType or IP protocol number that says what follows, for the layers of those names.</summary>
    public ushort Type;

    /// <summary>The outcome, once a layer stopped; until then, what it is when the layers never end.</summary>
    public DecodeStatus Status;

    /// <summary>Sender by the innermost header so far.</summary>
    public Endpoint Source;

    /// <summary>Receiver by the innermost header so far.</summary>
    public Endpoint Destination;

    /// <summary>When the packet was captured.</summary>
    public long TimestampNs;

    /// <summary>Goes on with what follows.</summary>
    public bool Go(Layer next)
    {
        Next = next;
        return true;
    }

    /// <summary>Goes on with what a number of the layer's registry names.</summary>
    public bool Go(Layer next, int type)
    {
        Type = (ushort)type;
        return Go(next);
    }

    /// <summary>Ends the decoding.</summary>
    public bool Stop(DecodeStatus status)
    {
        Status = status;
        return false;
    }

    /// <summary>Ends the decoding because fewer than <paramref name="length"/> bytes are there, and says whose fault it is.</summary>
    public bool StopShort(int length) => Stop(ShortStatus(length));

    /// <summary>What a packet is that has fewer than <paramref name="length"/> bytes where so many must be.</summary>
    public readonly DecodeStatus ShortStatus(int length) => WireLength < length ? DecodeStatus.Malformed : DecodeStatus.Truncated;

    /// <summary>Takes a header off.</summary>
    public bool TryTake(int length, out ReadOnlySpan<byte> header)
    {
        if (Data.Length < length)
        {
            header = default;
            return StopShort(length);
        }
        header = Data[..length];
        Data = Data[length..];
        WireLength -= length;
        return true;
    }

    /// <summary>Takes a header off unseen.</summary>
    public bool TryTake(int length) => TryTake(length, out _);

    /// <summary>Drops what lies behind the length that a header tells: padding, frame check sequences.</summary>
    public void Limit(int wireLength)
    {
        if (wireLength < WireLength)
        {
            WireLength = wireLength;
            Data = Data[..Math.Min(Data.Length, wireLength)];
        }
    }

    /// <summary>A 16-bit field in network order.</summary>
    public static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);

    /// <summary>A 32-bit field in network order.</summary>
    public static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
}
