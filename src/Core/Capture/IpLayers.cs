using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Capture;

/// <summary>IPv4, IPv6 and what they name as their payload. Checksums are not verified: offloading leaves them empty in captures.</summary>
internal static class IpLayers
{
    private const int HopByHop = 0;
    private const int IPv4InIp = 4;
    private const int Tcp = 6;
    private const int Udp = 17;
    private const int IPv6InIp = 41;
    private const int Routing = 43;
    private const int FragmentHeader = 44;
    private const int Gre = 47;
    private const int Authentication = 51;
    private const int DestinationOptions = 60;
    private const int Mobility = 135;
    private const int MplsInIp = 137;

    /// <summary>Either version, by the first nibble.</summary>
    public static bool Ip(ref Frame frame) => frame.Data.IsEmpty
        ? frame.StopShort(1)
        : (frame.Data[0] >> 4) switch
        {
            4 => frame.Go(Layer.IPv4),
            6 => frame.Go(Layer.IPv6),
            _ => frame.Stop(DecodeStatus.NotIp),
        };

    /// <summary>RFC 791 section 3.1.</summary>
    public static bool IPv4(ref Frame frame, FragmentTable fragments)
    {
        ReadOnlySpan<byte> data = frame.Data;
        if (data.Length < 20)
        {
            return frame.StopShort(20);
        }
        int headerLength = (data[0] & 0x0F) * 4;
        int total = Frame.U16(data, 2);
        if (total == 0)
        {
            // A segmentation offload larger than the field can say (kernel: BIG TCP, or a driver that fills it in): the rest of the frame.
            total = frame.WireLength;
        }
        if (data[0] >> 4 != 4 || headerLength < 20 || total < headerLength)
        {
            return frame.Stop(DecodeStatus.Malformed);
        }
        frame.Limit(total);
        frame.Source = Endpoint.From(data.Slice(12, 4), 0);
        frame.Destination = Endpoint.From(data.Slice(16, 4), 0);
        int fragment = Frame.U16(data, 6);
        int protocol = data[9];
        if (!frame.TryTake(headerLength))
        {
            return false;
        }
        frame.Type = (ushort)protocol;
        bool isFragment = (fragment & 0x3FFF) != 0;
        return isFragment ? fragments.Add(ref frame, (uint)(Frame.U16(data, 4) | (protocol << 16)), (fragment & 0x1FFF) * 8, (fragment & 0x2000) != 0) : Protocol(ref frame, fragments);
    }

    /// <summary>RFC 8200 section 3.</summary>
    public static bool IPv6(ref Frame frame, FragmentTable fragments)
    {
        if (!frame.TryTake(40, out ReadOnlySpan<byte> header))
        {
            return false;
        }
        if (header[0] >> 4 != 6)
        {
            return frame.Stop(DecodeStatus.Malformed);
        }
        // Length 0 is a jumbogram (RFC 2675) or an offload's BIG TCP packet: the rest of the frame.
        if (Frame.U16(header, 4) is not 0 and ushort length)
        {
            frame.Limit(length);
        }
        frame.Source = Endpoint.From(header.Slice(8, 16), 0);
        frame.Destination = Endpoint.From(header.Slice(24, 16), 0);
        frame.Type = header[6];
        return Protocol(ref frame, fragments);
    }

    /// <summary>What a protocol number names; IPv6 extension headers (RFC 8200 section 4) are walked over.</summary>
    public static bool Protocol(ref Frame frame, FragmentTable fragments)
    {
        while (true)
        {
            switch (frame.Type)
            {
                case Tcp:
                    return frame.Go(Layer.Tcp);
                case Udp:
                    return frame.Go(Layer.Udp);
                case IPv4InIp:
                    return frame.Go(Layer.IPv4);
                case IPv6InIp:
                    return frame.Go(Layer.IPv6);
                case Gre:
                    return frame.Go(Layer.Gre);
                case MplsInIp:
                    return frame.Go(Layer.Mpls);
                case HopByHop or Routing or DestinationOptions or Authentication or Mobility:
                    if (!TrySkipExtension(ref frame))
                    {
                        return false;
                    }
                    break;
                case FragmentHeader:
                    return Fragment(ref frame, fragments);
                default:
                    return frame.Stop(DecodeStatus.OtherTransport);
            }
        }
    }

    private static bool TrySkipExtension(ref Frame frame)
    {
        ReadOnlySpan<byte> data = frame.Data;
        if (data.Length < 2)
        {
            return frame.StopShort(2);
        }
        // The length counts 8 bytes beyond the first 8; AH counts 4 bytes and leaves out two of them (RFC 4302 section 2.2).
        int length = frame.Type == Authentication ? (data[1] + 2) * 4 : (data[1] + 1) * 8;
        frame.Type = data[0];
        return frame.TryTake(length);
    }

    // Next header 1, reserved 1, offset 13 bits, reserved 2 bits, more 1 bit, identification 4 (RFC 8200 section 4.5).
    private static bool Fragment(ref Frame frame, FragmentTable fragments)
    {
        if (!frame.TryTake(8, out ReadOnlySpan<byte> header))
        {
            return false;
        }
        int offset = Frame.U16(header, 2) & 0xFFF8;
        bool more = (header[3] & 1) != 0;
        frame.Type = header[0];

        // An atomic fragment (RFC 6946) is a datagram of its own.
        return offset == 0 && !more ? frame.Go(Layer.IpProtocol) : fragments.Add(ref frame, Frame.U32(header, 4), offset, more);
    }
}
