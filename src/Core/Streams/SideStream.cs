namespace KubeBpfBox.Core.Streams;

/// <summary>A segment that came before its time.</summary>
/// <param name="Offset">Stream position of its first byte.</param>
/// <param name="PayloadLength">Bytes on the wire.</param>
/// <param name="CapturedLength">Bytes in <paramref name="Buffer"/>.</param>
/// <param name="Buffer">Rented from the engine's pool; null when nothing was captured.</param>
/// <param name="TimestampNs">When it was captured.</param>
/// <param name="PeerOffset">What its sender had received of the other side, or -1.</param>
internal readonly record struct EarlySegment(long Offset, int PayloadLength, int CapturedLength, byte[]? Buffer, long TimestampNs, long PeerOffset);

/// <summary>What the engine knows of one direction of a connection. Offsets count bytes since the stream's start (or since it was joined).</summary>
internal sealed class SideStream
{
    /// <summary>Sequence number of offset 0; valid once <see cref="Started"/>.</summary>
    public uint Base;
    public bool Started;
    public bool Ended;

    /// <summary>No protocol recognised what this side said.</summary>
    public bool Rejected;

    /// <summary>Offset of the next byte not seen yet.</summary>
    public long Next;

    /// <summary>Bytes below this offset are not wanted.</summary>
    public long SkipUntil;

    /// <summary>How far the tap was told to skip.</summary>
    public long ToldSkipUntil;

    /// <summary>Length of the stream, once a FIN told it; else -1.</summary>
    public long EndOffset = -1;

    /// <summary>Bytes presented and not consumed, which end at <see cref="Next"/>. Rented.</summary>
    public byte[]? Pending;
    public int PendingLength;

    /// <summary>Segments behind a hole, by offset. The list is made with the first one: most streams never need it.</summary>
    public List<EarlySegment>? Early;
    public int EarlyBytes;
    public long HoleSinceNs;

    /// <summary>Bytes of the other side below this offset are not waited for any more, though this side has acknowledged them.</summary>
    public long WaitedTo;

    public bool HasEarly => Early is { Count: > 0 };

    /// <summary>Offset of a sequence number: the nearest one to what is expected next (numbers wrap, RFC 9293 section 3.4).</summary>
    public long OffsetOf(uint sequence) => Next + (int)(sequence - SequenceOf(Next));

    /// <summary>Sequence number of an offset.</summary>
    public uint SequenceOf(long offset) => unchecked(Base + (uint)offset);

    public void Reset()
    {
        Base = 0;
        Started = Ended = Rejected = false;
        Next = SkipUntil = ToldSkipUntil = 0;
        EndOffset = -1;
        PendingLength = 0;
        EarlyBytes = 0;
        HoleSinceNs = 0;
        WaitedTo = 0;
    }
}
