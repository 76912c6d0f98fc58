namespace KubeBpfBox.Core.Streams;

/// <content>Bytes out of order and bytes that never came.</content>
public sealed partial class StreamEngine
{
    /// <summary>Keeps a copy of a segment behind a hole; when there is no room, the hole is declared lost.</summary>
    private void KeepEarly(Connection connection, Side side, SideStream stream, Run run)
    {
        List<EarlySegment> early = stream.Early ??= [];
        byte[]? buffer = null;
        bool room = early.Count < _options.MaxReorderSegments && stream.EarlyBytes + run.Captured.Length <= _options.MaxReorderBytes;
        if (room && (run.Captured.IsEmpty || _buffers.TryRent(run.Captured.Length, out buffer)))
        {
            if (early.Count == 0)
            {
                stream.HoleSinceNs = run.TimestampNs;
            }
            run.Captured.CopyTo(buffer);
            int at = early.Count;
            while (at > 0 && early[at - 1].Offset > run.Offset)
            {
                at--;
            }
            early.Insert(at, new EarlySegment(run.Offset, run.Length, run.Captured.Length, buffer, run.TimestampNs, run.PeerOffset));
            stream.EarlyBytes += run.Captured.Length;
            _heldBytes += run.Length;
            return;
        }
        stream.WaitedTo = Math.Max(stream.WaitedTo, run.PeerOffset);
        GiveUpHoles(connection, side, stream, run.Offset, run.TimestampNs);
        if (connection.IsOpen)
        {
            Gap(connection, side, stream, run.Offset, run.TimestampNs, run.PeerOffset);
        }
        if (connection.IsOpen)
        {
            Accept(connection, side, stream, run);
        }
        else
        {
            _ledger.ConnectionOver.Add(run.Length);
        }
    }

    /// <summary>Takes the kept segments that have become next.</summary>
    private void TakeEarly(Connection connection, Side side, SideStream stream)
    {
        while (connection.IsOpen && stream.HasEarly && stream.Early![0] is var early && early.Offset <= Math.Max(stream.Next, stream.SkipUntil)
            && !MustWait(connection, side, stream, early.PeerOffset))
        {
            stream.Early.RemoveAt(0);
            stream.EarlyBytes -= early.CapturedLength;
            _heldBytes -= early.PayloadLength;
            stream.HoleSinceNs = connection.LastSeenNs;
            Run run = new(early.Offset, early.PayloadLength, early.Buffer.AsSpan(0, early.CapturedLength), early.TimestampNs, early.PeerOffset);
            int known = (int)Math.Clamp(stream.Next - run.Offset, 0, run.Length);
            _ledger.Duplicate.Add(known);
            if (known < run.Length)
            {
                Take(connection, side, stream, run.From(known));
            }
            if (early.Buffer is not null)
            {
                _buffers.Return(early.Buffer);
            }
        }
    }

    /// <summary>Declares lost every hole that starts before <paramref name="offset"/> and has bytes behind it, and takes those.</summary>
    private void GiveUpHoles(Connection connection, Side side, SideStream stream, long offset, long timestampNs)
    {
        DoNotWait(stream, offset);
        while (connection.IsOpen && stream.HasEarly && stream.Next < offset)
        {
            Gap(connection, side, stream, Math.Min(stream.Early![0].Offset, offset), timestampNs, -1);
            TakeEarly(connection, side, stream);
        }
    }

    /// <summary>The bytes from <see cref="SideStream.Next"/> up to an offset are lost, but for those that nobody wanted.</summary>
    private void Gap(Connection connection, Side side, SideStream stream, long end, long timestampNs, long peerOffset)
    {
        if (stream.SkipUntil > stream.Next)
        {
            Advance(stream, Math.Min(end, stream.SkipUntil));
        }
        long lost = end - stream.Next;
        if (lost <= 0)
        {
            return;
        }
        CountLost(connection, lost);
        DropPending(connection, stream);
        stream.Next = end;
        connection.Session?.OnGap(side, lost, new DataInfo(timestampNs, end, peerOffset));
        ForgetIfOpaque(connection);
    }

    private void CountLost(Connection connection, long bytes)
    {
        connection.HasLost = true;
        _ledger.LostBytes.Add(bytes);
        _ledger.Gaps.Add(1);
    }

    private void ForgetIfOpaque(Connection connection)
    {
        if (connection.Session is { IsOpaque: true })
        {
            Forget(connection);
        }
    }

    private static void Advance(SideStream stream, long offset)
    {
        if (offset > stream.Next)
        {
            stream.Next = offset;
        }
    }
}
