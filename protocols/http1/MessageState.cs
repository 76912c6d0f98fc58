using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <summary>Where in a message one side of a connection is.</summary>
internal enum Phase : byte
{
    /// <summary>Before a message or in its first line.</summary>
    Start,

    /// <summary>Inside a request line that is longer than what is kept.</summary>
    LongRequestLine,

    /// <summary>At the start of a header line.</summary>
    Headers,

    /// <summary>Inside a header line that does not matter.</summary>
    SkipHeaderLine,

    /// <summary>In a body of known length.</summary>
    Body,

    /// <summary>In a body that the end of the connection ends.</summary>
    UntilClose,

    /// <summary>At a chunk-size line.</summary>
    ChunkSize,

    /// <summary>Inside a chunk-size line, in its extensions.</summary>
    SkipChunkExtension,

    /// <summary>In a chunk's data.</summary>
    ChunkData,

    /// <summary>At the line end that follows a chunk's data.</summary>
    ChunkDataEnd,

    /// <summary>At the start of a trailer line.</summary>
    Trailers,

    /// <summary>Inside a trailer line.</summary>
    SkipTrailerLine,

    /// <summary>In a chunked body of which a piece with chunk sizes was not copied: only its end can still be recognised.</summary>
    BlindChunks,

    /// <summary>Behind a CONNECT whose answer is not known yet: maybe the tunnel's first bytes.</summary>
    AfterConnect,

    /// <summary>Where messages start is not known: looking for one.</summary>
    Resync,
}

/// <summary>The message that one side is sending and where it stands in it.</summary>
internal struct MessageState
{
    /// <summary>Value of <see cref="ContentLength"/> when there is none.</summary>
    public const long NoLength = -1;

    /// <summary>Value of <see cref="ContentLength"/> when it is malformed or contradicts itself.</summary>
    public const long InvalidLength = -2;

    /// <summary>Longest body or chunk believed, so that adding offsets cannot overflow.</summary>
    public const long MaxLength = long.MaxValue >> 2;

    public Phase Phase;

    /// <summary>The field of the line before, for lines that continue it (obs-fold, RFC 9112 section 5.2).</summary>
    public HeaderName LastHeader;

    /// <summary>True once the first byte of the message has been presented.</summary>
    public bool IsStarted;

    /// <summary>There is a Transfer-Encoding.</summary>
    public bool HasTransferEncoding;

    /// <summary>The last transfer coding is chunked.</summary>
    public bool IsChunked;

    /// <summary>The sender said that it closes, or is HTTP/1.0 and did not say that it stays.</summary>
    public bool Closes;

    /// <summary>The head was not seen whole.</summary>
    public bool IsHeadTruncated;

    /// <summary>The body was not seen whole.</summary>
    public bool IsBodyIncomplete;

    /// <summary>Nobody asked for this response as far as is known, so it may answer a HEAD.</summary>
    public bool MayHaveNoBody;

    /// <summary>Bytes came that are no message of HTTP/1.</summary>
    public bool SawCruft;

    /// <summary>The side has sent its FIN.</summary>
    public bool IsEnded;

    /// <summary>How many of the bytes not consumed have been searched for a line end already.</summary>
    public int Scanned;

    /// <summary>When the first byte of the message was captured.</summary>
    public long StartNs;

    /// <summary>Offset of the first byte of the message.</summary>
    public long StartOffset;

    /// <summary>What the sender had received of the other side when it began the message.</summary>
    public long StartPeerOffset;

    /// <summary>From the header; <see cref="NoLength"/> or <see cref="InvalidLength"/>.</summary>
    public long ContentLength;

    /// <summary>Offset of the first byte of the body.</summary>
    public long BodyStart;

    /// <summary>Offset after the last byte of the body, or of the chunk's data.</summary>
    public long BodyEnd;

    /// <summary>Bytes of content so far, in complete chunks or all told.</summary>
    public long BodyBytes;

    /// <summary>Offset after the last byte that was presented or is known to be lost.</summary>
    public long SeenOffset;

    /// <summary>When the newest byte was captured.</summary>
    public long SeenNs;

    /// <summary>What this side had last received of the other.</summary>
    public long PeerOffset;

    /// <summary>Back to before the first byte of a connection.</summary>
    public void Reset()
    {
        this = default;
        StartPeerOffset = PeerOffset = -1;
    }

    /// <summary>Notes that a message starts.</summary>
    public void Begin(long offset, in DataInfo info)
    {
        IsStarted = true;
        StartNs = info.TimestampNs;
        StartOffset = offset;
        StartPeerOffset = info.PeerOffset;
    }

    /// <summary>Forgets what the head before said.</summary>
    public void BeginHead()
    {
        LastHeader = HeaderName.Other;
        HasTransferEncoding = IsChunked = Closes = IsHeadTruncated = IsBodyIncomplete = MayHaveNoBody = false;
        ContentLength = NoLength;
        BodyBytes = 0;
        Phase = Phase.Headers;
    }

    /// <summary>The message is over; the next one may start.</summary>
    public void EndMessage(Phase next)
    {
        Phase = next;
        IsStarted = false;
        Scanned = 0;
    }
}
