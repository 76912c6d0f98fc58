using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Streams;

/// <summary>
/// Feeds a <see cref="StreamEngine"/> from packets that carry both addresses and no socket: a capture, or an interface. Keeps the table from
/// four-tuple to connection.
/// </summary>
/// <remarks>One thread. Memory: the engine's connections, and at most <see cref="MaxOver"/> four-tuples of connections that are over.</remarks>
public sealed class FlowTable : ITapControl
{
    private const int MaxOver = 65_536;
    private readonly Dictionary<Flow, Connection?> _flows = [];
    private readonly LedgerStage _stage;
    private readonly Counter _noPayload;
    private readonly Counter _over;
    private ulong _lastId;
    private int _overCount;

    /// <summary>Makes the table and its engine.</summary>
    /// <param name="ledger">Gets the stages "flows" (segments) and "stream".</param>
    public FlowTable(StreamOptions options, IReadOnlyList<IProtocol> protocols, ITransactionObserver observer, Ledger ledger)
    {
        _stage = ledger.AddStage("flows", "segments");
        _noPayload = _stage.DropReason("no_payload");
        _over = _stage.DropReason("connection_over");
        Engine = new StreamEngine(options, protocols, observer, this, ledger) { Closed = OnClosed };
    }

    /// <summary>The engine fed.</summary>
    public StreamEngine Engine { get; }

    /// <summary>Takes one segment.</summary>
    public void OnSegment(Endpoint source, Endpoint destination, in TcpSegment segment)
    {
        _stage.In.Add(1);
        Flow flow = Flow.Of(source, destination);
        bool known = _flows.TryGetValue(flow, out Connection? connection);
        bool opens = (segment.Flags & TcpFlags.Syn) != 0;
        if (opens && known && (segment.Flags & TcpFlags.Ack) == 0 && (connection is null || !Continues(connection, source, segment.Sequence)))
        {
            if (connection is null)
            {
                _overCount--;
            }
            else
            {
                Engine.Close(connection, EndReason.Reused, segment.TimestampNs);
            }
            _flows.Remove(flow);
            known = false;
        }
        if (!known)
        {
            if (!opens && segment.PayloadLength == 0)
            {
                _noPayload.Add(1);
                return;
            }
            // A SYN-ACK comes from the end that was opened to.
            bool fromServer = opens && (segment.Flags & TcpFlags.Ack) != 0;
            connection = Engine.Open(++_lastId, fromServer ? destination : source, fromServer ? source : destination, opens, isLocalSocket: false, segment.TimestampNs);
            _flows[flow] = connection;
        }
        if (connection is null)
        {
            _over.Add(1);
            return;
        }
        _stage.Out.Add(1);
        Engine.OnSegment(connection, source == connection.A ? Side.A : Side.B, in segment);
    }

    /// <summary>True when a SYN belongs to the connection known: a retransmission, or a SYN that was captured after its answer.</summary>
    private static bool Continues(Connection connection, Endpoint source, uint sequence)
    {
        SideStream stream = connection.StreamOf(source == connection.A ? Side.A : Side.B);
        SideStream peer = connection.StreamOf(source == connection.A ? Side.B : Side.A);
        return stream.Started ? stream.Base == unchecked(sequence + 1) : peer.Next == 0;
    }

    /// <summary>
    /// What still comes on the four-tuple of a connection that is over (retransmissions, the inside of a tunnel) is not the start of
    /// something new: only a SYN is.
    /// </summary>
    private void OnClosed(Connection connection, EndReason reason)
    {
        Flow closed = Flow.Of(connection.A, connection.B);
        if (reason is EndReason.Idle or EndReason.Evicted)
        {
            _flows.Remove(closed);
            return;
        }
        if (_overCount >= MaxOver)
        {
            foreach ((Flow flow, Connection? other) in _flows)
            {
                if (other is null)
                {
                    _flows.Remove(flow);
                }
            }
            _overCount = 0;
        }
        _flows[closed] = null;
        _overCount++;
    }

    void ITapControl.Capture(Connection connection)
    {
    }

    void ITapControl.Ignore(Connection connection)
    {
    }

    void ITapControl.Probe(Connection connection)
    {
    }

    void ITapControl.SkipUntil(Connection connection, Side side, uint sequence)
    {
    }

    /// <summary>A four-tuple, the same for both directions.</summary>
    private readonly record struct Flow(Endpoint Lower, Endpoint Upper)
    {
        public static Flow Of(Endpoint one, Endpoint other) => IsLower(one, other) ? new(one, other) : new(other, one);

        public override int GetHashCode() => HashCode.Combine(Lower.Low, Upper.Low, (Lower.Port << 16) | Upper.Port, Lower.High ^ Upper.High);

        private static bool IsLower(Endpoint one, Endpoint other) =>
            one.Low != other.Low ? one.Low < other.Low : one.High != other.High ? one.High < other.High : one.Port < other.Port;
    }
}
