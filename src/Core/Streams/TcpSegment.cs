namespace KubeBpfBox.Core.Streams;

/// <summary>Control bits of a TCP header (RFC 9293 section 3.1).</summary>
[Flags]
public enum TcpFlags : byte
{
    /// <summary>No bit set.</summary>
    None = 0,

    /// <summary>No more data from the sender.</summary>
    Fin = 1,

    /// <summary>Synchronise sequence numbers.</summary>
    Syn = 2,

    /// <summary>Reset the connection.</summary>
    Rst = 4,

    /// <summary>Push.</summary>
    Psh = 8,

    /// <summary>The acknowledgement number is valid.</summary>
    Ack = 16,

    /// <summary>The urgent pointer is valid.</summary>
    Urg = 32,

    /// <summary>ECN echo.</summary>
    Ece = 64,

    /// <summary>Congestion window reduced.</summary>
    Cwr = 128,
}

/// <summary>One TCP segment as captured.</summary>
/// <remarks>Lifetime: <see cref="Payload"/> aliases the source's memory and is valid during the call that passes the segment.</remarks>
public readonly ref struct TcpSegment
{
    /// <summary>When it was captured: nanoseconds since the Unix epoch.</summary>
    public required long TimestampNs { get; init; }

    /// <summary>Sequence number of the SYN if there is one, else of the first payload byte.</summary>
    public required uint Sequence { get; init; }

    /// <summary>Next byte the sender expects; valid with <see cref="TcpFlags.Ack"/>.</summary>
    public uint Acknowledgment { get; init; }

    /// <summary>Control bits.</summary>
    public TcpFlags Flags { get; init; }

    /// <summary>Payload bytes on the wire.</summary>
    public int PayloadLength { get; init; }

    /// <summary>The captured prefix of the payload; may be shorter than <see cref="PayloadLength"/>.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }
}
