namespace KubeBpfBox.Core.Streams;

/// <summary>Where and when a run of stream bytes was seen.</summary>
/// <param name="TimestampNs">When the segment with the newest byte was captured: nanoseconds since the Unix epoch.</param>
/// <param name="Offset">
/// Position in this side's stream. For data: of its first byte. For a gap or an end: of the byte after it. 0 is the first byte after the
/// SYN, or the first byte seen when the capture joined the connection later (<see cref="Connection.FromStart"/>).
/// </param>
/// <param name="PeerOffset">
/// How much of the other side's stream the sender had received when it sent the newest byte: the offset after the last byte
/// acknowledged by that segment. -1 when not known. A response with PeerOffset below the end of a request cannot answer it.
/// </param>
public readonly record struct DataInfo(long TimestampNs, long Offset, long PeerOffset);
