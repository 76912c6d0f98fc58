using System.IO.Compression;
using KubeBpfBox.Core.Capture;
using static KubeBpfBox.Unit.Capture.Bytes;

namespace KubeBpfBox.Unit.Capture;

public sealed class CaptureReaderTests
{
    private static readonly byte[] One = Ascii("first");
    private static readonly byte[] Two = Ascii("second packet");

    private static (List<(long TimestampNs, LinkType Link, string Data, int Original, long Offset)> Packets, string? Truncation) ReadAll(byte[] file)
    {
        using CaptureReader reader = CaptureReader.Open(new MemoryStream(file), "t.pcap");
        List<(long, LinkType, string, int, long)> packets = [];
        while (reader.TryRead(out CapturedPacket packet))
        {
            packets.Add((packet.TimestampNs, packet.LinkType, System.Text.Encoding.Latin1.GetString(packet.Data), packet.OriginalLength, packet.FileOffset));
        }
        Assert.Equal(packets.Count, reader.PacketCount);
        Assert.False(reader.TryRead(out _));
        return (packets, reader.Truncation);
    }

    [Theory]
    [InlineData(0xA1B2C3D4, true, 5_000_007_000)]
    [InlineData(0xA1B2C3D4, false, 5_000_007_000)]
    [InlineData(0xA1B23C4D, true, 5_000_000_007)]
    [InlineData(0xA1B23C4D, false, 5_000_000_007)]
    public void Pcap_of_every_magic(uint magic, bool big, long firstNs)
    {
        byte[] file = Join(PcapHeader(magic, big, 0xF000_0065), PcapRecord(big, 5, 7, One), PcapRecord(big, uint.MaxValue, 0, Two, original: 1500));
        var (packets, truncation) = ReadAll(file);
        Assert.Null(truncation);
        Assert.Equal([(firstNs, LinkType.Raw, "first", 5, 24), (uint.MaxValue * 1_000_000_000L, LinkType.Raw, "second packet", 1500, 45)], packets);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Pcapng_with_all_blocks(bool big)
    {
        byte[] file = Join(
            Section(big),
            Block(big, 4, Ascii("name resolution.")),
            Interface(big, 1, 6),
            Interface(big, 113, 0, Option(big, 2, Ascii("eth0!")), Option(big, 9, [9]), Option(big, 14, big ? Hex("0000000000000064") : Hex("6400000000000000")), Option(big, 0, [])),
            Enhanced(big, 0, 1_700_000_000_000_001, One, 60),
            Block(big, 5, U32(0, big), Ascii("statistics..")),
            Enhanced(big, 1, 42, Two),
            Block(big, 3, U32(100, big), Ascii("simple packet...")),
            Block(big, 2, U16(1, big), U16(3, big), U32(0, big), U32(77, big), U32(3, big), U32(9, big), Pad(Ascii("old"))),
            Block(big, 0xBAD, Ascii("custom..")),
            Block(big, 10, Ascii("TLS secrets.")));
        var (packets, truncation) = ReadAll(file);
        Assert.Null(truncation);
        Assert.Equal(
            [(1_700_000_000_000_001_000, LinkType.Ethernet, "first", 60), (100_000_000_042, LinkType.LinuxSll, "second packet", 13), (100_000_000_042, LinkType.Ethernet, "simple", 100), (100_000_000_077, LinkType.LinuxSll, "old", 9)],
            packets.Select(p => (p.TimestampNs, p.Link, p.Data, p.Original)));
    }

    [Fact]
    public void Each_section_has_its_own_byte_order_and_interfaces()
    {
        byte[] file = Join(Section(true), Interface(true, 101), Enhanced(true, 0, 1, One), Section(false), Interface(false, 1), Enhanced(false, 0, 2, Two));
        var (packets, truncation) = ReadAll(file);
        Assert.Null(truncation);
        Assert.Equal([(1000, LinkType.Raw, "first"), (2000, LinkType.Ethernet, "second packet")], packets.Select(p => (p.TimestampNs, p.Link, p.Data)));

        (packets, truncation) = ReadAll(Join(Section(true), Interface(true, 101), Section(false), Enhanced(false, 0, 2, Two)));
        Assert.Empty(packets);
        Assert.Equal("t.pcap: damaged at byte 76: a packet of interface 0, which was not described before; the 0 packets before it were read", truncation);
    }

    [Theory]
    [InlineData(0, 3ul, 3_000_000_000)]
    [InlineData(3, 3ul, 3_000_000)]
    [InlineData(9, ulong.MaxValue, long.MaxValue)]
    [InlineData(6, ulong.MaxValue, long.MaxValue)]
    [InlineData(12, 1_234_567ul, 1_234)]
    [InlineData(28, ulong.MaxValue, 1)]
    [InlineData(29, ulong.MaxValue, 0)]
    [InlineData(127, ulong.MaxValue, 0)]
    [InlineData(0x80, 3ul, 3_000_000_000)]
    [InlineData(0x80 + 10, 1536ul, 1_500_000_000)]
    [InlineData(0x80 + 64, 1ul << 63, 500_000_000)]
    [InlineData(0xFF, ulong.MaxValue, 0)]
    public void Timestamp_resolutions(byte resolution, ulong ticks, long expectedNs)
    {
        byte[] file = Join(Section(false), Interface(false, 1, 0, Option(false, 9, [resolution])), Enhanced(false, 0, ticks, One));
        Assert.Equal(expectedNs, Assert.Single(ReadAll(file).Packets).TimestampNs);
    }

    [Fact]
    public void Negative_and_absurd_time_offsets()
    {
        byte[] minusOne = Option(false, 14, Hex("ffffffffffffffff"));
        Assert.Equal(1_000_000_000, Assert.Single(ReadAll(Join(Section(false), Interface(false, 1, 0, minusOne), Enhanced(false, 0, 2_000_000, One))).Packets).TimestampNs);
        byte[] least = Option(false, 14, Hex("0000000000000080"));
        Assert.Equal(long.MinValue, Assert.Single(ReadAll(Join(Section(false), Interface(false, 1, 0, least), Enhanced(false, 0, 2_000_000, One))).Packets).TimestampNs);
    }

    [Fact]
    public void Every_prefix_of_a_pcap_gives_its_whole_packets_and_the_place_of_the_cut()
    {
        byte[] file = Join(PcapHeader(0xA1B2C3D4, false, 1), PcapRecord(false, 1, 0, One), PcapRecord(false, 2, 0, Two));
        EveryPrefix(file, [24, 45, 74], "packet record");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_prefix_of_a_pcapng_gives_its_whole_packets_and_the_place_of_the_cut(bool big)
    {
        byte[] file = Join(Section(big), Interface(big, 1), Enhanced(big, 0, 1, One), Block(big, 99, Two), Section(big), Interface(big, 1), Enhanced(big, 0, 1, Two));
        EveryPrefix(file, [28, 48, 88, 116, 144, 164, 212], "");
    }

    private static void EveryPrefix(byte[] file, int[] boundaries, string record)
    {
        var whole = ReadAll(file);
        Assert.Null(whole.Truncation);
        Assert.Equal(file.Length, boundaries[^1]);
        for (int length = 0; length < file.Length; length++)
        {
            byte[] prefix = file[..length];
            if (length < boundaries[0])
            {
                CaptureFormatException e = Assert.Throws<CaptureFormatException>(() => ReadAll(prefix));
                Assert.StartsWith("t.pcap: ", e.Message, StringComparison.Ordinal);
                Assert.Contains(length == 0 ? "empty" : length < 4 ? $"only {length} bytes" : $"cut off at byte {length}, inside the ", e.Message, StringComparison.Ordinal);
                continue;
            }
            var (packets, truncation) = ReadAll(prefix);
            int start = boundaries.Last(boundary => boundary <= length);
            Assert.Equal(whole.Packets.Where(p => boundaries.First(b => b > p.Offset) <= length), packets);
            if (start == length)
            {
                Assert.Null(truncation);
                continue;
            }
            Assert.StartsWith($"t.pcap: cut off at byte {length}, inside the ", truncation, StringComparison.Ordinal);
            Assert.EndsWith($"{record} that starts at byte {start}; the {packets.Count} packets before it were read", truncation, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_is_no_capture_is_refused_with_its_first_bytes()
    {
        static string MessageOf(byte[] file) => Assert.Throws<CaptureFormatException>(() => CaptureReader.Open(new MemoryStream(file), "x.txt")).Message;

        Assert.Equal("x.txt: not a capture file: starts with 68 65 6c 6c at byte 0; pcap or pcapng expected (plain or gzip)", MessageOf(Ascii("hello")));
        Assert.Equal("x.txt: empty; pcap or pcapng expected (plain or gzip)", MessageOf([]));
        Assert.Equal("x.txt: pcap version 3.4 at byte 4; version 2 expected", MessageOf(PcapHeader(0xA1B2C3D4, true, 1, major: 3)));
        Assert.Equal("x.txt: damaged at byte 8: the section header has no byte-order magic", MessageOf(Block(true, 0x0A0D0D0A, new byte[16])));
        Assert.StartsWith("x.txt: cannot be read: ", MessageOf(Join(Hex("1f8b08"), new byte[40])), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_opened_is_refused_with_its_name()
    {
        string folder = Path.GetTempPath();
        Assert.Equal($"{folder}: is a folder; pcap or pcapng expected (plain or gzip)", Assert.Throws<CaptureFormatException>(() => CaptureReader.Open(folder)).Message);
        string missing = Path.Combine(folder, Guid.NewGuid().ToString());
        Assert.Equal($"{missing}: no such file", Assert.Throws<CaptureFormatException>(() => CaptureReader.Open(missing)).Message);
        Assert.Throws<CaptureFormatException>(() => CaptureReader.Open(""));
    }

    [Fact]
    public void Impossible_lengths_end_the_reading_at_their_offset()
    {
        byte[] good = Join(PcapHeader(0xA1B2C3D4, false, 1), PcapRecord(false, 1, 0, One));
        var (packets, truncation) = ReadAll(Join(good, PcapRecord(false, 1, 0, Two, captured: 0x7FFFFFFF)));
        Assert.Single(packets);
        Assert.Equal("t.pcap: damaged at byte 45: a packet record of 2147483647 bytes; at most 16777216 are possible; the 1 packets before it were read", truncation);

        byte[] block = Enhanced(false, 0, 1, One);
        block[^4]++;
        (packets, truncation) = ReadAll(Join(Section(false), Interface(false, 1), block));
        Assert.Empty(packets);
        Assert.Contains("damaged at byte 48: the block's two lengths, 40 and 41, differ", truncation, StringComparison.Ordinal);
    }

    [Fact]
    public void Compressed_files_are_read_and_their_damage_is_told()
    {
        byte[] file = Join([PcapHeader(0xA1B2C3D4, false, 1), .. Enumerable.Range(0, 1000).Select(i => PcapRecord(false, (uint)i, 0, Ascii($"packet {i * 7919}")))]);
        MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(file);
        }
        byte[] bytes = compressed.ToArray();
        Assert.Equal(ReadAll(file).Packets, ReadAll(bytes).Packets);

        var (packets, truncation) = ReadAll(bytes[..(bytes.Length / 2)]);
        Assert.InRange(packets.Count, 1, 999);
        Assert.NotNull(truncation);
    }

    [Fact]
    public void A_stream_that_gives_single_bytes_reads_the_same()
    {
        byte[] file = Join(Section(false), Interface(false, 1), Enhanced(false, 0, 1, new byte[100_000]), Block(false, 99, new byte[200_000]), Enhanced(false, 0, 2, Two));
        using CaptureReader reader = CaptureReader.Open(new Dribble(file), "d");
        Assert.True(reader.TryRead(out CapturedPacket packet));
        Assert.Equal(100_000, packet.Data.Length);
        Assert.True(reader.TryRead(out packet));
        Assert.Equal(Two, packet.Data);
        Assert.Equal(28 + 20 + 100_032 + 200_012, packet.FileOffset);
        Assert.False(reader.TryRead(out _));
        Assert.Null(reader.Truncation);
    }

    [Fact]
    public void Mutated_files_never_throw_while_reading()
    {
        byte[][] files =
        [
            Join(PcapHeader(0xA1B23C4D, true, 1), PcapRecord(true, 1, 0, One), PcapRecord(true, 2, 0, Two)),
            Join(Section(false), Interface(false, 1, 9, Option(false, 9, [9])), Enhanced(false, 0, 1, One), Block(false, 3, U32(9, false), Two), Block(false, 77, Two), Section(true), Interface(true, 1), Enhanced(true, 0, 1, Two)),
        ];
        Random random = new(20240229);
        int refused = 0;
        int ended = 0;
        int whole = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] file = [.. files[round & 1]];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                file[random.Next(file.Length)] = (byte)(random.Next(3) switch { 0 => 0xFF, 1 => 0, _ => random.Next(256) });
            }
            try
            {
                var (packets, truncation) = ReadAll(file);
                Assert.InRange(packets.Count, 0, 4);
                _ = truncation is null ? whole++ : ended++;
            }
            catch (CaptureFormatException)
            {
                refused++;
            }
        }
        Assert.True(refused > 1000 && ended > 1000 && whole > 1000, $"{refused} {ended} {whole}");
    }

    private sealed class Dribble(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(1, buffer.Length)]);
    }
}
