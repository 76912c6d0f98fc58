using KubeBpfBox.Core.Capture;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Conformance;

/// <summary>A packet of a capture, kept.</summary>
internal sealed record Packet(long TimestampNs, byte[] Data, int OriginalLength)
{
    /// <summary>Who sent it, to whom, and whether it opens, ends or carries something; null when it is not TCP.</summary>
    public required PacketTcp? Tcp { get; init; }
}

/// <summary>What a packet's TCP header says.</summary>
internal sealed record PacketTcp(Endpoint Source, Endpoint Destination, bool IsPlain, int PayloadLength);

/// <summary>A capture as a list that can be changed and written again.</summary>
internal sealed class Packets
{
    private Packets(LinkType linkType, IReadOnlyList<Packet> all)
    {
        LinkType = linkType;
        All = all;
    }

    public LinkType LinkType { get; }

    public IReadOnlyList<Packet> All { get; }

    public static Packets Read(byte[] file)
    {
        using CaptureReader reader = CaptureReader.Open(new MemoryStream(file), "capture");
        PacketDecoder decoder = new();
        List<Packet> packets = [];
        LinkType linkType = LinkType.Ethernet;
        while (reader.TryRead(out CapturedPacket packet))
        {
            linkType = packet.LinkType;
            const Core.Streams.TcpFlags Special = Core.Streams.TcpFlags.Syn | Core.Streams.TcpFlags.Fin | Core.Streams.TcpFlags.Rst;
            PacketTcp? tcp = decoder.Decode(in packet, out TcpSegmentView view) == DecodeStatus.Tcp
                ? new PacketTcp(view.Source, view.Destination, (view.Segment.Flags & Special) == 0, view.Segment.PayloadLength)
                : null;
            packets.Add(new Packet(packet.TimestampNs, packet.Data.ToArray(), packet.OriginalLength) { Tcp = tcp });
        }
        Assert.Null(reader.Truncation);
        return new Packets(linkType, packets);
    }

    public byte[] Write(IEnumerable<Packet> packets)
    {
        using MemoryStream file = new();
        CaptureWriter writer = new(file, LinkType);
        foreach (Packet packet in packets)
        {
            writer.Write(packet.TimestampNs, packet.Data, packet.OriginalLength);
        }
        return file.ToArray();
    }
}
