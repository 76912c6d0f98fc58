using KubeBpfBox.Core.Capture;
using static KubeBpfBox.Unit.Capture.Bytes;

namespace KubeBpfBox.Unit.Capture;

public sealed class PacketDecoderTests
{
    private const int Tcp6 = 6;
    private const string FourToFour = "10.0.0.1:1000>10.0.0.2:80 16909060/168496141 Psh, Ack 5:hello";
    private const string SixToSix = "[2001:db8::1]:1000>[2001:db8::2]:80 16909060/168496141 Psh, Ack 5:hello";

    private static readonly byte[] Four = IPv4(Tcp6, Tcp("hello"));
    private static readonly byte[] Six = IPv6(Tcp6, Tcp("hello"));

    private readonly PacketDecoder _decoder = new();

    private string Decode(LinkType linkType, byte[] data, int original = 0, long timestampNs = 1)
    {
        CapturedPacket packet = new() { TimestampNs = timestampNs, LinkType = linkType, Data = data, OriginalLength = original };
        DecodeStatus status = _decoder.Decode(in packet, out TcpSegmentView view);
        string payload = System.Text.Encoding.Latin1.GetString(view.Segment.Payload);
        switch (status)
        {
            case DecodeStatus.Tcp:
                Assert.Equal(timestampNs, view.Segment.TimestampNs);
                return $"{view.Source}>{view.Destination} {view.Segment.Sequence}/{view.Segment.Acknowledgment} {view.Segment.Flags} {view.Segment.PayloadLength}:{payload}";
            case DecodeStatus.Udp:
                return $"Udp {view.Source}>{view.Destination} {view.Segment.PayloadLength}:{payload}";
            default:
                Assert.Equal(default, view.Source);
                return status.ToString();
        }
    }

    public static TheoryData<string, LinkType, string, string> Carriers()
    {
        TheoryData<string, LinkType, string, string> data = [];
        void Add(string name, LinkType linkType, byte[] packet, string expected = FourToFour) => data.Add(name, linkType, Convert.ToHexString(packet), expected);
        byte[] inner = Ethernet(0x0800, Four);

        Add("ethernet", LinkType.Ethernet, inner);
        Add("ethernet IPv6", LinkType.Ethernet, Ethernet(0x86DD, Six), SixToSix);
        Add("802.1Q", LinkType.Ethernet, Ethernet(0x8100, Join(Hex("0064 0800"), Four)));
        Add("priority tag", LinkType.Ethernet, Ethernet(0x8100, Join(Hex("e000 86dd"), Six)), SixToSix);
        Add("802.1ad stack", LinkType.Ethernet, Ethernet(0x88A8, Join(Hex("0001 8100 0002 9100 0003 0800"), Four)));
        Add("LLC SNAP", LinkType.Ethernet, Ethernet(8 + Four.Length, Join(Hex("aaaa03000000 0800"), Four, new byte[3])));
        Add("tagged LLC SNAP", LinkType.Ethernet, Ethernet(0x8100, Join(Hex("0001 0035 aaaa03000000 0800"), Four)));
        Add("MPLS", LinkType.Ethernet, Ethernet(0x8847, Join(Hex("00010040 00020140"), Four)));
        Add("MPLS pseudowire with control word", LinkType.Ethernet, Ethernet(0x8847, Join(Hex("00020140 00000000"), inner)));
        Add("MPLS pseudowire without", LinkType.Ethernet, Ethernet(0x8847, Join(Hex("00020140"), Hex("120000000002 020000000001 0800"), Four)));
        Add("PPPoE", LinkType.Ethernet, Ethernet(0x8864, Join(Hex("11 00 1234"), U16(2 + Four.Length), Hex("0021"), Four, new byte[9])));
        Add("PPPoE IPv6", LinkType.Ethernet, Ethernet(0x8864, Join(Hex("11 00 1234"), U16(2 + Six.Length), Hex("0057"), Six)), SixToSix);
        Add("PPP with address", LinkType.Ppp, Join(Hex("ff03 0021"), Four));
        Add("PPP without", LinkType.Ppp, Join(Hex("0057"), Six), SixToSix);
        Add("PPP compressed", LinkType.Ppp, Join(Hex("21"), Four));
        Add("null little-endian", LinkType.Null, Join(Hex("02000000"), Four));
        Add("null big-endian", LinkType.Null, Join(Hex("00000002"), Four));
        Add("null Linux IPv6", LinkType.Null, Join(Hex("0a000000"), Six), SixToSix);
        Add("null Darwin IPv6", LinkType.Null, Join(Hex("1e000000"), Six), SixToSix);
        Add("null FreeBSD IPv6", LinkType.Null, Join(Hex("0000001c"), Six), SixToSix);
        Add("loop IPv6", LinkType.Loop, Join(Hex("00000018"), Six), SixToSix);
        foreach (LinkType raw in new[] { LinkType.Raw, LinkType.Raw12, LinkType.Raw14, LinkType.IPv4, LinkType.IPv6 })
        {
            Add($"{raw} IPv4", raw, Four);
            Add($"{raw} IPv6", raw, Six, SixToSix);
        }
        Add("cooked", LinkType.LinuxSll, Join(Hex("0000 0001 0006 020000000001 0000 0800"), Four));
        Add("cooked tagged", LinkType.LinuxSll, Join(Hex("0000 0001 0006 020000000001 0000 8100 0001 86dd"), Six), SixToSix);
        Add("cooked 2", LinkType.LinuxSll2, Join(Hex("86dd 0000 00000001 0001 00 06 0200000000010000"), Six), SixToSix);

        Add("IPv4 options", LinkType.Raw, IPv4(Tcp6, Tcp("hello"), options: "0101010194040000"));
        Add("TCP options", LinkType.Raw, IPv4(Tcp6, Tcp("hello", options: "0101080a0000000100000002")));
        Add("IPv6 extension headers", LinkType.Raw, IPv6(0, Join(Hex("3c00 050200000000"), Hex("2b01 010400000000 0000000000000000"), Hex("3300 000000000000"), Hex("0601 0000 00000001 00000002"), Tcp("hello"))), SixToSix);
        Add("IPv6 atomic fragment", LinkType.Raw, IPv6(44, Join(Hex("0600 0000 00000009"), Tcp("hello"))), SixToSix);
        Add("IPv4 in IPv4", LinkType.Raw, IPv4(4, IPv4(Tcp6, Tcp("hello"))));
        Add("6in4", LinkType.Raw, IPv4(41, Six), SixToSix);
        Add("IPv4 in IPv6", LinkType.Raw, IPv6(4, Four));
        Add("MPLS in IP", LinkType.Raw, IPv4(137, Join(Hex("00020140"), Four)));
        Add("GRE", LinkType.Raw, IPv4(47, Join(Hex("0000 0800"), Four)));
        Add("GRE with all fields", LinkType.Raw, IPv4(47, Join(Hex("b000 86dd 00000000 00000001 00000002"), Six)), SixToSix);
        Add("GRE Ethernet", LinkType.Raw, IPv4(47, Join(Hex("2000 6558 00000001"), inner)));
        Add("ERSPAN I", LinkType.Raw, IPv4(47, Join(Hex("0000 88be"), inner)));
        Add("ERSPAN II", LinkType.Raw, IPv4(47, Join(Hex("1000 88be 00000001 1001000000000000"), inner)));
        Add("ERSPAN III", LinkType.Raw, IPv4(47, Join(Hex("1000 22eb 00000001 200100000000000000000001 0000000000000000"), inner)));
        Add("VXLAN", LinkType.Raw, IPv4(17, Udp(4789, Join(Hex("0800000000000100"), inner))));
        Add("VXLAN of old Linux", LinkType.Raw, IPv4(17, Udp(8472, Join(Hex("0800000000000100"), inner))));
        Add("Geneve", LinkType.Raw, IPv4(17, Udp(6081, Join(Hex("0200 6558 00000100 0102800100000000"), inner))));
        Add("GTP-U", LinkType.Raw, IPv4(17, Udp(2152, Join(Hex("30ff 002d 00000001"), Four, new byte[3]))));
        Add("GTP-U with extension", LinkType.Raw, IPv4(17, Udp(2152, Join(Hex("34ff 0049 00000001 00000085 01100900"), Six))), SixToSix);
        return data;
    }

    [Theory]
    [MemberData(nameof(Carriers))]
    public void The_segment_is_found_in(string carrier, LinkType linkType, string packet, string expected)
    {
        Assert.NotEmpty(carrier);
        byte[] data = Hex(packet);
        Assert.Equal(expected, Decode(linkType, data));

        // Whatever the snap length: the payload's prefix with its length on the wire, or no segment at all.
        List<int> segments = [];
        for (int length = 0; length < data.Length; length++)
        {
            string cut = Decode(linkType, data[..length], data.Length);
            if (cut == "Truncated" || cut.StartsWith("Udp", StringComparison.Ordinal))
            {
                segments.Add(-1);
                continue;
            }
            Assert.StartsWith(expected[..^5], cut, StringComparison.Ordinal);
            Assert.StartsWith(cut[(expected.Length - 5)..], "hello", StringComparison.Ordinal);
            segments.Add(cut.Length - expected.Length + 5);
        }
        Assert.Equal(segments.Order(), segments);
        Assert.Superset(new HashSet<int> { -1, 0, 1, 2, 3, 4 }, segments.ToHashSet());
    }

    [Fact]
    public void Padding_is_no_payload()
    {
        byte[] packet = Ethernet(0x0800, IPv4(Tcp6, Tcp("")));
        Assert.Equal("10.0.0.1:1000>10.0.0.2:80 16909060/168496141 Psh, Ack 0:", Decode(LinkType.Ethernet, Join(packet, new byte[6])));
        packet = Ethernet(0x86DD, IPv6(Tcp6, Tcp("ab")));
        Assert.EndsWith(" 2:ab", Decode(LinkType.Ethernet, Join(packet, new byte[6])), StringComparison.Ordinal);
        packet = Ethernet(0x0800, IPv4(17, Udp(53, Ascii("abc"))));
        Assert.Equal("Udp 10.0.0.1:1000>10.0.0.2:53 3:abc", Decode(LinkType.Ethernet, Join(packet, new byte[15])));
    }

    [Fact]
    public void A_length_of_0_from_an_offload_means_the_rest_of_the_frame()
    {
        string payload = new('x', 70_000);
        Assert.EndsWith($" 70000:{payload}", Decode(LinkType.Raw, IPv4(Tcp6, Tcp(payload), total: 0)), StringComparison.Ordinal);
        Assert.EndsWith($" 70000:{payload}", Decode(LinkType.Raw, IPv6(Tcp6, Tcp(payload), length: 0)), StringComparison.Ordinal);
        Assert.EndsWith($" 70000:{payload}", Decode(LinkType.Raw, IPv6(0, Join(Hex("0600 c204 00011194"), Tcp(payload)), length: 0)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_snap_length_keeps_the_length_on_the_wire()
    {
        byte[] packet = Ethernet(0x0800, IPv4(Tcp6, Tcp(new string('x', 1000), options: "0101080a0000000100000002")));
        Assert.EndsWith(" 1000:xx", Decode(LinkType.Ethernet, packet[..(14 + 20 + 32 + 2)], packet.Length), StringComparison.Ordinal);
        Assert.EndsWith(" 1000:", Decode(LinkType.Ethernet, packet[..(14 + 20 + 20)], packet.Length), StringComparison.Ordinal);
        Assert.Equal("Truncated", Decode(LinkType.Ethernet, packet[..(14 + 20 + 19)], packet.Length));
        Assert.Equal("Malformed", Decode(LinkType.Ethernet, packet[..(14 + 20 + 19)]));
    }

    [Theory]
    [InlineData(LinkType.Ethernet, "020000000002 020000000001 0806 0001", "NotIp")]
    [InlineData(LinkType.Ethernet, "020000000002 020000000001 0003 424203", "NotIp")]
    [InlineData(LinkType.Ethernet, "", "Malformed")]
    [InlineData(LinkType.LinuxSll, "0000 0338 0000 0000000000000000 0800", "NotIp")]
    [InlineData(LinkType.Null, "07000000 45", "NotIp")]
    [InlineData(LinkType.Raw, "55", "NotIp")]
    [InlineData(LinkType.Raw, "4400 0014 0000 0000 4006 0000 0a000001 0a000002", "Malformed")]
    [InlineData(LinkType.Raw, "4500 0013 0000 0000 4006 0000 0a000001 0a000002", "Malformed")]
    [InlineData(LinkType.Raw, "4500 0014 0000 0000 4001 0000 0a000001 0a000002", "OtherTransport")]
    [InlineData(LinkType.Raw, "4500 0014 0000 0000 4006 0000 0a000001 0a000002", "Malformed")]
    [InlineData((LinkType)147, "4500", "UnknownLinkType")]
    [InlineData((LinkType)65535, "", "UnknownLinkType")]
    public void What_is_no_segment(LinkType linkType, string hex, string expected) => Assert.Equal(expected, Decode(linkType, Hex(hex)));

    [Fact]
    public void A_tunnels_port_without_its_header_is_plain_udp()
    {
        foreach (int port in new[] { 4789, 8472, 6081, 2152 })
        {
            Assert.Equal($"Udp 10.0.0.1:1000>10.0.0.2:{port} 9:\u0080abcdefgh", Decode(LinkType.Raw, IPv4(17, Udp(port, Ascii("\u0080abcdefgh")))));
        }
    }

    [Fact]
    public void Nesting_without_end_is_given_up()
    {
        byte[] packet = Four;
        for (int i = 0; i < 1000; i++)
        {
            packet = IPv4(4, packet);
        }
        Assert.Equal("OtherTransport", Decode(LinkType.Raw, packet));
    }

    [Fact]
    public void Mutated_packets_never_throw()
    {
        byte[][] packets = [.. Carriers().Select(row => Hex(row.Data.Item3))];
        LinkType[] links = [.. Carriers().Select(row => row.Data.Item2)];
        Random random = new(7);
        Dictionary<string, int> seen = [];
        for (int round = 0; round < 100_000; round++)
        {
            int which = random.Next(packets.Length);
            byte[] packet = [.. packets[which].Take(random.Next(4) == 0 ? random.Next(packets[which].Length + 1) : packets[which].Length)];
            for (int i = random.Next(4); i > 0 && packet.Length > 0; i--)
            {
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            }
            CapturedPacket captured = new() { TimestampNs = round, LinkType = links[which], Data = packet, OriginalLength = random.Next(2) * (packet.Length + random.Next(50)) };
            DecodeStatus status = _decoder.Decode(in captured, out TcpSegmentView view);
            Assert.True(view.Segment.Payload.Length <= view.Segment.PayloadLength);
            seen[status.ToString()] = seen.GetValueOrDefault(status.ToString()) + 1;
        }
        Assert.Superset(new HashSet<string> { "Tcp", "Udp", "OtherTransport", "NotIp", "Fragment", "Malformed", "Truncated" }, seen.Keys.ToHashSet());
        Assert.InRange(_decoder.WaitingDatagrams, 1, 64);
    }
}
