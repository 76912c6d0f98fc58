namespace KubeBpfBox.Core.Capture;

/// <summary>What a packet turned out to be.</summary>
public enum DecodeStatus : byte
{
    /// <summary>A TCP segment.</summary>
    Tcp,

    /// <summary>A UDP datagram that carries no tunnel that is followed.</summary>
    Udp,

    /// <summary>IP with another transport, or a tunnel that is not followed.</summary>
    OtherTransport,

    /// <summary>Not IP: ARP, LLC and the like.</summary>
    NotIp,

    /// <summary>A fragment that was kept; its datagram comes with the fragment that completes it.</summary>
    Fragment,

    /// <summary>A header that contradicts itself or the packet's length.</summary>
    Malformed,

    /// <summary>The snap length cut off a header, or part of a fragment.</summary>
    Truncated,

    /// <summary>The capture's link type is not one that is read.</summary>
    UnknownLinkType,
}
