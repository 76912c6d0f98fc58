namespace KubeBpfBox.Core.Export;

/// <summary>Batches in memory, within a bound: those that wait, one line for each kind, and those that the exporter's thread has taken.</summary>
/// <remarks>Threads: any. When there is no room for a batch, the oldest of the least kind goes, never one of a kind above its own.</remarks>
internal sealed class BatchQueue(long maxBytes, Action<Delivery> dropped)
{
    private readonly Lock _lock = new();
    private readonly Line[] _lines = new Line[ExportStages.Kinds];
    private long _bytes;
    private long _waitingBytes;

    /// <summary>Nothing waits.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return Array.TrueForAll(_lines, static line => line.First is null);
            }
        }
    }

    /// <summary>Bytes of the batches that nobody has taken yet.</summary>
    public long WaitingBytes
    {
        get
        {
            lock (_lock)
            {
                return _waitingBytes;
            }
        }
    }

    /// <summary>Items of a kind, waiting or taken.</summary>
    public long Items(ExportKind kind)
    {
        lock (_lock)
        {
            return _lines[(int)kind].Items;
        }
    }

    /// <summary>True when a batch would find room, if need be in the place of others.</summary>
    public bool HasRoom(ExportKind kind, long bytes)
    {
        lock (_lock)
        {
            long free = maxBytes - _bytes;
            for (int i = 0; i <= (int)kind; i++)
            {
                free += _lines[i].WaitingBytes;
            }
            return bytes <= free;
        }
    }

    /// <summary>Puts a batch at the end of its line.</summary>
    /// <returns>False when there is no room; the batch stays the caller's.</returns>
    public bool TryAdd(Delivery delivery)
    {
        lock (_lock)
        {
            if (!HasRoom(delivery.Kind, delivery.Bytes))
            {
                return false;
            }
            for (int i = 0; _bytes + delivery.Bytes > maxBytes; i++)
            {
                while (_bytes + delivery.Bytes > maxBytes && _lines[i].First is not null)
                {
                    Delivery oldest = TakeFrom(ref _lines[i]);
                    Leave(oldest, oldest.Items, isLast: true);
                    dropped(oldest);
                }
            }
            Adopt(delivery);
            Append(delivery);
            return true;
        }
    }

    /// <summary>Takes the oldest of the highest kind; it stays within the bound until all of it is settled.</summary>
    public Delivery? Take()
    {
        lock (_lock)
        {
            for (int i = _lines.Length - 1; i >= 0; i--)
            {
                if (_lines[i].First is not null)
                {
                    return TakeFrom(ref _lines[i]);
                }
            }
            return null;
        }
    }

    /// <summary>Takes the oldest of the least kind.</summary>
    public Delivery? TakeLeast()
    {
        lock (_lock)
        {
            for (int i = 0; i < _lines.Length; i++)
            {
                if (_lines[i].First is not null)
                {
                    return TakeFrom(ref _lines[i]);
                }
            }
            return null;
        }
    }

    /// <summary>Counts a batch that the exporter's thread took from elsewhere.</summary>
    public void Adopt(Delivery delivery)
    {
        lock (_lock)
        {
            _bytes += delivery.Bytes;
            _lines[(int)delivery.Kind].Items += delivery.Items;
        }
    }

    /// <summary>Items of a taken batch came to an end.</summary>
    /// <param name="delivery">The batch.</param>
    /// <param name="items">How many.</param>
    /// <param name="isLast">Nothing of the batch is left: its bytes are free.</param>
    public void Leave(Delivery delivery, int items, bool isLast)
    {
        lock (_lock)
        {
            _lines[(int)delivery.Kind].Items -= items;
            _bytes -= isLast ? delivery.Bytes : 0;
        }
    }

    /// <summary>Puts a taken batch back at the head of its line.</summary>
    public void PutBack(Delivery delivery)
    {
        lock (_lock)
        {
            ref Line line = ref _lines[(int)delivery.Kind];
            delivery.Next = line.First;
            line.First = delivery;
            line.Last ??= delivery;
            Waits(ref line, delivery.Bytes);
        }
    }

    /// <summary>Puts a taken batch back at the end of its line.</summary>
    public void PutLast(Delivery delivery)
    {
        lock (_lock)
        {
            Append(delivery);
        }
    }

    private void Append(Delivery delivery)
    {
        ref Line line = ref _lines[(int)delivery.Kind];
        if (line.Last is null)
        {
            line.First = delivery;
        }
        else
        {
            line.Last.Next = delivery;
        }
        line.Last = delivery;
        Waits(ref line, delivery.Bytes);
    }

    private Delivery TakeFrom(ref Line line)
    {
        Delivery delivery = line.First!;
        line.First = delivery.Next;
        line.Last = line.First is null ? null : line.Last;
        delivery.Next = null;
        Waits(ref line, -delivery.Bytes);
        return delivery;
    }

    private void Waits(ref Line line, long bytes)
    {
        line.WaitingBytes += bytes;
        _waitingBytes += bytes;
    }

    private struct Line
    {
        public Delivery? First;
        public Delivery? Last;
        public long WaitingBytes;
        public long Items;
    }
}
