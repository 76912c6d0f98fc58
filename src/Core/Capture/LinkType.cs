namespace KubeBpfBox.Core.Capture;

/// <summary>What the first bytes of a captured packet are. Source: the LINKTYPE_ registry of tcpdump.org.</summary>
/// <remarks>Other values occur in files; they are carried as they are and decode as <see cref="DecodeStatus.UnknownLinkType"/>.</remarks>
public enum LinkType
{
    /// <summary>BSD loopback: an address family in the byte order of the capturing machine.</summary>
    Null = 0,

    /// <summary>Ethernet, from the destination address.</summary>
    Ethernet = 1,

    /// <summary>PPP, with or without address and control bytes.</summary>
    Ppp = 9,

    /// <summary>An IP packet (DLT_RAW of most systems, written to files by old programs).</summary>
    Raw12 = 12,

    /// <summary>An IP packet (DLT_RAW of OpenBSD).</summary>
    Raw14 = 14,

    /// <summary>An IP packet, the version in its first nibble.</summary>
    Raw = 101,

    /// <summary>OpenBSD loopback: an address family in network order.</summary>
    Loop = 108,

    /// <summary>Linux cooked capture, version 1.</summary>
    LinuxSll = 113,

    /// <summary>An IPv4 packet.</summary>
    IPv4 = 228,

    /// <summary>An IPv6 packet.</summary>
    IPv6 = 229,

    /// <summary>Linux cooked capture, version 2.</summary>
    LinuxSll2 = 276,
}
