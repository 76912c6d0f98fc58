using System.Buffers.Binary;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Core.Capture;

/// <summary>Writes a classic capture file: little-endian, nanoseconds. For recordings, tests and benchmarks.</summary>
/// <remarks>Errors: those of the stream. The stream is not disposed of.</remarks>
public sealed class CaptureWriter
{
    private const int SnapLength = 262144;
    private const int TcpHeaderBytes = 20;

    private readonly Stream _stream;
    private readonly LinkType _linkType;
    private readonly byte[] _scratch = new byte[16 + 14 + 40 + TcpHeaderBytes + 65535];
    private ushort _identification;

    /// <summary>Writes the file header.</summary>
    /// <param name="stream">Where to; hand in a buffered one.</param>
    /// <param name="linkType">How packets start. <see cref="WriteTcp"/> knows <see cref="LinkType.Ethernet"/> and <see cref="LinkType.Raw"/>.</param>
    public CaptureWriter(Stream stream, LinkType linkType)
    {
        _stream = stream;
        _linkType = linkType;
        Span<byte> header = stackalloc byte[PcapFormat.HeaderBytes];
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, PcapFormat.MagicNanoseconds);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], SnapLength);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], (uint)linkType);
        stream.Write(header);
    }

    /// <summary>Writes a packet.</summary>
    /// <param name="timestampNs">Nanoseconds since the Unix epoch, from 1970 to 2106.</param>
    /// <param name="data">What was captured.</param>
    /// <param name="originalLength">Bytes on the wire; by default all were captured.</param>
    public void Write(long timestampNs, ReadOnlySpan<byte> data, int originalLength = 0)
    {
        Span<byte> header = stackalloc byte[16];
        WriteRecordHeader(header, timestampNs, data.Length, Math.Max(originalLength, data.Length));
        _stream.Write(header);
        _stream.Write(data);
    }

    /// <summary>Writes a TCP segment with valid checksums.</summary>
    /// <exception cref="ArgumentException">The payload is too long for one IP packet, or the link type is not one that is built.</exception>
    public void WriteTcp(Endpoint source, Endpoint destination, in TcpSegment segment)
    {
        bool isIPv4 = source.IsIPv4 && destination.IsIPv4;
        int linkLength = _linkType switch
        {
            LinkType.Ethernet => 14,
            LinkType.Raw => 0,
            _ => throw new ArgumentException($"TCP packets are built for Ethernet and Raw, not {_linkType}"),
        };
        int ipLength = isIPv4 ? 20 : 40;
        int tcpLength = TcpHeaderBytes + segment.Payload.Length;
        if (tcpLength + ipLength > ushort.MaxValue)
        {
            throw new ArgumentException($"a payload of {segment.Payload.Length} bytes does not fit into an IP packet", nameof(segment));
        }
        int length = linkLength + ipLength + tcpLength;
        Span<byte> record = _scratch.AsSpan(0, 16 + length);
        record.Clear();
        WriteRecordHeader(record, segment.TimestampNs, length, length);
        Span<byte> packet = record[16..];
        if (linkLength != 0)
        {
            packet[5] = 2;
            packet[11] = 1;
            BinaryPrimitives.WriteUInt16BigEndian(packet[12..], (ushort)(isIPv4 ? 0x0800 : 0x86DD));
            packet = packet[linkLength..];
        }
        uint sum = isIPv4 ? WriteIPv4(packet, source, destination, tcpLength) : WriteIPv6(packet, source, destination, tcpLength);
        WriteTcpHeader(packet[ipLength..], source, destination, in segment, sum);
        _stream.Write(record);
    }

    private static void WriteRecordHeader(Span<byte> header, long timestampNs, int captured, int original)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)(timestampNs / 1_000_000_000));
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], (uint)(timestampNs % 1_000_000_000));
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], (uint)captured);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], (uint)original);
    }

    // Returns the sum of the pseudo header (RFC 9293 section 3.1).
    private uint WriteIPv4(Span<byte> ip, Endpoint source, Endpoint destination, int tcpLength)
    {
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(20 + tcpLength));
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], ++_identification);
        ip[6] = 0x40;
        ip[8] = 64;
        ip[9] = 6;
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], (uint)source.Low);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], (uint)destination.Low);
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum(Sum(ip[..20], 0)));
        return Sum(ip.Slice(12, 8), (uint)(6 + tcpLength));
    }

    private static uint WriteIPv6(Span<byte> ip, Endpoint source, Endpoint destination, int tcpLength)
    {
        ip[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)tcpLength);
        ip[6] = 6;
        ip[7] = 64;
        BinaryPrimitives.WriteUInt64BigEndian(ip[8..], source.High);
        BinaryPrimitives.WriteUInt64BigEndian(ip[16..], source.Low);
        BinaryPrimitives.WriteUInt64BigEndian(ip[24..], destination.High);
        BinaryPrimitives.WriteUInt64BigEndian(ip[32..], destination.Low);
        return Sum(ip.Slice(8, 32), (uint)(6 + tcpLength));
    }

    private static void WriteTcpHeader(Span<byte> tcp, Endpoint source, Endpoint destination, in TcpSegment segment, uint sum)
    {
        BinaryPrimitives.WriteUInt16BigEndian(tcp, source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[2..], destination.Port);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], segment.Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], segment.Acknowledgment);
        tcp[12] = TcpHeaderBytes / 4 << 4;
        tcp[13] = (byte)segment.Flags;
        tcp[14] = 0xFF;
        segment.Payload.CopyTo(tcp[TcpHeaderBytes..]);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], Checksum(Sum(tcp, sum)));
    }

    // RFC 1071.
    private static uint Sum(ReadOnlySpan<byte> bytes, uint sum)
    {
        for (int i = 0; i + 1 < bytes.Length; i += 2)
        {
            sum += Frame.U16(bytes, i);
        }
        return (bytes.Length & 1) != 0 ? sum + ((uint)bytes[^1] << 8) : sum;
    }

    private static ushort Checksum(uint sum)
    {
        while (sum >> 16 != 0)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        return (ushort)~sum;
    }
}
