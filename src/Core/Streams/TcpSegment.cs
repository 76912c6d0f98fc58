namespace KubeBpfBox.Core.Streams;

/// <summary>Control bits of a TCP header (RFC 9293 section 3.1, RFC 3168 section 6.1).</summary>
[Flags]
public enum TcpFlags : byte
{
    /// <summary>No bit set.</summary>
    None = 0,

    /// <summary>The sender has no more data.</summary>
    Fin = 1,

    /// <summary>Synchronise sequence numbers: the connection's start.</summary>
    Syn = 2,

    /// <summary>Abort.</summary>
    Rst = 4,

    /// <summary>Push.</summary>
    Psh = 8,

    /// <summary>The acknowledgment number is valid.</summary>
    Ack = 16,

    /// <summary>The urgent pointer is valid.</summary>
    Urg = 32,

    /// <summary>Congestion was echoed.</summary>
    Ece = 64,

    /// <summary>The congestion window was reduced.</summary>
    Cwr = 128,
}

/// <summary>One TCP segment as captured.</summary>
/// <remarks>Units: nanoseconds since the Unix epoch, bytes. Lifetime: <see cref="Payload"/> aliases the capture's memory.</remarks>
public readonly ref struct TcpSegment
{
    /// <summary>When it was captured.</summary>
    public required long TimestampNs { get; init; }

    /// <summary>Sequence number of the SYN or of the first payload byte.</summary>
    public required uint Sequence { get; init; }

    /// <summary>Valid when <see cref="Flags"/> has <see cref="TcpFlags.Ack"/>.</summary>
    public uint Acknowledgment { get; init; }

    /// <summary>Control bits.</summary>
    public TcpFlags Flags { get; init; }

    /// <summary>Payload bytes on the wire.</summary>
    public int PayloadLength { get; init; }

    /// <summary>The captured prefix of the payload; may be shorter than <see cref="PayloadLength"/>.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }
}
