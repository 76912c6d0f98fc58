namespace KubeBpfBox.Core.Export;

/// <summary>Batches on disk within a budget, one line of segments for each kind.</summary>
/// <remarks>
/// Units: bytes as they lie on disk. Over the budget the oldest segment of the least kind goes: request log, events, aggregates.
/// Errors: those of the disk (<see cref="IOException"/>, <see cref="UnauthorizedAccessException"/>), after which it stays usable.
/// Lifetime: one process at a time has the directory. What was appended survives the process, however it ends; only the loss of power may take the last seconds,
/// because nothing waits for the disk itself.
/// Threads: one at a time, but for <see cref="Items"/>.
/// </remarks>
internal sealed class Spool : IDisposable
{
    private const long MinSegmentBytes = 64 << 10;
    private const long MaxSegmentBytes = 4 << 20;

    // What goes at once when the budget is used up is a small part of it.
    private const int SegmentsInBudget = 32;

    private static readonly byte[] s_checkBytes = new byte[4096];

    private readonly string _directory;
    private readonly FileStream _lock;
    private readonly SpoolCodec _codec = new();
    private readonly SpoolLine[] _lines = new SpoolLine[ExportStages.Kinds];
    private readonly long _maxBytes;
    private readonly Action<ExportKind, DropReason, long> _dropped;

    private Spool(string directory, long maxBytes, FileStream lockFile, Action<ExportKind, DropReason, long> dropped)
    {
        _directory = directory;
        _maxBytes = maxBytes;
        _lock = lockFile;
        _dropped = dropped;
        long segmentBytes = Math.Clamp(maxBytes / SegmentsInBudget, MinSegmentBytes, MaxSegmentBytes);
        for (int i = 0; i < _lines.Length; i++)
        {
            _lines[i] = new SpoolLine(directory, (ExportKind)i, segmentBytes);
        }
    }

    /// <summary>Bytes on disk.</summary>
    public long Bytes => _lines[0].Bytes + _lines[1].Bytes + _lines[2].Bytes;

    /// <summary>Opens a spool and finds what an earlier process left; <see cref="Items"/> has it.</summary>
    /// <param name="directory">Its directory.</param>
    /// <param name="maxBytes">The budget.</param>
    /// <param name="dropped">Told what is given up.</param>
    /// <param name="tell">Told what was found damaged.</param>
    public static Spool Open(string directory, long maxBytes, Action<ExportKind, DropReason, long> dropped, Action<string> tell)
    {
        SpoolFiles.MakeDirectory(directory);
        Spool spool = new(directory, maxBytes, SpoolFiles.Lock(directory), dropped);
        try
        {
            for (int i = 0; i < spool._lines.Length; i++)
            {
                spool.Recover(directory, (ExportKind)i, tell);
            }
            return spool;
        }
        catch
        {
            spool.Dispose();
            throw;
        }
    }

    /// <summary>Items of a kind that wait, but for those of a record that was taken.</summary>
    public long Items(ExportKind kind) => _lines[(int)kind].Items;

    /// <summary>Writes a batch at the end of its line; older and lesser ones make room.</summary>
    /// <returns>False when there is no room for it even so.</returns>
    public bool TryAppend(ExportBatch batch, out SpoolTicket ticket)
    {
        ReadOnlySpan<byte> record = _codec.Encode(batch);
        ticket = default;
        if (!MakeRoom(record.Length + SpoolSegment.HeadBytes, batch.Kind))
        {
            return false;
        }
        ticket = _lines[(int)batch.Kind].Append(record, batch);
        return true;
    }

    /// <summary>Takes the oldest batch of the highest kind. It stays on disk until <see cref="Settle"/>; its items count as taken.</summary>
    public bool TryTake(out ExportBatch batch, out SpoolTicket ticket)
    {
        for (int i = _lines.Length - 1; i >= 0; i--)
        {
            while (TryPeek(i, out ticket, out SpoolRecord record))
            {
                _lines[i].Count(ticket, -1);
                if (ticket.Segment.TryReadPayload(ticket.Offset, record, out byte[] payload))
                {
                    batch = new ExportBatch((ExportKind)i, record.Items, record.OldestNs, payload);
                    return true;
                }
                _dropped((ExportKind)i, DropReason.SpoolFailed, record.Items);
                Settle(ticket);
            }
        }
        batch = null!;
        ticket = default;
        return false;
    }

    /// <summary>A batch that was just appended, or whose items came back, is being sent.</summary>
    public void Take(ExportKind kind, SpoolTicket ticket) => _lines[(int)kind].Count(ticket, -1);

    /// <summary>A batch that was taken waits again, where it was.</summary>
    /// <returns>False when its segment was given up meanwhile.</returns>
    public bool TryPutBack(ExportKind kind, SpoolTicket ticket)
    {
        _lines[(int)kind].Count(ticket, 1);
        return !ticket.Segment.IsGone;
    }

    /// <summary>A batch that was taken came to an end: it is not sent again.</summary>
    public static void Settle(SpoolTicket ticket)
    {
        if (!ticket.Segment.IsGone)
        {
            ticket.Segment.PassOver(ticket.Offset, ticket.Bytes);
            ticket.Segment.Settle(ticket.Offset);
        }
    }

    /// <summary>Gives up what an earlier process with a larger budget left.</summary>
    public void Trim() => _ = MakeRoom(0, ExportKind.Aggregates);

    /// <summary>Finds out whether the disk takes anything.</summary>
    public void Check()
    {
        string path = Path.Combine(_directory, "check");
        File.WriteAllBytes(path, s_checkBytes);
        File.Delete(path);
    }

    /// <summary>Gives up what is older than a time.</summary>
    public void Expire(long beforeNs)
    {
        for (int i = 0; i < _lines.Length; i++)
        {
            while (TryPeek(i, out SpoolTicket ticket, out SpoolRecord record) && record.OldestNs < beforeNs)
            {
                _lines[i].Count(ticket, -1);
                _dropped((ExportKind)i, DropReason.SpoolExpired, record.Items);
                Settle(ticket);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SpoolLine line in _lines)
        {
            line.Close();
        }
        _lock.Dispose();
    }

    private bool TryPeek(int line, out SpoolTicket ticket, out SpoolRecord record)
    {
        long damaged = 0;
        bool isThere = _lines[line].TryPeek(out ticket, out record, ref damaged);
        _dropped((ExportKind)line, DropReason.SpoolFailed, damaged);
        return isThere;
    }

    private bool MakeRoom(long bytes, ExportKind kind)
    {
        long reserved = 0;
        for (int i = (int)kind + 1; i < _lines.Length; i++)
        {
            reserved += _lines[i].Bytes;
        }
        if (bytes > _maxBytes - reserved)
        {
            return false;
        }
        for (int i = 0; i <= (int)kind && Bytes + bytes > _maxBytes; i++)
        {
            while (Bytes + bytes > _maxBytes && _lines[i].DropOldest() is var items and >= 0)
            {
                _dropped((ExportKind)i, DropReason.SpoolFull, items);
            }
        }
        return true;
    }

    private void Recover(string directory, ExportKind kind, Action<string> tell)
    {
        SpoolLine line = _lines[(int)kind];
        foreach ((string path, long number) in SpoolFiles.Find(directory, kind))
        {
            line.Skip(number);
            try
            {
                if (SpoolSegment.Recover(path, kind, out long cutBytes) is not { } segment)
                {
                    tell($"{path} is no segment of this version; it is now {SpoolFiles.MoveAside(path, kind)}");
                    continue;
                }
                if (cutBytes > 0)
                {
                    tell($"the last {cutBytes} bytes of {path} were not written to the end or are damaged, and were cut off");
                }
                line.Add(segment);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                tell($"{path} is left where it is: {e.Message}");
            }
        }
    }
}
