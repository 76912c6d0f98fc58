namespace KubeBpfBox.Core.Capture;

/// <summary>One packet of a capture file.</summary>
/// <remarks>
/// Units: nanoseconds since the Unix epoch, bytes. Lifetime: <see cref="Data"/> aliases the reader's buffer and ends with the next read.
/// </remarks>
public readonly ref struct CapturedPacket
{
    /// <summary>When it was captured. A pcapng simple packet has no time of its own and takes that of the packet before it.</summary>
    public required long TimestampNs { get; init; }

    /// <summary>How <see cref="Data"/> starts.</summary>
    public required LinkType LinkType { get; init; }

    /// <summary>The captured bytes.</summary>
    public required ReadOnlySpan<byte> Data { get; init; }

    /// <summary>Bytes on the wire: at least as many as were captured.</summary>
    public required int OriginalLength { get; init; }

    /// <summary>Where its record starts in the file (after decompression).</summary>
    public long FileOffset { get; init; }
}
