using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Core.Capture;

/// <summary>TCP, UDP and the tunnels over IP and UDP.</summary>
internal static class TransportLayers
{
    private const int VxlanPort = 4789;
    private const int LinuxVxlanPort = 8472;
    private const int GenevePort = 6081;
    private const int GtpPort = 2152;

    /// <summary>RFC 9293 section 3.1. Options that the snap length cut off do not matter.</summary>
    public static DecodeStatus ViewTcp(scoped in Frame frame, out TcpSegmentView view)
    {
        view = default;
        ReadOnlySpan<byte> data = frame.Data;
        if (data.Length < 20)
        {
            return frame.ShortStatus(20);
        }
        int headerLength = (data[12] >> 4) * 4;
        if (headerLength < 20 || headerLength > frame.WireLength)
        {
            return DecodeStatus.Malformed;
        }
        view = new TcpSegmentView
        {
            Source = frame.Source with { Port = Frame.U16(data, 0) },
            Destination = frame.Destination with { Port = Frame.U16(data, 2) },
            Segment = new TcpSegment
            {
                TimestampNs = frame.TimestampNs,
                Sequence = Frame.U32(data, 4),
                Acknowledgment = Frame.U32(data, 8),
                Flags = (TcpFlags)data[13],
                PayloadLength = frame.WireLength - headerLength,
                Payload = data[Math.Min(headerLength, data.Length)..],
            },
        };
        return DecodeStatus.Tcp;
    }

    /// <summary>RFC 768: source 2, destination 2, length 2, checksum 2. Goes on when the datagram is a tunnel's.</summary>
    public static bool Udp(ref Frame frame)
    {
        if (!frame.TryTake(8, out ReadOnlySpan<byte> header))
        {
            return false;
        }
        // Length 0 is an offloaded or jumbo datagram (RFC 2675 section 4).
        int length = Frame.U16(header, 4);
        if (length is > 0 and < 8)
        {
            return frame.Stop(DecodeStatus.Malformed);
        }
        if (length != 0)
        {
            frame.Limit(length - 8);
        }
        int port = Frame.U16(header, 2);
        bool tunnel = port switch
        {
            VxlanPort or LinuxVxlanPort => Vxlan(ref frame),
            GenevePort => Geneve(ref frame),
            GtpPort => Gtp(ref frame),
            _ => false,
        };
        if (tunnel)
        {
            return true;
        }
        frame.Source = frame.Source with { Port = Frame.U16(header, 0) };
        frame.Destination = frame.Destination with { Port = (ushort)port };
        return frame.Stop(DecodeStatus.Udp);
    }

    /// <summary>A datagram whose header was taken off.</summary>
    public static DecodeStatus ViewUdp(scoped in Frame frame, out TcpSegmentView view)
    {
        view = new TcpSegmentView
        {
            Source = frame.Source,
            Destination = frame.Destination,
            Segment = new TcpSegment { TimestampNs = frame.TimestampNs, Sequence = 0, PayloadLength = frame.WireLength, Payload = frame.Data },
        };
        return DecodeStatus.Udp;
    }

    /// <summary>
    /// RFC 2784, RFC 2890: flags and version 2, type 2, then checksum 4, key 4, sequence 4 as the flags say. ERSPAN (type 0x88BE) of
    /// type I has no header of its own, of type II 8 bytes; of type III (0x22EB) 12, and 8 more when its last bit is set.
    /// </summary>
    public static bool Gre(ref Frame frame)
    {
        if (!frame.TryTake(4, out ReadOnlySpan<byte> header))
        {
            return false;
        }
        int flags = Frame.U16(header, 0);
        int type = Frame.U16(header, 2);
        if ((flags & 0x4007) != 0)
        {
            // Routing (RFC 1701) is obsolete; version 1 is PPTP's.
            return frame.Stop(DecodeStatus.OtherTransport);
        }
        bool sequenced = (flags & 0x1000) != 0;
        int optional = ((flags & 0x8000) != 0 ? 4 : 0) + ((flags & 0x2000) != 0 ? 4 : 0) + (sequenced ? 4 : 0);
        if (!frame.TryTake(optional))
        {
            return false;
        }
        switch (type)
        {
            case 0x88BE:
                return frame.TryTake(sequenced ? 8 : 0) && frame.Go(Layer.Ethernet);
            case 0x22EB:
                return frame.TryTake(12, out ReadOnlySpan<byte> third) && frame.TryTake((third[11] & 1) * 8) && frame.Go(Layer.Ethernet);
            default:
                return frame.Go(Layer.EtherType, type);
        }
    }

    // RFC 7348 section 5: flags 1 with the I bit, reserved 3, network identifier 3, reserved 1.
    private static bool Vxlan(ref Frame frame) =>
        frame.Data.Length >= 8 && (frame.Data[0] & 0x08) != 0 && frame.TryTake(8) && frame.Go(Layer.Ethernet);

    // RFC 8926 section 3.4: version 2 bits and options' length 6 bits in units of 4, flags 1, type 2, network identifier 3, reserved 1.
    private static bool Geneve(ref Frame frame)
    {
        ReadOnlySpan<byte> data = frame.Data;
        if (data.Length < 8 || data[0] >> 6 != 0)
        {
            return false;
        }
        int length = 8 + ((data[0] & 0x3F) * 4);
        return data.Length >= length && frame.TryTake(length) && frame.Go(Layer.EtherType, Frame.U16(data, 2));
    }

    // 3GPP TS 29.281 section 5.1: version 1 and protocol type 1, type 255 (G-PDU), length 2, tunnel 4; any of the E, S, PN bits adds 4.
    private static bool Gtp(ref Frame frame)
    {
        ReadOnlySpan<byte> data = frame.Data;
        if (data.Length < 8 || (data[0] & 0xF0) != 0x30 || data[1] != 0xFF)
        {
            return false;
        }
        int length = 8;
        if ((data[0] & 7) != 0)
        {
            length = 12;
            int next = data.Length >= 12 && (data[0] & 4) != 0 ? data[11] : 0;
            while (next != 0 && length < data.Length && data[length] != 0)
            {
                length += data[length] * 4;
                next = length <= data.Length ? data[length - 1] : 0;
            }
        }
        if (data.Length <= length)
        {
            return false;
        }
        // The length counts from behind the first 8 bytes.
        frame.Limit(Math.Max(length, 8 + Frame.U16(data, 2)));
        return frame.TryTake(length) && frame.Go(Layer.Ip);
    }
}
