using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Streams;

/// <summary>
/// Recognises packets of a known connection under other addresses: an interface shows some of a connection's packets before and some behind a
/// translation of addresses (a Service's address on a bridge: requests go to the pod, answers come from the Service).
/// </summary>
/// <remarks>
/// One end must be the same, and the numbers must continue the connection's: translation changes addresses and ports, never sequence numbers. A SYN is
/// the same when its number is, a SYN-ACK when it acknowledges that very SYN; in the middle of a connection both numbers must be within
/// <see cref="NearBytes"/> (by chance: one in four million). Memory: the connections opened last, <see cref="MaxOpenings"/> at most.
/// </remarks>
internal sealed class TranslatedFlows
{
    private const int NearBytes = 1 << 20;
    private const int MaxOpenings = 2 * HalfOpenings;
    private const int HalfOpenings = 4096;

    // Filled one after the other, so that the oldest half goes at once.
    private Dictionary<Endpoint, Opening> _newer = [];
    private Dictionary<Endpoint, Opening> _older = [];

    /// <summary>Remembers a connection by both its ends: in the middle of one nobody knows which of them stays the same.</summary>
    /// <param name="connection">Just opened.</param>
    /// <param name="segment">What opened it.</param>
    public void Add(Connection connection, in TcpSegment segment)
    {
        if (_newer.Count >= HalfOpenings)
        {
            (_newer, _older) = (_older, _newer);
            _newer.Clear();
        }
        Opening opening = new(connection, connection.Id, segment.Acknowledgment);
        _newer[connection.A] = opening;
        if ((segment.Flags & TcpFlags.Syn) == 0)
        {
            _newer[connection.B] = opening;
        }
    }

    /// <summary>The connection that a packet of an unknown four-tuple belongs to; null when there is none.</summary>
    /// <param name="source">Who sent it, by its addresses.</param>
    /// <param name="destination">To whom.</param>
    /// <param name="segment">The packet.</param>
    /// <param name="sender">Which side of the connection sent it.</param>
    public Connection? Find(Endpoint source, Endpoint destination, in TcpSegment segment, out Side sender)
    {
        if (TryFind(source, out Opening opening))
        {
            sender = opening.Connection.A == source ? Side.A : Side.B;
            if (IsContinued(in opening, sender, in segment))
            {
                return opening.Connection;
            }
        }
        if (TryFind(destination, out opening))
        {
            sender = opening.Connection.A == destination ? Side.B : Side.A;
            if (IsContinued(in opening, sender, in segment))
            {
                return opening.Connection;
            }
        }
        sender = default;
        return null;
    }

    private bool TryFind(Endpoint end, out Opening opening) =>
        (_newer.TryGetValue(end, out opening) || _older.TryGetValue(end, out opening))
        && opening.Connection.IsOpen && opening.Connection.Id == opening.Id && (opening.Connection.A == end || opening.Connection.B == end);

    private static bool IsContinued(in Opening opening, Side sender, in TcpSegment segment)
    {
        SideStream own = opening.Connection.StreamOf(sender);
        SideStream peer = opening.Connection.StreamOf(sender.Other());
        bool acknowledges = (segment.Flags & TcpFlags.Ack) != 0;
        if ((segment.Flags & TcpFlags.Syn) != 0)
        {
            bool isSame = !own.Started || own.Base == unchecked(segment.Sequence + 1);
            return isSame && (acknowledges ? peer.Started && peer.Base == segment.Acknowledgment : own.Started && own.Next == 0);
        }
        // Of a side that has not been heard the other's acknowledgement tells where it stands.
        return acknowledges
            && IsNear(segment.Sequence, own.Started ? own.SequenceOf(own.Next) : opening.Acknowledgment)
            && IsNear(segment.Acknowledgment, peer.Started ? peer.SequenceOf(peer.Next) : opening.Acknowledgment);
    }

    private static bool IsNear(uint one, uint other) => Math.Abs((long)unchecked((int)(one - other))) <= NearBytes;

    /// <param name="Connection">The connection.</param>
    /// <param name="Id">Its id then: the object is used again.</param>
    /// <param name="Acknowledgment">Of the packet that opened it.</param>
    private readonly record struct Opening(Connection Connection, ulong Id, uint Acknowledgment);
}
