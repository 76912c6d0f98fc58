namespace KubeBpfBox.Core.Capture;

/// <summary>Finds the TCP segment in a captured packet: through link headers, tags, tunnels, IP options and fragments.</summary>
/// <remarks>
/// Errors: none, any bytes give a status. Memory: bounded; nothing is allocated once the reassembly buffers are there, which only
/// fragments ask for (66 KiB each, 64 at most). Lifetime: see <see cref="TcpSegmentView"/>. One thread at a time.
/// </remarks>
public sealed class PacketDecoder
{
    // Ethernet, type, IP, transport and a tunnel's header for each level: some eight tunnels deep.
    private const int MaxLayers = 40;

    private readonly FragmentTable _fragments = new();

    /// <summary>Datagrams whose fragments never came together.</summary>
    public long AbandonedDatagrams => _fragments.Abandoned;

    /// <summary>Datagrams that wait for more fragments.</summary>
    public int WaitingDatagrams => _fragments.Waiting;

    /// <summary>Decodes one packet.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="view">The segment or datagram when the status is Tcp or Udp; otherwise empty.</param>
    public DecodeStatus Decode(in CapturedPacket packet, out TcpSegmentView view)
    {
        view = default;
        _fragments.Reclaim();
        if (!LinkLayers.TryFirst(packet.LinkType, out Layer first))
        {
            return DecodeStatus.UnknownLinkType;
        }
        Frame frame = new()
        {
            Data = packet.Data,
            WireLength = Math.Max(packet.OriginalLength, packet.Data.Length),
            TimestampNs = packet.TimestampNs,
            Next = first,
            Status = DecodeStatus.OtherTransport,
        };
        for (int i = 0; i < MaxLayers && Step(ref frame); i++)
        {
        }
        return frame.Status switch
        {
            DecodeStatus.Tcp => TransportLayers.ViewTcp(in frame, out view),
            DecodeStatus.Udp => TransportLayers.ViewUdp(in frame, out view),
            _ => frame.Status,
        };
    }

    private bool Step(ref Frame frame)
    {
        switch (frame.Next)
        {
            case Layer.Ethernet:
                return LinkLayers.Ethernet(ref frame);
            case Layer.EtherType:
                return LinkLayers.EtherType(ref frame);
            case Layer.IPv4:
                return IpLayers.IPv4(ref frame, _fragments);
            case Layer.IPv6:
                return IpLayers.IPv6(ref frame, _fragments);
            case Layer.Tcp:
                return frame.Stop(DecodeStatus.Tcp);
            case Layer.Udp:
                return TransportLayers.Udp(ref frame);
            case Layer.Ip:
                return IpLayers.Ip(ref frame);
            case Layer.IpProtocol:
                return IpLayers.Protocol(ref frame, _fragments);
            case Layer.Gre:
                return TransportLayers.Gre(ref frame);
            case Layer.Llc:
                return LinkLayers.Llc(ref frame);
            case Layer.Mpls:
                return LinkLayers.Mpls(ref frame);
            case Layer.PppoeSession:
                return LinkLayers.PppoeSession(ref frame);
            case Layer.Ppp:
                return LinkLayers.Ppp(ref frame);
            case Layer.Null:
                return LinkLayers.Null(ref frame);
            case Layer.LinuxSll:
                return LinkLayers.LinuxSll(ref frame);
            case Layer.LinuxSll2:
                return LinkLayers.LinuxSll2(ref frame);
            default:
                return frame.Stop(DecodeStatus.NotIp);
        }
    }
}
