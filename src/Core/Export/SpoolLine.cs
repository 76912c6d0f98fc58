namespace KubeBpfBox.Core.Export;

/// <summary>The segments of one kind, oldest first.</summary>
/// <remarks>Errors: those of the disk. Threads: one at a time, but for <see cref="Items"/>.</remarks>
internal sealed class SpoolLine(string directory, ExportKind kind, long segmentBytes)
{
    private readonly LinkedList<SpoolSegment> _segments = [];
    private long _lastNumber;
    private long _items;

    /// <summary>Items that wait, but for those of a record that was taken.</summary>
    public long Items => Volatile.Read(ref _items);

    /// <summary>Bytes on disk.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds a segment of an earlier process; in order.</summary>
    public void Add(SpoolSegment segment)
    {
        _segments.AddLast(segment);
        Bytes += segment.Length;
        CountItems(segment.Items);
    }

    /// <summary>Counts on behind a number.</summary>
    public void Skip(long number) => _lastNumber = Math.Max(_lastNumber, number);

    /// <summary>Writes a record at the end.</summary>
    public SpoolTicket Append(ReadOnlySpan<byte> record, ExportBatch batch)
    {
        SpoolSegment segment = _segments.Last is { } last && last.Value.Length < segmentBytes ? last.Value : Roll();
        long offset;
        try
        {
            offset = segment.Append(record, batch.Items);
        }
        catch (IOException)
        {
            segment.TryCutTail();
            throw;
        }
        Bytes += record.Length;
        CountItems(batch.Items);
        return new SpoolTicket(segment, offset, record.Length, batch.Items);
    }

    /// <summary>Looks at the oldest record that waits; deletes what is drained on the way.</summary>
    /// <param name="damaged">Items that turned out to be unreadable.</param>
    /// <param name="ticket">Where it is.</param>
    /// <param name="record">Its head.</param>
    public bool TryPeek(out SpoolTicket ticket, out SpoolRecord record, ref long damaged)
    {
        while (_segments.First is { } first)
        {
            SpoolSegment segment = first.Value;
            if (segment.TryPeek(out long offset, out record))
            {
                ticket = new SpoolTicket(segment, offset, record.TotalBytes, record.Items);
                return true;
            }
            damaged += segment.IsDrained ? 0 : segment.Items;
            _ = DropOldest();
        }
        ticket = default;
        record = default;
        return false;
    }

    /// <summary>Gives up the oldest segment.</summary>
    /// <returns>Items that waited in it; -1 when there is none.</returns>
    public long DropOldest()
    {
        if (_segments.First is not { } first)
        {
            return -1;
        }
        SpoolSegment segment = first.Value;
        segment.TryDelete();
        _segments.RemoveFirst();
        Bytes -= segment.Length;
        CountItems(-segment.Items);
        return segment.Items;
    }

    /// <summary>The items of a record wait no more, or again.</summary>
    public void Count(SpoolTicket ticket, int sign)
    {
        if (!ticket.Segment.IsGone)
        {
            ticket.Segment.Items += sign * ticket.Items;
            CountItems(sign * ticket.Items);
        }
    }

    /// <summary>Closes the files.</summary>
    public void Close()
    {
        foreach (SpoolSegment segment in _segments)
        {
            segment.Dispose();
        }
    }

    private SpoolSegment Roll()
    {
        if (_segments.Count > 1)
        {
            _segments.Last!.Value.Dispose(); // the first one is being read
        }
        // Counted before: a file that could not be made whole is in the way of none.
        SpoolSegment segment = SpoolSegment.Create(Path.Combine(directory, SpoolFiles.NameOf(kind, ++_lastNumber)), kind);
        _segments.AddLast(segment);
        Bytes += segment.Length;
        return segment;
    }

    private void CountItems(long items) => Volatile.Write(ref _items, _items + items);
}

/// <summary>A record on disk.</summary>
/// <param name="Segment">The file it lies in.</param>
/// <param name="Offset">Where.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Items">Its items.</param>
internal readonly record struct SpoolTicket(SpoolSegment Segment, long Offset, long Bytes, int Items);
