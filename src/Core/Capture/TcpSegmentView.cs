using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Core.Capture;

/// <summary>A segment with the two ends it travels between: those of the innermost IP packet.</summary>
/// <remarks>
/// Of a UDP datagram: the time, the payload and the ends alone. Lifetime: the payload aliases the packet's bytes, or the decoder's
/// reassembly buffer until its next packet.
/// </remarks>
public readonly ref struct TcpSegmentView
{
    /// <summary>Who sent it.</summary>
    public Endpoint Source { get; init; }

    /// <summary>Whom it was sent to.</summary>
    public Endpoint Destination { get; init; }

    /// <summary>The segment.</summary>
    public TcpSegment Segment { get; init; }
}
