using KubeBpfBox.Core.Capture;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Capture;

public sealed class CaptureWriterTests
{
    private static readonly Endpoint A = Endpoint.From([10, 1, 2, 3], 40000);
    private static readonly Endpoint B = Endpoint.From([10, 1, 2, 4], 80);
    private static readonly Endpoint A6 = Endpoint.From([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3], 40000);

    private static byte[] Written(LinkType linkType, int packets)
    {
        MemoryStream stream = new();
        CaptureWriter writer = new(stream, linkType);
        for (int i = 0; i < packets; i++)
        {
            bool six = i % 2 == 1;
            writer.WriteTcp(six ? A6 : A, B, new TcpSegment
            {
                TimestampNs = 1_700_000_000_123_456_789 + i,
                Sequence = (uint)(4_294_967_290 + (i * 10)),
                Acknowledgment = (uint)i,
                Flags = TcpFlags.Ack | TcpFlags.Psh,
                Payload = new byte[i],
                PayloadLength = i,
            });
        }
        return stream.ToArray();
    }

    [Theory]
    [InlineData(LinkType.Ethernet)]
    [InlineData(LinkType.Raw)]
    public void What_is_written_is_read(LinkType linkType)
    {
        using CaptureReader reader = CaptureReader.Open(new MemoryStream(Written(linkType, 50)), "w");
        PacketDecoder decoder = new();
        for (int i = 0; i < 50; i++)
        {
            Assert.True(reader.TryRead(out CapturedPacket packet));
            Assert.Equal(linkType, packet.LinkType);
            Assert.Equal(DecodeStatus.Tcp, decoder.Decode(in packet, out TcpSegmentView view));
            Assert.Equal(i % 2 == 1 ? A6 : A, view.Source);
            Assert.Equal(B, view.Destination);
            Assert.Equal(1_700_000_000_123_456_789 + i, view.Segment.TimestampNs);
            Assert.Equal((uint)(4_294_967_290 + (i * 10)), view.Segment.Sequence);
            Assert.Equal((uint)i, view.Segment.Acknowledgment);
            Assert.Equal(TcpFlags.Ack | TcpFlags.Psh, view.Segment.Flags);
            Assert.Equal(i, view.Segment.PayloadLength);
            Assert.Equal(new byte[i], view.Segment.Payload);
        }
        Assert.False(reader.TryRead(out _));
        Assert.Null(reader.Truncation);
    }

    [Fact]
    public void Checksums_are_valid()
    {
        using CaptureReader reader = CaptureReader.Open(new MemoryStream(Written(LinkType.Raw, 4)), "w");
        while (reader.TryRead(out CapturedPacket packet))
        {
            bool four = packet.Data[0] >> 4 == 4;
            ReadOnlySpan<byte> addresses = four ? packet.Data[12..20] : packet.Data[8..40];
            ReadOnlySpan<byte> tcp = packet.Data[(four ? 20 : 40)..];
            Assert.Equal(0xFFFF, Sum([.. addresses, 0, 6, .. Bytes.U16(tcp.Length), .. tcp]));
            if (four)
            {
                Assert.Equal(0xFFFF, Sum(packet.Data[..20]));
            }
        }

        static int Sum(ReadOnlySpan<byte> bytes)
        {
            int sum = 0;
            for (int i = 0; i < bytes.Length; i++)
            {
                sum += bytes[i] << (i % 2 == 0 ? 8 : 0);
            }
            return (sum & 0xFFFF) + (sum >> 16);
        }
    }

    [Fact]
    public void A_snap_length_and_refusals()
    {
        MemoryStream stream = new();
        CaptureWriter writer = new(stream, LinkType.Null);
        writer.Write(5_000_000_001, [1, 2, 3], 99);
        Assert.Throws<ArgumentException>(() => writer.WriteTcp(A, B, default));
        CaptureWriter raw = new(new MemoryStream(), LinkType.Raw);
        Assert.Throws<ArgumentException>(() => raw.WriteTcp(A, B, new TcpSegment { TimestampNs = 0, Sequence = 0, Payload = new byte[65_496] }));
        raw.WriteTcp(A, B, new TcpSegment { TimestampNs = 0, Sequence = 0, Payload = new byte[65_495] });

        stream.Position = 0;
        using CaptureReader reader = CaptureReader.Open(stream, "w");
        Assert.True(reader.TryRead(out CapturedPacket packet));
        Assert.Equal((5_000_000_001, 99, 24), (packet.TimestampNs, packet.OriginalLength, packet.FileOffset));
        Assert.Equal(new byte[] { 1, 2, 3 }, packet.Data);
    }

    [Fact]
    public void Reading_and_decoding_allocate_nothing_per_packet()
    {
        byte[] file = Written(LinkType.Ethernet, 900);
        PacketDecoder decoder = new();
        AllocatedBy(900); // what the first use makes once
        long few = AllocatedBy(1);
        Assert.Equal(few, AllocatedBy(1));
        Assert.Equal(few, AllocatedBy(900));

        long AllocatedBy(int packets)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            using CaptureReader reader = CaptureReader.Open(new MemoryStream(file), "w");
            int tcp = 0;
            for (int i = 0; i < packets && reader.TryRead(out CapturedPacket packet); i++)
            {
                tcp += decoder.Decode(in packet, out _) == DecodeStatus.Tcp ? 1 : 0;
            }
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(packets, tcp);
            return allocated;
        }
    }

    [Fact]
    public void Reassembly_allocates_nothing_once_warm()
    {
        PacketDecoder decoder = new();
        byte[] first = Bytes.IPv4(6, Bytes.Tcp("01234567")[..24], fragment: 0x2000);
        byte[] second = Bytes.IPv4(6, Bytes.Tcp("01234567")[24..], fragment: 3);
        Run(2);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(100);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run(int times)
        {
            for (int i = 0; i < times; i++)
            {
                _ = decoder.Decode(new CapturedPacket { TimestampNs = i, LinkType = LinkType.Raw, Data = first, OriginalLength = 0 }, out _);
                if (decoder.Decode(new CapturedPacket { TimestampNs = i, LinkType = LinkType.Raw, Data = second, OriginalLength = 0 }, out _) != DecodeStatus.Tcp)
                {
                    throw new InvalidOperationException("not put together");
                }
            }
        }
    }
}
