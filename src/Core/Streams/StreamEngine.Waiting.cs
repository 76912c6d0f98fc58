namespace KubeBpfBox.Core.Streams;

/// <content>
/// Segments captured before what they answer. Where two directions are captured at two places (interfaces, queues, rings) a response may come out
/// before its request; its acknowledgement number tells. It is kept among the early segments until the other side has caught up.
/// </content>
public sealed partial class StreamEngine
{
    // Capture points are out of order by less than this.
    private const long WaitNs = 20_000_000;
    private const int MaxWaitingSegments = 16;

    /// <summary>What is further ahead than this was lost, or the number is not to be believed.</summary>
    private const long MaxAheadBytes = 1024 * 1024;

    /// <summary>True when a side's sender had received bytes of the other side that have not come here yet and may still come.</summary>
    private static bool MustWait(Connection connection, Side side, SideStream stream, long peerOffset)
    {
        // A socket's own packets pass the tap in the order in which the socket sees them.
        if (connection.IsLocalSocket || peerOffset <= stream.WaitedTo)
        {
            return false;
        }
        SideStream peer = connection.StreamOf(side.Other());
        long seen = Math.Max(peer.Next, peer.SkipUntil);
        if (peer.HasEarly && peer.Early![^1] is var last)
        {
            // What is missing in front of bytes that are here will not come late.
            seen = Math.Max(seen, last.Offset + last.PayloadLength);
        }
        long ahead = peerOffset - seen;
        return ahead is > 0 and <= MaxAheadBytes && !(peer.EndOffset >= 0 && peer.Next >= peer.EndOffset);
    }

    /// <summary>Gives up waiting for what will not come: a later segment of the same direction is there, or it has been too long.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="side">Who sent the segment that has come.</param>
    /// <param name="offset">Where that starts.</param>
    /// <param name="nowNs">When it was captured.</param>
    private void StopWaiting(Connection connection, Side side, long offset, long nowNs)
    {
        StopSideWaiting(connection, side.Other(), offset, nowNs);
        if (connection.IsOpen)
        {
            StopSideWaiting(connection, side, long.MinValue, nowNs);
        }
    }

    private void StopSideWaiting(Connection connection, Side waiting, long peerOffset, long nowNs)
    {
        SideStream stream = connection.StreamOf(waiting);
        while (connection.IsOpen && stream.HasEarly && stream.Early![0] is var first && first.Offset <= Math.Max(stream.Next, stream.SkipUntil))
        {
            if (MustWait(connection, waiting, stream, first.PeerOffset))
            {
                if (first.PeerOffset > peerOffset && nowNs - first.TimestampNs < WaitNs && stream.Early.Count < MaxWaitingSegments)
                {
                    return;
                }
                stream.WaitedTo = first.PeerOffset;
                // What the receiver has and we have not is lost.
                GiveUpHoles(connection, waiting.Other(), connection.StreamOf(waiting.Other()), first.PeerOffset, nowNs);
                if (!connection.IsOpen)
                {
                    return;
                }
            }
            TakeEarly(connection, waiting, stream);
            EndIfTold(connection, waiting, nowNs);
        }
    }

    /// <summary>Takes what waited for the bytes that have come.</summary>
    private void TakeWaiting(Connection connection, long nowNs)
    {
        long before;
        do
        {
            before = connection.StreamA.Next + connection.StreamB.Next;
            TakeWaiting(connection, Side.A, nowNs);
            TakeWaiting(connection, Side.B, nowNs);
        }
        while (connection.IsOpen && connection.StreamA.Next + connection.StreamB.Next != before);
    }

    private void TakeWaiting(Connection connection, Side side, long nowNs)
    {
        SideStream stream = connection.StreamOf(side);
        if (connection.IsOpen && stream.HasEarly)
        {
            TakeEarly(connection, side, stream);
            EndIfTold(connection, side, nowNs);
        }
    }

    private void EndIfTold(Connection connection, Side side, long nowNs)
    {
        SideStream stream = connection.StreamOf(side);
        if (connection.IsOpen && stream.EndOffset >= 0)
        {
            EndIfComplete(connection, side, stream, nowNs, -1);
        }
    }

    /// <summary>Whatever stands before an offset is taken as soon as it is next.</summary>
    private static void DoNotWait(SideStream stream, long offset)
    {
        for (int i = 0; stream.HasEarly && i < stream.Early!.Count && stream.Early[i].Offset < offset; i++)
        {
            stream.WaitedTo = Math.Max(stream.WaitedTo, stream.Early[i].PeerOffset);
        }
    }
}
