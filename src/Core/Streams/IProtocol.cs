namespace KubeBpfBox.Core.Streams;

/// <summary>What the first bytes of a direction say about the protocol spoken.</summary>
public enum Detection : byte
{
    /// <summary>Cannot be this protocol.</summary>
    No,

    /// <summary>Nothing speaks against it yet; ask again with more bytes.</summary>
    NeedMoreData,

    /// <summary>It is this protocol.</summary>
    Yes,
}

/// <summary>An application protocol: recognises itself in bytes and makes sessions. One instance serves all connections.</summary>
public interface IProtocol
{
    /// <summary>The folder's name: configuration key and metric prefix, such as "http1".</summary>
    string Id { get; }

    /// <summary>Judges the bytes at the start of a message of either direction.</summary>
    /// <remarks>
    /// Total and side-effect free: any input gives a verdict. The bytes start at the start of the connection, or at the start of some
    /// segment when the capture joined late. Must answer Yes or No once 256 bytes are there.
    /// </remarks>
    Detection Detect(ReadOnlySpan<byte> data);

    /// <summary>Makes the state for one connection, or takes it from a pool of returned ones.</summary>
    ProtocolSession Rent();

    /// <summary>Takes back a session that no connection uses any more. The protocol resets it.</summary>
    void Return(ProtocolSession session);
}
