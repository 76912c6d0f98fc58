using System.Buffers.Binary;

namespace KubeBpfBox.Core.Capture;

/// <summary>Everything below IP. Each method takes one header off a <see cref="Frame"/>.</summary>
internal static class LinkLayers
{
    /// <summary>What a file's link type starts with.</summary>
    public static bool TryFirst(LinkType linkType, out Layer layer)
    {
        layer = linkType switch
        {
            LinkType.Ethernet => Layer.Ethernet,
            LinkType.Null or LinkType.Loop => Layer.Null,
            LinkType.Raw or LinkType.Raw12 or LinkType.Raw14 or LinkType.IPv4 or LinkType.IPv6 => Layer.Ip,
            LinkType.LinuxSll => Layer.LinuxSll,
            LinkType.LinuxSll2 => Layer.LinuxSll2,
            LinkType.Ppp => Layer.Ppp,
            _ => Layer.Tcp,
        };
        return layer != Layer.Tcp;
    }

    /// <summary>Destination 6, source 6, type or length 2 (IEEE 802.3 section 3.2.6: up to 1500 it is a length).</summary>
    public static bool Ethernet(ref Frame frame)
    {
        if (!frame.TryTake(14, out ReadOnlySpan<byte> header))
        {
            return false;
        }
        int type = Frame.U16(header, 12);
        if (type > 1500)
        {
            return frame.Go(Layer.EtherType, type);
        }
        frame.Limit(type);
        return frame.Go(Layer.Llc);
    }

    /// <summary>What an EtherType names; tags (IEEE 802.1Q: control 2, type 2) are taken off, however many.</summary>
    public static bool EtherType(ref Frame frame)
    {
        while (true)
        {
            switch (frame.Type)
            {
                case 0x0800:
                    return frame.Go(Layer.IPv4);
                case 0x86DD:
                    return frame.Go(Layer.IPv6);
                case 0x8847 or 0x8848:
                    return frame.Go(Layer.Mpls);
                case 0x8864:
                    return frame.Go(Layer.PppoeSession);
                case 0x6558:
                    return frame.Go(Layer.Ethernet);
                case 0x8100 or 0x88A8 or 0x9100 or 0x9200 or 0x9300:
                    if (!frame.TryTake(4, out ReadOnlySpan<byte> tag))
                    {
                        return false;
                    }
                    frame.Type = Frame.U16(tag, 2);
                    if (frame.Type <= 1500)
                    {
                        return frame.Go(Layer.Llc);
                    }
                    break;
                default:
                    return frame.Stop(DecodeStatus.NotIp);
            }
        }
    }

    /// <summary>IEEE 802.2 with a SNAP header (RFC 1042) that names an EtherType; nothing else over LLC carries IP.</summary>
    public static bool Llc(ref Frame frame)
    {
        ReadOnlySpan<byte> data = frame.Data;
        if (data.Length >= 3 && data is not [0xAA, 0xAA, 0x03, ..])
        {
            return frame.Stop(DecodeStatus.NotIp);
        }
        if (!frame.TryTake(8))
        {
            return false;
        }
        // An organisation other than 0 has types of its own.
        return data is [_, _, _, 0, 0, 0, ..] ? frame.Go(Layer.EtherType, Frame.U16(data, 6)) : frame.Stop(DecodeStatus.NotIp);
    }

    /// <summary>Labels of 4 bytes, the last with the bottom-of-stack bit (RFC 3032 section 2.1). What follows is guessed from its first nibble.</summary>
    public static bool Mpls(ref Frame frame)
    {
        ReadOnlySpan<byte> label;
        do
        {
            if (!frame.TryTake(4, out label))
            {
                return false;
            }
        }
        while ((label[2] & 1) == 0);
        if (frame.Data.IsEmpty)
        {
            return frame.StopShort(1);
        }
        // RFC 4385 section 3: nibble 0 is a pseudowire's control word; a pseudowire without one starts with an Ethernet address.
        return (frame.Data[0] >> 4) switch
        {
            4 or 6 => frame.Go(Layer.Ip),
            0 => frame.TryTake(4) && frame.Go(Layer.Ethernet),
            _ => frame.Go(Layer.Ethernet),
        };
    }

    /// <summary>Version and type 1, code 1, session 2, length 2 (RFC 2516 section 4).</summary>
    public static bool PppoeSession(ref Frame frame)
    {
        if (!frame.TryTake(6, out ReadOnlySpan<byte> header))
        {
            return false;
        }
        if (header[0] != 0x11 || header[1] != 0)
        {
            return frame.Stop(DecodeStatus.Malformed);
        }
        frame.Limit(Frame.U16(header, 4));
        return frame.Go(Layer.Ppp);
    }

    /// <summary>Address and control (RFC 1662 section 3.1; may be left out), then a protocol of 1 or 2 bytes (RFC 1661 section 6.5).</summary>
    public static bool Ppp(ref Frame frame)
    {
        // No protocol number starts with 0xFF, so that it can only be the address.
        if (frame.Data is [0xFF, ..] && !frame.TryTake(2))
        {
            return false;
        }
        if (frame.Data.IsEmpty)
        {
            return frame.StopShort(1);
        }
        int protocol = frame.Data[0];
        bool compressed = (protocol & 1) != 0;
        if (!frame.TryTake(compressed ? 1 : 2, out ReadOnlySpan<byte> header))
        {
            return false;
        }
        return (compressed ? protocol : Frame.U16(header, 0)) switch
        {
            0x0021 => frame.Go(Layer.IPv4),
            0x0057 => frame.Go(Layer.IPv6),
            0x0281 or 0x0283 => frame.Go(Layer.Mpls),
            _ => frame.Stop(DecodeStatus.NotIp),
        };
    }

    /// <summary>An address family in network order (Loop) or that of the capturing machine (Null): the small reading is right.</summary>
    public static bool Null(ref Frame frame)
    {
        if (!frame.TryTake(4, out ReadOnlySpan<byte> header))
        {
            return false;
        }
        uint family = Frame.U32(header, 0);
        return OfFamily(ref frame, family > 0xFFFF ? BinaryPrimitives.ReverseEndianness(family) : family);
    }

    /// <summary>Packet type 2, device type 2, address length 2, address 8, protocol 2.</summary>
    public static bool LinuxSll(ref Frame frame) =>
        frame.TryTake(16, out ReadOnlySpan<byte> header) && OfCooked(ref frame, Frame.U16(header, 2), Frame.U16(header, 14));

    /// <summary>Protocol 2, reserved 2, interface 4, device type 2, packet type 1, address length 1, address 8.</summary>
    public static bool LinuxSll2(ref Frame frame) =>
        frame.TryTake(20, out ReadOnlySpan<byte> header) && OfCooked(ref frame, Frame.U16(header, 8), Frame.U16(header, 0));

    private static bool OfCooked(ref Frame frame, int deviceType, int protocol)
    {
        // Device type 824 is netlink: its protocol field is a netlink family. Protocol 4 is LLC without a type.
        return deviceType == 824 ? frame.Stop(DecodeStatus.NotIp) : protocol == 4 ? frame.Go(Layer.Llc) : frame.Go(Layer.EtherType, protocol);
    }

    private static bool OfFamily(ref Frame frame, uint family) => family switch
    {
        2 => frame.Go(Layer.IPv4),

        // AF_INET6 of Linux, of NetBSD and OpenBSD, of FreeBSD, of Darwin.
        10 or 24 or 28 or 30 => frame.Go(Layer.IPv6),
        _ => frame.Stop(DecodeStatus.NotIp),
    };
}
