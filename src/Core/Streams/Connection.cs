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

    /// <summary>True when the connection was seen on a local socket, so that a role can be told.</summary>
    public bool IsLocalSocket { get; internal set; }

    /// <summary>True when the connection's start was seen: offset 0 is the very first byte of each side.</summary>
    public bool FromStart { get; internal set; }

    /// <summary>True once bytes that a protocol wanted were missed: lost on the way, not copied, or given up for lack of room.</summary>
    public bool HasLost { get; internal set; }

    /// <summary>Who owns the local socket; <see cref="Workload.Unknown"/> for a capture.</summary>
    public Workload Workload { get; set; } = Workload.Unknown;

    /// <summary>The end that a side names.</summary>
    public Endpoint EndOf(Side side) => side == Side.A ? A : B;

    /// <summary>"client" or "server": what the local socket is when <paramref name="clientSide"/> asked; null for a capture.</summary>
    public string? RoleOf(Side clientSide) => !IsLocalSocket ? null : clientSide == Side.A ? "client" : "server";

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
        new() { A = a, B = b, FromStart = fromStart, IsLocalSocket = isLocalSocket };
}
