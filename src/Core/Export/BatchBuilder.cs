using System.Buffers;

namespace KubeBpfBox.Core.Export;

/// <summary>Collects items of one kind, serialized one behind the other, and hands them on as batches.</summary>
/// <remarks>
/// Threads: any for <see cref="TryBegin"/> up to <see cref="End"/> or <see cref="Abort"/>, which exclude each other and must follow on the same thread. What they
/// may wait for is another item being written, or the exporter's thread while it takes over the bytes of a batch, without copying them.
/// No allocation for an item; one small object for a batch.
/// </remarks>
public sealed class BatchBuilder : IDisposable
{
    // Room behind a full batch for the item that makes it full.
    private const int ItemRoom = 16 * 1024;

    private static readonly TimeSpan s_whileWritten = TimeSpan.FromMilliseconds(10);

    private readonly Exporter _exporter;
    private readonly ExportKind _kind;
    private readonly int _maxBytes;
    private readonly TimeSpan _maxDelay;
    private readonly BatchBufferPool _pool;
    private readonly Lock _lock = new();
    private BatchBuffer? _buffer;
    private int _items;
    private int _itemStart;
    private long _oldestNs;
    private long _beganAt;
    private bool _isOver;

    /// <summary>Makes one; the exporter hands on what gets old.</summary>
    /// <param name="exporter">Takes the batches.</param>
    /// <param name="kind">What is collected.</param>
    /// <param name="maxBytes">Bytes of a batch; only a single item may be larger.</param>
    /// <param name="maxDelay">How long an item may wait for others.</param>
    public BatchBuilder(Exporter exporter, ExportKind kind, int maxBytes, TimeSpan maxDelay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        _exporter = exporter;
        _kind = kind;
        _maxBytes = maxBytes;
        _maxDelay = maxDelay;
        _pool = new BatchBufferPool(checked(maxBytes + ItemRoom));
        exporter.Register(this);
    }

    internal ExportKind Kind => _kind;

    /// <summary>Items that are not handed on yet.</summary>
    internal int PendingItems => Volatile.Read(ref _items);

    /// <summary>Begins an item and counts it as In.</summary>
    /// <param name="writer">Takes its bytes, until <see cref="End"/> or <see cref="Abort"/>.</param>
    /// <returns>False when there is no room: the item is counted as dropped, and neither <see cref="End"/> nor <see cref="Abort"/> may follow.</returns>
    public bool TryBegin(out IBufferWriter<byte> writer)
    {
        _lock.Enter();
        if (_isOver || (_items == 0 && !_exporter.HasRoom(_kind, _maxBytes)))
        {
            DropReason reason = _isOver ? DropReason.Stopped : DropReason.QueueFull;
            _lock.Exit();
            _exporter.CountIn(_kind, 1);
            _exporter.Drop(_kind, reason, 1);
            writer = null!;
            return false;
        }
        _buffer ??= _pool.Rent();
        _itemStart = _buffer.Length;
        writer = _buffer;
        return true;
    }

    /// <summary>Ends an item.</summary>
    /// <param name="timeNs">When it happened, nanoseconds since the Unix epoch.</param>
    public void End(long timeNs)
    {
        bool isFirst;
        try
        {
            if (_items > 0 && _buffer!.Length > _maxBytes)
            {
                HandOnAllButLast();
            }
            _exporter.CountIn(_kind, 1);
            isFirst = _items == 0;
            _oldestNs = isFirst ? timeNs : Math.Min(_oldestNs, timeNs);
            _beganAt = isFirst ? _exporter.Time.GetTimestamp() : _beganAt;
            Volatile.Write(ref _items, _items + 1);
            if (_buffer!.Length >= _maxBytes)
            {
                HandOn();
                isFirst = false;
            }
        }
        finally
        {
            _lock.Exit();
        }
        if (isFirst)
        {
            _exporter.Wake(); // it has to know until when to sleep
        }
    }

    /// <summary>Takes back an item that turned out not to be wanted: it was never In.</summary>
    public void Abort()
    {
        _buffer!.Truncate(_itemStart);
        _lock.Exit();
    }

    /// <summary>Hands on what is there without waiting for more.</summary>
    public void Flush()
    {
        lock (_lock)
        {
            HandOn();
        }
    }

    /// <summary>Hands on what is there; further items are dropped.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            HandOn();
            _isOver = true;
        }
    }

    /// <summary>Hands on a batch that is old enough.</summary>
    /// <returns>Time until there is one that is; infinite when there is none.</returns>
    internal TimeSpan FlushOld()
    {
        if (PendingItems == 0)
        {
            return Timeout.InfiniteTimeSpan;
        }
        if (!_lock.TryEnter())
        {
            return s_whileWritten; // the exporter has more to do than to wait for an item
        }
        try
        {
            TimeSpan left = _items == 0 ? Timeout.InfiniteTimeSpan : _maxDelay - _exporter.Time.GetElapsedTime(_beganAt);
            if (_items == 0 || left > TimeSpan.Zero)
            {
                return left;
            }
            HandOn();
            return Timeout.InfiniteTimeSpan;
        }
        finally
        {
            _lock.Exit();
        }
    }

    private void HandOnAllButLast()
    {
        BatchBuffer next = _pool.Rent();
        ReadOnlySpan<byte> item = _buffer!.Slice(_itemStart, _buffer.Length - _itemStart).Span;
        item.CopyTo(next.GetSpan(item.Length));
        next.Advance(item.Length);
        _buffer.Truncate(_itemStart);
        HandOn();
        _buffer = next;
        _itemStart = 0;
    }

    private void HandOn()
    {
        if (_items == 0)
        {
            return;
        }
        BatchBuffer buffer = _buffer!;
        _buffer = null;
        ExportBatch batch = new(_kind, _items, _oldestNs, buffer.Slice(0, buffer.Length));
        _ = _exporter.TryEnqueue(batch, buffer);
        // After: an item is rather held twice for a moment than not at all.
        Volatile.Write(ref _items, 0);
    }
}
