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

/// <summary>Names of <see cref="DecodeStatus"/> in the ledger.</summary>
public static class DecodeStatusNames
{
    /// <summary>Why a packet gave no segment: all but <see cref="DecodeStatus.Tcp"/>.</summary>
    public static IReadOnlyList<(DecodeStatus Status, string Reason)> Reasons { get; } =
    [
        (DecodeStatus.Udp, "udp"),
        (DecodeStatus.OtherTransport, "other_transport"),
        (DecodeStatus.NotIp, "not_ip"),
        (DecodeStatus.Fragment, "fragment"),
        (DecodeStatus.Malformed, "malformed"),
        (DecodeStatus.Truncated, "truncated"),
        (DecodeStatus.UnknownLinkType, "unknown_link_type"),
    ];
}
