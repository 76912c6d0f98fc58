namespace KubeBpfBox.Core.Streams;

/// <summary>
/// Which end of a connection sent the bytes. For a socket tap A is the local end (A's bytes are egress, B's are ingress); for a
/// capture A is the end that opened the connection, or the one seen first.
/// </summary>
public enum Side : byte
{
    /// <summary>Local end, or the opener.</summary>
    A = 0,

    /// <summary>The other end.</summary>
    B = 1,
}

/// <summary>Helpers for <see cref="Side"/>.</summary>
public static class SideExtensions
{
    /// <summary>The opposite side.</summary>
    public static Side Other(this Side side) => (Side)((byte)side ^ 1);
}

/// <summary>Why a connection, or one direction of it, is over.</summary>
public enum EndReason : byte
{
    /// <summary>FIN: this direction was closed in order.</summary>
    Finished,

    /// <summary>RST: the connection was aborted.</summary>
    Reset,

    /// <summary>No packet for the idle time; the connection may live on unseen.</summary>
    Idle,

    /// <summary>A new connection took the same four-tuple.</summary>
    Reused,

    /// <summary>The agent forgot the connection to stay within its budget.</summary>
    Evicted,

    /// <summary>The capture or the agent ended.</summary>
    CaptureEnded,
}
