using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Streams;

/// <summary>One TCP connection as seen at one place. Reused for another connection after its end.</summary>
/// <remarks>Owned by the stream engine's thread.</remarks>
public sealed class Connection
{
    /// <summary>Identifies the connection at its source: the socket cookie, or a running number in a capture.</summary>
    public ulong Id { get; internal set; }

    /// <summary>The local end of a socket, or the opener of a captured connection.</summary>
    public Endpoint A { get; internal set; }

    /// <summary>The other end.</summary>
    public Endpoint B { get; internal set; }

    /// <summary>The end at which it was seen, and whose role can be told: A for a local socket; null for a capture.</summary>
    public Side? ObservedAt { get; set; }

    /// <summary>True when the connection's start was seen: offset 0 is the very first byte of each side.</summary>
    public bool FromStart { get; internal set; }

    /// <summary>True once bytes that a protocol wanted were missed: lost on the way, not copied, or given up for lack of room.</summary>
    public bool HasLost { get; internal set; }

    /// <summary>Inode of the network namespace of a local socket; 0 when not known.</summary>
    public uint NetworkNamespace { get; set; }

    /// <summary>
    /// Sequence number of the opener's first byte, when the handshake of a local socket told it; both ends have the same, whatever addresses
    /// are translated between them. 0 when not known.
    /// </summary>
    public uint OpenerSequence { get; set; }

    /// <summary>Which side opened it; meaningful with <see cref="OpenerSequence"/>.</summary>
    public Side OpenedBy { get; set; }

    /// <summary>Who is at the end where it was seen; <see cref="Workload.Unknown"/> for a capture.</summary>
    public Workload Workload { get; set; } = Workload.Unknown;

    /// <summary>Who is at the other end.</summary>
    public Workload Peer { get; set; } = Workload.Unknown;

    /// <summary><see cref="IWorkloadResolver.Generation"/> of when both were last asked for.</summary>
    public int NamedGeneration { get; set; }

    /// <summary>How often <see cref="Peer"/> was asked for since.</summary>
    public int PeerTries { get; set; }

    /// <summary>The end that a side names.</summary>
    public Endpoint EndOf(Side side) => side == Side.A ? A : B;

    /// <summary>"client" or "server": what the observed end is when <paramref name="clientSide"/> asked; null for a capture.</summary>
    public string? RoleOf(Side clientSide) => ObservedAt is not { } observed ? null : clientSide == observed ? "client" : "server";

    /// <summary>Who is at a side; null when nobody looked.</summary>
    public Workload? WorkloadOf(Side side) => ObservedAt is not { } observed ? null : side == observed ? Workload : Peer;

    /// <summary>Packets of side A were seen on their way out, before they could be lost.</summary>
    internal bool IsLocalSocket { get; set; }

    internal SideStream StreamA { get; } = new();

    internal SideStream StreamB { get; } = new();

    /// <summary>What parses this connection; null until the protocol is known.</summary>
    internal ProtocolSession? Session { get; set; }

    /// <summary>Who made <see cref="Session"/> and takes it back.</summary>
    internal IProtocol? Protocol { get; set; }

    /// <summary>Segments looked at without recognising a protocol.</summary>
    internal int Unrecognised { get; set; }

    internal bool IsOpen { get; set; }

    /// <summary>The local process closed the socket: the other side's bytes are read by nobody.</summary>
    internal bool IsReleased { get; set; }

    internal long LastSeenNs { get; set; }

    /// <summary><see cref="LastSeenNs"/> when it took its place among the others.</summary>
    internal long LinkedNs { get; set; }

    internal Connection? Older { get; set; }

    internal Connection? Newer { get; set; }

    internal SideStream StreamOf(Side side) => side == Side.A ? StreamA : StreamB;

    /// <summary>Makes a connection for tests and tools; the engine makes its own.</summary>
    public static Connection Create(Endpoint a, Endpoint b, bool fromStart = true, bool isLocalSocket = false) =>
        new() { A = a, B = b, FromStart = fromStart, IsLocalSocket = isLocalSocket, ObservedAt = isLocalSocket ? Side.A : null };
}
