using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Streams;

/// <summary>
/// Puts the segments of each connection in order, recognises the protocol and feeds its session; every byte that does not reach a
/// session is accounted for by reason.
/// </summary>
/// <remarks>
/// One thread only. Whoever feeds segments keeps the table from its own key to <see cref="Connection"/> and drops the entry when
/// <see cref="Closed"/> is called. Memory: bounded by <see cref="StreamOptions"/>, whatever the traffic.
/// </remarks>
public sealed partial class StreamEngine
{
    private const int MaxFreeConnections = 4096;
    private const int MaxPendingBytes = BufferPool.MaxBufferBytes;
    private const int MaxUnrecognisedFromStart = 8;
    private const int ProbeAfterUnrecognised = 8;
    private const int IgnoreAfterUnrecognised = 72;
    private const int WorthTellingBytes = 4096;
    // The list of connections is put in order when it is asked for, to this precision: moving links for each segment would cost more.
    private const long OrderSlackNs = 100_000_000;
    private const long ReleasedTimeoutNs = 10_000_000_000;
    private const long FarthestSkipBytes = 1L << 30;

    private readonly StreamOptions _options;
    private readonly IReadOnlyList<IProtocol> _protocols;
    private readonly ITransactionObserver _observer;
    private readonly ITapControl? _tap;
    private readonly BufferPool _buffers;
    private readonly Stack<Connection> _free = new();
    private readonly StreamLedger _ledger;
    private Connection? _oldest;
    private Connection? _newest;
    private long _heldBytes;

    /// <summary>Makes an engine.</summary>
    /// <param name="options">Limits.</param>
    /// <param name="protocols">In the order in which they are asked.</param>
    /// <param name="observer">Takes the transactions.</param>
    /// <param name="tap">Takes hints; null for a capture.</param>
    /// <param name="ledger">Gets the stage "stream".</param>
    public StreamEngine(StreamOptions options, IReadOnlyList<IProtocol> protocols, ITransactionObserver observer, ITapControl? tap, Ledger ledger)
    {
        _options = options;
        _protocols = protocols;
        _observer = observer;
        _tap = tap;
        _buffers = new BufferPool(options.MaxBytes);
        _ledger = new StreamLedger(ledger, () => _heldBytes);
    }

    /// <summary>Called when a connection was forgotten, and why; the object is reused afterwards.</summary>
    public Action<Connection, EndReason>? Closed { get; set; }

    /// <summary>Connections remembered now.</summary>
    public int ConnectionCount { get; private set; }

    /// <summary>Bytes rented for streams now.</summary>
    public long BufferedBytes => _buffers.BytesRented;

    /// <summary>Bytes that never reached the engine, found by their sequence numbers, and bytes of unfinished messages that there was no room to keep.</summary>
    public Counter LostBytes => _ledger.LostBytes;

    /// <summary>Runs of lost bytes.</summary>
    public Counter Gaps => _ledger.Gaps;

    /// <summary>Connections forgotten to stay within <see cref="StreamOptions.MaxConnections"/>.</summary>
    public Counter Evicted => _ledger.Evicted;

    /// <summary>Takes one segment of a connection.</summary>
    public void OnSegment(Connection connection, Side side, in TcpSegment segment)
    {
        connection.LastSeenNs = segment.TimestampNs;
        _ledger.Stage.In.Add(segment.PayloadLength);
        SideStream stream = connection.StreamOf(side);
        uint first = segment.Sequence;
        if ((segment.Flags & TcpFlags.Syn) != 0)
        {
            first = unchecked(first + 1);
            Start(stream, first);
        }
        else if (!stream.Started)
        {
            Start(stream, first);
        }
        long offset = stream.OffsetOf(first);
        bool isWaiting = connection.StreamA.HasEarly || connection.StreamB.HasEarly;
        if (isWaiting)
        {
            StopWaiting(connection, side, offset, segment.TimestampNs);
        }
        long peerOffset = connection.IsOpen ? Acknowledge(connection, side, stream, segment) : -1;
        if (!connection.IsOpen)
        {
            // What was waited for, or given up, ended it.
            _ledger.ConnectionOver.Add(segment.PayloadLength);
            return;
        }
        if (segment.PayloadLength > 0)
        {
            Accept(connection, side, stream, new Run(offset, segment.PayloadLength, segment.Payload, segment.TimestampNs, peerOffset));
            if (!connection.IsOpen)
            {
                return;
            }
        }
        if ((segment.Flags & TcpFlags.Rst) != 0)
        {
            Close(connection, EndReason.Reset, segment.TimestampNs);
            return;
        }
        if ((segment.Flags & TcpFlags.Fin) != 0 && stream.EndOffset < 0)
        {
            stream.EndOffset = offset + segment.PayloadLength;
        }
        if (stream.EndOffset >= 0)
        {
            EndIfComplete(connection, side, stream, segment.TimestampNs, peerOffset);
        }
        if (isWaiting && connection.IsOpen)
        {
            TakeWaiting(connection, segment.TimestampNs);
        }
    }

    /// <summary>Fixes where a side's stream starts before its first segment is seen, when the source knows it.</summary>
    public static void StartAt(Connection connection, Side side, uint sequence)
    {
        SideStream stream = connection.StreamOf(side);
        if (!stream.Started)
        {
            Start(stream, sequence);
        }
    }

    private static void Start(SideStream stream, uint sequence)
    {
        if (!stream.Started || stream.Next == 0)
        {
            stream.Started = true;
            stream.Base = sequence;
        }
    }

    /// <summary>What this segment says its sender has of the other side. Missing bytes that the receiver has are lost to us, not late.</summary>
    private long Acknowledge(Connection connection, Side side, SideStream stream, in TcpSegment segment)
    {
        if ((segment.Flags & TcpFlags.Ack) == 0)
        {
            return -1;
        }
        SideStream peer = connection.StreamOf(side.Other());
        if (!peer.Started)
        {
            return -1;
        }
        long acknowledged = peer.OffsetOf(segment.Acknowledgment);
        if (segment.PayloadLength > 0 && peer.HasEarly && acknowledged > peer.Next && peer.Early![0].Offset > peer.Next
            && !MustWait(connection, side, stream, acknowledged))
        {
            GiveUpHoles(connection, side.Other(), peer, acknowledged, segment.TimestampNs);
        }
        return acknowledged;
    }

    /// <summary>A run of bytes on its way to a session.</summary>
    private readonly ref struct Run(long offset, int length, ReadOnlySpan<byte> captured, long timestampNs, long peerOffset)
    {
        public long Offset { get; } = offset;
        public int Length { get; } = length;
        public ReadOnlySpan<byte> Captured { get; } = captured.Length > length ? captured[..length] : captured;
        public long TimestampNs { get; } = timestampNs;
        public long PeerOffset { get; } = peerOffset;
        public long End => Offset + Length;

        /// <summary>The run without its first bytes.</summary>
        public Run From(int count) => new(Offset + count, Length - count, Captured.Length > count ? Captured[count..] : default, TimestampNs, PeerOffset);
    }

    private void Accept(Connection connection, Side side, SideStream stream, Run run)
    {
        if (run.Offset < stream.Next)
        {
            // RFC 9293 section 3.10.7.4: what was received first stays; a retransmission may bring new bytes behind old ones.
            int known = (int)Math.Min(stream.Next - run.Offset, run.Length);
            _ledger.Duplicate.Add(known);
            if (known == run.Length)
            {
                return;
            }
            run = run.From(known);
        }
        if (run.Offset > stream.Next && run.Offset > stream.SkipUntil)
        {
            // A local socket's own packets leave in order, so bytes missing there were missed by the tap and will not come.
            if (!(connection.IsLocalSocket && side == Side.A))
            {
                KeepEarly(connection, side, stream, run);
                return;
            }
            Gap(connection, side, stream, run.Offset, run.TimestampNs, run.PeerOffset);
        }
        else if (MustWait(connection, side, stream, run.PeerOffset))
        {
            KeepEarly(connection, side, stream, run);
            return;
        }
        Take(connection, side, stream, run);
        if (stream.HasEarly)
        {
            TakeEarly(connection, side, stream);
        }
    }

    /// <summary>Takes a run that continues the stream (or starts inside or at the end of an unwanted stretch).</summary>
    private void Take(Connection connection, Side side, SideStream stream, Run run)
    {
        if (run.Offset > stream.Next)
        {
            Advance(stream, run.Offset);
        }
        int captured = run.Captured.Length;
        Deliver(connection, side, stream, run.Captured, run.TimestampNs, run.PeerOffset);
        int rest = run.Length - captured;
        if (rest == 0)
        {
            return;
        }
        if (!connection.IsOpen)
        {
            _ledger.NotWanted.Add(rest);
            return;
        }
        // The tail was on the wire but not copied: harmless when nobody wants it.
        long unwanted = Math.Clamp(stream.SkipUntil - stream.Next, 0, rest);
        _ledger.NotWanted.Add(unwanted);
        _ledger.NotCaptured.Add(rest - unwanted);
        Advance(stream, Math.Min(run.End, stream.SkipUntil));
        if (rest > unwanted)
        {
            DropPending(connection, stream);
            Advance(stream, run.End);
            connection.HasLost = true;
            connection.Session?.OnNotCaptured(side, rest - unwanted, new DataInfo(run.TimestampNs, run.End, run.PeerOffset));
            ForgetIfOpaque(connection);
        }
    }

    private void EndIfComplete(Connection connection, Side side, SideStream stream, long timestampNs, long peerOffset)
    {
        if (stream.Ended || stream.Next < stream.EndOffset && stream.SkipUntil < stream.EndOffset)
        {
            return;
        }
        Advance(stream, stream.EndOffset);
        stream.Ended = true;
        DropPending(connection, stream);
        connection.Session?.OnEnd(side, new DataInfo(timestampNs, stream.EndOffset, peerOffset));
        if (connection.StreamOf(side.Other()).Ended || (connection.IsReleased && side == Side.A))
        {
            Close(connection, EndReason.Finished, timestampNs);
        }
    }
}
