using KubeBpfBox.Core.Capture;
using static KubeBpfBox.Unit.Capture.Bytes;

namespace KubeBpfBox.Unit.Capture;

public sealed class FragmentTests
{
    private const long SecondNs = 1_000_000_000;
    private const int More = 0x2000;

    private readonly PacketDecoder _decoder = new();

    private string Decode(byte[] data, long timestampNs = 0, int original = 0)
    {
        CapturedPacket packet = new() { TimestampNs = timestampNs, LinkType = LinkType.Raw, Data = data, OriginalLength = original };
        DecodeStatus status = _decoder.Decode(in packet, out TcpSegmentView view);
        return status == DecodeStatus.Tcp ? $"{view.Source}>{view.Destination} {view.Segment.PayloadLength}:{System.Text.Encoding.Latin1.GetString(view.Segment.Payload)}" : status.ToString();
    }

    private static byte[] Piece(byte[] datagram, int from, int to, int id = 7) =>
        IPv4(6, datagram[from..to], fragment: (from / 8) | (to < datagram.Length ? More : 0), id: id);

    private static byte[] Piece6(byte[] datagram, int from, int to) =>
        IPv6(44, Join([6, 0], U16(from | (to < datagram.Length ? 1 : 0)), U32(99), datagram[from..to]));

    [Fact]
    public void Every_order_of_three_pieces_gives_the_datagram_once()
    {
        byte[] datagram = Tcp("0123456789abcdefghijklmn!");
        byte[][] four = [Piece(datagram, 0, 24), Piece(datagram, 24, 40), Piece(datagram, 40, 45)];
        byte[][] six = [Piece6(datagram, 0, 24), Piece6(datagram, 24, 40), Piece6(datagram, 40, 45)];
        foreach (int[] order in new[] { [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], new[] { 2, 1, 0 } })
        {
            Assert.Equal("Fragment", Decode(four[order[0]]));
            Assert.Equal("Fragment", Decode(six[order[0]]));
            Assert.Equal("Fragment", Decode(four[order[1]]));
            Assert.Equal("Fragment", Decode(six[order[1]]));
            Assert.Equal("10.0.0.1:1000>10.0.0.2:80 25:0123456789abcdefghijklmn!", Decode(four[order[2]]));
            Assert.Equal("[2001:db8::1]:1000>[2001:db8::2]:80 25:0123456789abcdefghijklmn!", Decode(six[order[2]]));
        }
        Assert.Equal("Malformed", Decode(Four()));
        Assert.Equal(0, _decoder.WaitingDatagrams);
        Assert.Equal(0, _decoder.AbandonedDatagrams);

        static byte[] Four() => IPv4(6, []);
    }

    [Fact]
    public void Datagrams_are_told_apart_by_id_ends_and_protocol()
    {
        byte[] one = Tcp("one.....");
        byte[] two = Tcp("two.....");
        Assert.Equal("Fragment", Decode(Piece(one, 0, 24, id: 1)));
        Assert.Equal("Fragment", Decode(Piece(two, 0, 24, id: 2)));
        Assert.Equal("Fragment", Decode(IPv4(17, one[24..], fragment: 3, id: 1)));
        Assert.EndsWith(" 8:two.....", Decode(Piece(two, 24, 28, id: 2)), StringComparison.Ordinal);
        Assert.EndsWith(" 8:one.....", Decode(Piece(one, 24, 28, id: 1)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_of_overlapping_bytes_wins()
    {
        byte[] good = Tcp("0123456789abcdef....");
        byte[] evil = Tcp("XXXXXXXXXXXXXXXXXXXX");
        Assert.Equal("Fragment", Decode(Piece(good, 24, 32)));
        Assert.Equal("Fragment", Decode(Piece(evil, 0, 32)));
        Assert.Equal("10.0.0.1:1000>10.0.0.2:80 20:XXXX456789abcdef....", Decode(Piece(good, 32, 40)));
    }

    [Fact]
    public void Contradictory_and_cut_pieces_are_refused()
    {
        byte[] datagram = Tcp("0123456789abcdefghijklmn!");
        Assert.Equal("Malformed", Decode(IPv4(6, new byte[9], fragment: More)));
        Assert.Equal("Malformed", Decode(IPv4(6, new byte[64], fragment: 0x1FFF)));
        Assert.Equal("Malformed", Decode(IPv4(6, [], fragment: 1)));
        Assert.Equal("Truncated", Decode(Piece(datagram, 0, 24)[..30], original: 44));
        Assert.Equal(0, _decoder.WaitingDatagrams);

        Assert.Equal("Fragment", Decode(Piece(datagram, 40, 45)));
        Assert.Equal("Malformed", Decode(IPv4(6, new byte[8], fragment: 6 | More)));
        Assert.Equal(0, _decoder.WaitingDatagrams);
        Assert.Equal(1, _decoder.AbandonedDatagrams);
    }

    [Fact]
    public void A_datagram_expires_by_packet_time()
    {
        byte[] datagram = Tcp("01234567");
        Assert.Equal("Fragment", Decode(Piece(datagram, 0, 24), 0));
        Assert.Equal("Fragment", Decode(Piece(datagram, 24, 28), (30 * SecondNs) + 1));
        Assert.Equal(1, _decoder.AbandonedDatagrams);
        Assert.EndsWith(":01234567", Decode(Piece(datagram, 0, 24), 60 * SecondNs), StringComparison.Ordinal);
    }

    [Fact]
    public void The_oldest_of_64_gives_way()
    {
        byte[] datagram = Tcp("01234567");
        for (int id = 0; id < 65; id++)
        {
            Assert.Equal("Fragment", Decode(Piece(datagram, 0, 24, id), id));
        }
        Assert.Equal(64, _decoder.WaitingDatagrams);
        Assert.Equal(1, _decoder.AbandonedDatagrams);
        Assert.EndsWith(":01234567", Decode(Piece(datagram, 24, 28, 1), 70), StringComparison.Ordinal);
        Assert.Equal("Fragment", Decode(Piece(datagram, 24, 28, 0), 70));
    }

    [Fact]
    public void Fragments_within_a_fragmented_tunnel()
    {
        byte[] datagram = Tcp("0123456789abcdef");
        byte[] outer1 = IPv4(4, Piece(datagram, 0, 24))[20..];
        byte[] outer2 = IPv4(4, Piece(datagram, 24, 36))[20..];
        Assert.Equal("Fragment", Decode(IPv4(4, outer1[..16], fragment: More, id: 1)));
        Assert.Equal("Fragment", Decode(IPv4(4, outer1[16..], fragment: 2, id: 1)));
        Assert.Equal("Fragment", Decode(IPv4(4, outer2[..16], fragment: More, id: 2)));
        Assert.EndsWith(" 16:0123456789abcdef", Decode(IPv4(4, outer2[16..], fragment: 2, id: 2)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_largest_datagram()
    {
        byte[] datagram = Tcp(new string('x', 65_535 - 20));
        for (int from = 0; from < 65_528; from += 8)
        {
            Assert.Equal("Fragment", Decode(Piece(datagram, from, from + 8)));
        }
        Assert.Contains(" 65515:xxx", Decode(Piece(datagram, 65_528, 65_535)), StringComparison.Ordinal);
    }
}
