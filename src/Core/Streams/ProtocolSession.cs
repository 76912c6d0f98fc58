using System.Diagnostics.CodeAnalysis;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Streams;

/// <summary>One protocol's state for one connection: it is fed both directions in order and emits transactions.</summary>
/// <remarks>
/// Called by one thread. Errors: none; whatever the bytes, a session does not throw and its work and memory are bounded by the bytes it is
/// given. Lifetime: spans handed to a session are valid during the call only.
/// </remarks>
public abstract class ProtocolSession
{
    private ITransactionObserver? _observer;

    /// <summary>The connection served; valid between <see cref="Attach"/> and <see cref="Detach"/>.</summary>
    public Connection? Connection { get; private set; }

    /// <summary>
    /// True once nothing that follows on this connection concerns this protocol (after an upgrade or inside a tunnel). The engine then stops
    /// feeding it and asks the tap to stop capturing.
    /// </summary>
    public bool IsOpaque { get; protected set; }

    /// <summary>Binds the session to a connection and to whoever takes its transactions.</summary>
    [MemberNotNull(nameof(Connection))]
    public void Attach(Connection connection, ITransactionObserver observer)
    {
        Connection = connection;
        _observer = observer;
        IsOpaque = false;
    }

    /// <summary>Lets go of the connection.</summary>
    public void Detach()
    {
        Connection = null;
        _observer = null;
    }

    /// <summary>In-order bytes of one side: those not consumed so far, with what has come since.</summary>
    /// <returns>
    /// How many bytes, counted from data[0], are done with. Less than data.Length: the rest is presented again, with more behind it, at
    /// the next call (the engine keeps a copy). More than data.Length: the bytes up to there are not wanted (a body); they are not
    /// presented, the tap may not even copy them, and losing them is no gap. <see cref="long.MaxValue"/>: nothing more is wanted from this
    /// side until <see cref="OnEnd"/>. To learn when an unwanted run ended, leave its last byte out of it.
    /// </returns>
    public abstract long OnData(Side side, ReadOnlySpan<byte> data, in DataInfo info);

    /// <summary>
    /// <paramref name="bytes"/> bytes of this side were lost (not captured). Bytes presented before and not consumed are dropped: the next
    /// data starts behind the gap, at <see cref="DataInfo.Offset"/>.
    /// </summary>
    public abstract void OnGap(Side side, long bytes, in DataInfo info);

    /// <summary>
    /// Like <see cref="OnGap"/>, but the bytes did pass, at <see cref="DataInfo.TimestampNs"/>: they were only not copied, because the packet was
    /// longer than the capture length. Where just their number matters (in a body) nothing is lost.
    /// </summary>
    public virtual void OnNotCaptured(Side side, long bytes, in DataInfo info) => OnGap(side, bytes, in info);

    /// <summary>This side sends no more (FIN). Bytes not consumed are dropped; <see cref="DataInfo.Offset"/> is the stream's length.</summary>
    public abstract void OnEnd(Side side, in DataInfo info);

    /// <summary>The connection is over: emit what is pending. No call follows but <see cref="Reset"/>.</summary>
    public abstract void OnClose(EndReason reason, long timestampNs);

    /// <summary>Time passes: called about once a second for every connection, to report requests that waited too long.</summary>
    public abstract void OnTick(long nowNs);

    /// <summary>Back to the state of a new session, keeping buffers of ordinary size.</summary>
    public abstract void Reset();

    /// <summary>Hands a finished transaction on. Its spans are read before this returns.</summary>
    protected void Emit(in Transaction transaction) => _observer?.OnTransaction(in transaction);
}
