namespace KubeBpfBox.Core.Streams;

/// <content>From ordered bytes to the session.</content>
public sealed partial class StreamEngine
{
    /// <summary>Hands the captured bytes at <see cref="SideStream.Next"/> to the session, after what it left over before.</summary>
    private void Deliver(Connection connection, Side side, SideStream stream, ReadOnlySpan<byte> data, long timestampNs, long peerOffset)
    {
        if (stream.SkipUntil > stream.Next)
        {
            int unwanted = (int)Math.Min(stream.SkipUntil - stream.Next, data.Length);
            _ledger.NotWanted.Add(unwanted);
            stream.Next += unwanted;
            data = data[unwanted..];
            TellSkip(connection, side, stream);
        }
        if (data.IsEmpty)
        {
            return;
        }
        if (connection.Session is null)
        {
            Recognise(connection, side, stream, data, timestampNs, peerOffset);
            return;
        }
        _ledger.Stage.Out.Add(data.Length);
        Present(connection, side, stream, data, timestampNs, peerOffset);
    }

    private void Present(Connection connection, Side side, SideStream stream, ReadOnlySpan<byte> data, long timestampNs, long peerOffset)
    {
        stream.Next += data.Length;
        if (stream.PendingLength > 0)
        {
            if (!TryAppend(stream, data))
            {
                // The session wants more than fits: what it had is given up, and it starts afresh behind it.
                long lost = stream.PendingLength + data.Length;
                ReleasePending(stream);
                CountLost(connection, lost);
                connection.Session!.OnGap(side, lost, new DataInfo(timestampNs, stream.Next, peerOffset));
                return;
            }
            data = stream.Pending.AsSpan(0, stream.PendingLength);
        }
        long consumed = connection.Session!.OnData(side, data, new DataInfo(timestampNs, stream.Next - data.Length, peerOffset));
        AfterSession(connection, side, stream, data, consumed);
    }

    private void AfterSession(Connection connection, Side side, SideStream stream, ReadOnlySpan<byte> data, long consumed)
    {
        if (connection.Session!.IsOpaque)
        {
            Forget(connection);
            return;
        }
        if (consumed >= data.Length)
        {
            ReleasePending(stream);
            if (consumed > data.Length)
            {
                long beyond = consumed == long.MaxValue ? long.MaxValue : stream.Next - data.Length + consumed;
                stream.SkipUntil = beyond;
                TellSkip(connection, side, stream);
            }
            return;
        }
        int rest = data.Length - (int)Math.Max(consumed, 0);
        if (stream.PendingLength > 0)
        {
            if (consumed > 0)
            {
                data[(int)consumed..].CopyTo(stream.Pending);
                stream.PendingLength = rest;
            }
        }
        else if (!TryAppend(stream, data[^rest..]))
        {
            CountLost(connection, rest);
            connection.Session.OnGap(side, rest, new DataInfo(connection.LastSeenNs, stream.Next, -1));
        }
    }

    /// <summary>Asks the protocols whose bytes these are.</summary>
    private void Recognise(Connection connection, Side side, SideStream stream, ReadOnlySpan<byte> data, long timestampNs, long peerOffset)
    {
        int fresh = data.Length;
        stream.Next += fresh;
        _heldBytes += fresh;
        if (stream.PendingLength > 0)
        {
            if (!TryAppend(stream, data))
            {
                Reject(connection, side, stream, stream.PendingLength + fresh);
                return;
            }
            data = stream.Pending.AsSpan(0, stream.PendingLength);
        }
        Detection verdict = Detection.No;
        IProtocol? protocol = null;
        for (int i = 0; i < _protocols.Count && verdict != Detection.Yes; i++)
        {
            Detection one = _protocols[i].Detect(data);
            if (one > verdict)
            {
                verdict = one;
                protocol = _protocols[i];
            }
        }
        switch (verdict)
        {
            case Detection.Yes:
                Begin(connection, protocol!, side, stream, data, timestampNs, peerOffset);
                break;
            case Detection.NeedMoreData when stream.PendingLength > 0 || TryAppend(stream, data):
                break;
            default:
                Reject(connection, side, stream, data.Length);
                break;
        }
    }

    private void Begin(Connection connection, IProtocol protocol, Side side, SideStream stream, ReadOnlySpan<byte> data, long timestampNs, long peerOffset)
    {
        connection.Protocol = protocol;
        connection.Session = protocol.Rent();
        connection.Session.Attach(connection, _observer);
        _tap?.Capture(connection);
        _heldBytes -= data.Length;
        _ledger.Stage.Out.Add(data.Length);
        long consumed = connection.Session.OnData(side, data, new DataInfo(timestampNs, stream.Next - data.Length, peerOffset));
        AfterSession(connection, side, stream, data, consumed);

        // The other side may have said something too short to recognise; now it is known what it is part of.
        Side otherSide = side.Other();
        SideStream other = connection.StreamOf(otherSide);
        if (connection.Session is not null && other.PendingLength > 0)
        {
            _heldBytes -= other.PendingLength;
            _ledger.Stage.Out.Add(other.PendingLength);
            ReadOnlySpan<byte> held = other.Pending.AsSpan(0, other.PendingLength);
            consumed = connection.Session.OnData(otherSide, held, new DataInfo(timestampNs, other.Next - held.Length, -1));
            AfterSession(connection, otherSide, other, held, consumed);
        }
    }

    /// <summary>
    /// Nobody knows these bytes. From the start of a connection one answer of the other side is waited for (a server may answer garbage in
    /// a known protocol); in the middle of one, any later segment may start a message.
    /// </summary>
    private void Reject(Connection connection, Side side, SideStream stream, int bytes)
    {
        _heldBytes -= bytes;
        _ledger.NotRecognised.Add(bytes);
        ReleasePending(stream);
        stream.Rejected = true;
        connection.Unrecognised++;
        if (connection.FromStart
            ? connection.StreamOf(side.Other()).Rejected || connection.Unrecognised >= MaxUnrecognisedFromStart
            : connection.Unrecognised >= IgnoreAfterUnrecognised)
        {
            Forget(connection);
        }
        else if (!connection.FromStart && connection.Unrecognised == ProbeAfterUnrecognised)
        {
            _tap?.Probe(connection);
        }
    }

    /// <summary>Lets the tap skip what nobody wants, when that saves at least a packet.</summary>
    private void TellSkip(Connection connection, Side side, SideStream stream)
    {
        if (_tap is null || stream.SkipUntil - stream.Next < WorthTellingBytes)
        {
            return;
        }
        // Sequence numbers are compared by signed 32-bit distance, so a far end is approached in steps.
        long until = Math.Min(stream.SkipUntil, stream.Next + FarthestSkipBytes);
        if (until > stream.ToldSkipUntil && (until == stream.SkipUntil || until - stream.ToldSkipUntil > FarthestSkipBytes / 2))
        {
            stream.ToldSkipUntil = until;
            _tap.SkipUntil(connection, side, stream.SequenceOf(until));
        }
    }

    private bool TryAppend(SideStream stream, ReadOnlySpan<byte> data)
    {
        int length = stream.PendingLength + data.Length;
        if (stream.Pending is null || stream.Pending.Length < length)
        {
            if (length > MaxPendingBytes || !_buffers.TryRent(length, out byte[]? larger))
            {
                return false;
            }
            stream.Pending.AsSpan(0, stream.PendingLength).CopyTo(larger);
            if (stream.Pending is not null)
            {
                _buffers.Return(stream.Pending);
            }
            stream.Pending = larger;
        }
        data.CopyTo(stream.Pending.AsSpan(stream.PendingLength));
        stream.PendingLength = length;
        return true;
    }

    private void ReleasePending(SideStream stream)
    {
        stream.PendingLength = 0;
        if (stream.Pending is not null)
        {
            _buffers.Return(stream.Pending);
            stream.Pending = null;
        }
    }

    /// <summary>Drops bytes kept for a side, accounting for those that no session ever saw.</summary>
    private void DropPending(Connection connection, SideStream stream)
    {
        if (connection.Session is null && stream.PendingLength > 0)
        {
            _heldBytes -= stream.PendingLength;
            _ledger.NotRecognised.Add(stream.PendingLength);
        }
        ReleasePending(stream);
    }
}
