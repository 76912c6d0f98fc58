using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Http1;

/// <summary>Feeds a session as the stream engine does: presents again what was not consumed, and does not present what was not wanted.</summary>
internal sealed class StreamFeeder(ProtocolSession session)
{
    private readonly Direction[] _directions = [new(), new()];

    /// <summary>Bytes that the session left unconsumed, at most, so far.</summary>
    public int MostKept { get; private set; }

    /// <summary>Bytes presented, those presented again included.</summary>
    public long Presented { get; private set; }

    /// <summary>Where the next byte of a side stands.</summary>
    public long Position(Side side) => _directions[(int)side].Position;

    public void Data(Side side, ReadOnlySpan<byte> bytes, long timestampNs, long peerOffset)
    {
        Direction direction = _directions[(int)side];
        long end = direction.Position + bytes.Length;
        if (session.IsOpaque || end <= direction.WantedFrom)
        {
            direction.Position = end;
            return;
        }
        if (direction.WantedFrom > direction.Position)
        {
            bytes = bytes[(int)(direction.WantedFrom - direction.Position)..];
        }
        direction.Position = end;
        byte[] data = [.. direction.Kept, .. bytes];
        Presented += data.Length;
        long consumed = session.OnData(side, data, new DataInfo(timestampNs, end - data.Length, peerOffset));
        Assert.True(consumed >= 0);
        if (consumed >= data.Length)
        {
            direction.Kept = [];
            direction.WantedFrom = consumed == long.MaxValue ? long.MaxValue : end - data.Length + consumed;
        }
        else
        {
            direction.Kept = data[(int)consumed..];
            MostKept = Math.Max(MostKept, direction.Kept.Length);
        }
    }

    public void Gap(Side side, long bytes, long timestampNs, long peerOffset, bool passed = false)
    {
        Direction direction = _directions[(int)side];
        long end = direction.Position + bytes;
        long lost = Math.Min(bytes, end - direction.WantedFrom);
        direction.Position = end;
        if (!session.IsOpaque && lost > 0)
        {
            direction.Kept = [];
            DataInfo info = new(timestampNs, end, peerOffset);
            if (passed)
            {
                session.OnNotCaptured(side, lost, in info);
            }
            else
            {
                session.OnGap(side, lost, in info);
            }
        }
    }

    public void End(Side side, long timestampNs, long peerOffset)
    {
        Direction direction = _directions[(int)side];
        direction.Kept = [];
        session.OnEnd(side, new DataInfo(timestampNs, direction.Position, peerOffset));
    }

    private sealed class Direction
    {
        public byte[] Kept = [];
        public long Position;
        public long WantedFrom;
    }
}
