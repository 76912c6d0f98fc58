using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Streams;

/// <summary>
/// Feeds a <see cref="StreamEngine"/> from packets that carry both addresses and no socket: a capture, or an interface. Keeps the table from
/// four-tuple to connection; a connection that is seen on both sides of an address translation has two four-tuples.
/// </summary>
/// <remarks>One thread. Memory: the engine's connections, and at most <see cref="MaxOver"/> four-tuples of connections that are over.</remarks>
public sealed class FlowTable : ITapControl
{
    private const int MaxOver = 65_536;
    private readonly Dictionary<Flow, Connection?> _flows = [];
    private readonly Dictionary<ulong, Translation> _translations = [];
    private readonly TranslatedFlows _translated = new();
    private readonly IFlowControl? _control;
    private readonly LedgerStage _stage;
    private readonly Counter _noPayload;
    private readonly Counter _over;
    private ulong _lastId;
    private int _overCount;

    /// <summary>Makes the table and its engine.</summary>
    /// <param name="ledger">Gets the stages "flows" (segments) and "stream".</param>
    /// <param name="control">Takes hints; null for a capture.</param>
    public FlowTable(StreamOptions options, IReadOnlyList<IProtocol> protocols, ITransactionObserver observer, Ledger ledger, IFlowControl? control = null)
    {
        _control = control;
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
                connection = null;
            }
            _flows.Remove(flow);
            known = false;
        }
        if (!known && !opens && segment.PayloadLength == 0)
        {
            _noPayload.Add(1);
            return;
        }
        bool isNew = false;
        if (connection is null && (!known || opens) && !TryJoin(flow, source, destination, in segment, out connection) && !known)
        {
            // A SYN-ACK comes from the end that was opened to.
            bool fromServer = opens && (segment.Flags & TcpFlags.Ack) != 0;
            connection = Engine.Open(++_lastId, fromServer ? destination : source, fromServer ? source : destination, opens, isLocalSocket: false, segment.TimestampNs);
            _flows[flow] = connection;
            isNew = true;
        }
        if (connection is null)
        {
            _over.Add(1);
            return;
        }
        _stage.Out.Add(1);
        Engine.OnSegment(connection, source == connection.A || destination == connection.B ? Side.A : Side.B, in segment);
        if (isNew && connection.IsOpen)
        {
            _translated.Add(connection, in segment);
        }
    }

    /// <summary>The other address of one of the ends, when the connection was seen on both sides of an address translation.</summary>
    public bool TryGetTranslated(Connection connection, out Side side, out Endpoint end)
    {
        bool isTranslated = _translations.TryGetValue(connection.Id, out Translation translation);
        (side, end) = (translation.Side, translation.End);
        return isTranslated;
    }

    /// <summary>Shows the translated end by its other address; the second call shows it as before.</summary>
    public void ExchangeTranslated(Connection connection)
    {
        Translation translation = _translations[connection.Id];
        _translations[connection.Id] = translation with { End = connection.EndOf(translation.Side) };
        if (translation.Side == Side.A)
        {
            connection.A = translation.End;
        }
        else
        {
            connection.B = translation.End;
        }
    }

    /// <summary>Finds the connection whose packet this is by its numbers, though not by its addresses.</summary>
    private bool TryJoin(Flow flow, Endpoint source, Endpoint destination, in TcpSegment segment, out Connection? connection)
    {
        connection = _translated.Find(source, destination, in segment, out Side sender);
        if (connection is null || _translations.ContainsKey(connection.Id))
        {
            connection = null;
            return false;
        }
        // The end that is not the same has the other address.
        bool isSender = connection.EndOf(sender) != source;
        _translations[connection.Id] = new Translation(isSender ? sender : sender.Other(), isSender ? source : destination);
        if (_flows.ContainsKey(flow))
        {
            _overCount--;
        }
        _flows[flow] = connection;
        if (connection.Session is not null)
        {
            SetVerdict(flow, FlowVerdict.Capture);
        }
        return true;
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
        Close(Flow.Of(connection.A, connection.B), reason);
        if (_translations.Remove(connection.Id, out Translation translation))
        {
            Close(translation.Of(connection), reason);
        }
    }

    private void Close(Flow closed, EndReason reason)
    {
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

    void ITapControl.Capture(Connection connection) => SetVerdict(connection, FlowVerdict.Capture);

    void ITapControl.Ignore(Connection connection) => SetVerdict(connection, FlowVerdict.Ignore);

    void ITapControl.Probe(Connection connection) => SetVerdict(connection, FlowVerdict.Probe);

    void ITapControl.SkipUntil(Connection connection, Side side, uint sequence)
    {
        _control?.SkipUntil(connection.EndOf(side), connection.EndOf(side.Other()), sequence);
        if (_control is not null && _translations.TryGetValue(connection.Id, out Translation translation))
        {
            _control.SkipUntil(translation.EndOf(connection, side), translation.EndOf(connection, side.Other()), sequence);
        }
    }

    private void SetVerdict(Connection connection, FlowVerdict verdict)
    {
        SetVerdict(Flow.Of(connection.A, connection.B), verdict);
        if (_control is not null && _translations.TryGetValue(connection.Id, out Translation translation))
        {
            SetVerdict(translation.Of(connection), verdict);
        }
    }

    private void SetVerdict(Flow flow, FlowVerdict verdict)
    {
        _control?.SetVerdict(flow.Lower, flow.Upper, verdict);
        _control?.SetVerdict(flow.Upper, flow.Lower, verdict);
    }

    /// <summary>The other address of one side of a connection.</summary>
    private readonly record struct Translation(Side Side, Endpoint End)
    {
        public Endpoint EndOf(Connection connection, Side side) => side == Side ? End : connection.EndOf(side);

        public Flow Of(Connection connection) => Flow.Of(EndOf(connection, Side.A), EndOf(connection, Side.B));
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
