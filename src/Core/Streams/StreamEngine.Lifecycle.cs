using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Streams;

/// <content>Connections: made, kept in the order of their last segment, forgotten.</content>
public sealed partial class StreamEngine
{
    /// <summary>Makes a connection; beyond the limit the one silent for longest is forgotten first.</summary>
    /// <param name="id">Cookie or running number.</param>
    /// <param name="a">Local end, or the opener.</param>
    /// <param name="b">The other end.</param>
    /// <param name="fromStart">True when its first bytes were or will be seen.</param>
    /// <param name="isLocalSocket">True when it is seen on a socket of this machine.</param>
    /// <param name="nowNs">Time of the packet that made it known.</param>
    public Connection Open(ulong id, Endpoint a, Endpoint b, bool fromStart, bool isLocalSocket, long nowNs)
    {
        if (ConnectionCount >= _options.MaxConnections && Oldest() is { } silent)
        {
            _ledger.Evicted.Add(1);
            Close(silent, EndReason.Evicted, nowNs);
        }
        if (!_free.TryPop(out Connection? connection))
        {
            connection = new Connection();
        }
        connection.Id = id;
        connection.A = a;
        connection.B = b;
        connection.FromStart = fromStart;
        connection.IsLocalSocket = isLocalSocket;
        connection.ObservedAt = isLocalSocket ? Side.A : null;
        connection.IsOpen = true;
        connection.LastSeenNs = nowNs;
        ConnectionCount++;
        LinkNewest(connection);
        return connection;
    }

    /// <summary>Ends a connection: its session reports what is pending.</summary>
    public void Close(Connection connection, EndReason reason, long timestampNs)
    {
        if (!connection.IsOpen)
        {
            return;
        }
        // What stands behind a hole is delivered rather than forgotten with it.
        GiveUpHoles(connection, Side.A, connection.StreamA, long.MaxValue, timestampNs);
        GiveUpHoles(connection, Side.B, connection.StreamB, long.MaxValue, timestampNs);
        if (!connection.IsOpen)
        {
            return;
        }
        connection.Session?.OnClose(reason, timestampNs);
        Recycle(connection, reason);
    }

    /// <summary>
    /// Says that the local process closed its socket. What it still sends is followed; the connection ends with its FIN, because the peer's FIN
    /// may meet no socket and so stay unseen.
    /// </summary>
    public void Release(Connection connection, long timestampNs)
    {
        connection.IsReleased = true;
        if (connection.StreamA.Ended)
        {
            Close(connection, EndReason.Finished, timestampNs);
        }
    }

    /// <summary>Ends all connections, oldest first.</summary>
    public void CloseAll(EndReason reason, long timestampNs)
    {
        while (_oldest is not null)
        {
            Close(_oldest, reason, timestampNs);
        }
    }

    /// <summary>Call about once a second of the packets' time: gives up holes, reports requests that waited too long, forgets idle connections.</summary>
    public void Tick(long nowNs)
    {
        long idleBefore = nowNs - (long)_options.IdleTimeout.TotalNanoseconds;
        while (Oldest() is { } silent && silent.LastSeenNs < idleBefore)
        {
            Close(silent, EndReason.Idle, nowNs);
        }
        long holeBefore = nowNs - (long)_options.ReorderTimeout.TotalNanoseconds;
        for (Connection? connection = _oldest; connection is not null;)
        {
            Connection? next = connection.Newer;
            if (connection.StreamA.HasEarly || connection.StreamB.HasEarly)
            {
                StopWaiting(connection, Side.A, long.MinValue, nowNs);
            }
            GiveUpOldHole(connection, Side.A, holeBefore, nowNs);
            GiveUpOldHole(connection, Side.B, holeBefore, nowNs);
            connection.Session?.OnTick(nowNs);
            if (connection.IsReleased && connection.LastSeenNs < nowNs - ReleasedTimeoutNs)
            {
                // Its FIN was not captured.
                Close(connection, EndReason.Finished, nowNs);
            }
            connection = next;
        }
    }

    private void GiveUpOldHole(Connection connection, Side side, long holeBeforeNs, long nowNs)
    {
        SideStream stream = connection.StreamOf(side);
        if (connection.IsOpen && stream.HasEarly && stream.HoleSinceNs < holeBeforeNs)
        {
            GiveUpHoles(connection, side, stream, stream.Early![0].Offset, nowNs);
        }
        else if (connection.IsOpen && stream.EndOffset > stream.Next && !stream.HasEarly && connection.LastSeenNs < holeBeforeNs)
        {
            // The FIN came and the bytes before it never will.
            Gap(connection, side, stream, stream.EndOffset, nowNs, -1);
            if (connection.IsOpen)
            {
                EndIfComplete(connection, side, stream, nowNs, -1);
            }
        }
    }

    /// <summary>Nothing more of this connection is of interest: tell the tap and forget it, without an end to report.</summary>
    private void Forget(Connection connection)
    {
        _tap?.Ignore(connection);
        connection.Session?.OnClose(EndReason.Finished, connection.LastSeenNs);
        Recycle(connection, EndReason.Finished);
    }

    private void Recycle(Connection connection, EndReason reason)
    {
        Release(connection, connection.StreamA);
        Release(connection, connection.StreamB);
        if (connection.Session is { } session)
        {
            session.Detach();
            connection.Protocol!.Return(session);
            connection.Session = null;
            connection.Protocol = null;
        }
        connection.IsOpen = connection.IsReleased = false;
        connection.Unrecognised = 0;
        connection.HasLost = false;
        Unlink(connection);
        ConnectionCount--;
        Closed?.Invoke(connection, reason);
        connection.Workload = connection.Peer = Workload.Unknown;
        connection.NamedGeneration = 0;
        connection.PeerTries = 0;
        connection.OpenerSequence = 0;
        connection.NetworkNamespace = 0;
        if (_free.Count < MaxFreeConnections)
        {
            _free.Push(connection);
        }
    }

    private void Release(Connection connection, SideStream stream)
    {
        DropPending(connection, stream);
        if (stream.HasEarly)
        {
            foreach (EarlySegment early in stream.Early!)
            {
                _heldBytes -= early.PayloadLength;
                _ledger.ConnectionOver.Add(early.PayloadLength);
                if (early.Buffer is not null)
                {
                    _buffers.Return(early.Buffer);
                }
            }
            stream.Early.Clear();
        }
        stream.Reset();
    }

    /// <summary>The one silent for longest, after those that have spoken since they were last put in order.</summary>
    private Connection? Oldest()
    {
        while (_oldest is not null && _oldest.LastSeenNs - _oldest.LinkedNs > OrderSlackNs)
        {
            Connection active = _oldest;
            Unlink(active);
            LinkNewest(active);
        }
        return _oldest;
    }

    private void LinkNewest(Connection connection)
    {
        connection.LinkedNs = connection.LastSeenNs;
        connection.Older = _newest;
        connection.Newer = null;
        if (_newest is not null)
        {
            _newest.Newer = connection;
        }
        _newest = connection;
        _oldest ??= connection;
    }

    private void Unlink(Connection connection)
    {
        if (connection.Older is null)
        {
            _oldest = connection.Newer;
        }
        else
        {
            connection.Older.Newer = connection.Newer;
        }
        if (connection.Newer is null)
        {
            _newest = connection.Older;
        }
        else
        {
            connection.Newer.Older = connection.Older;
        }
        connection.Older = connection.Newer = null;
    }
}
