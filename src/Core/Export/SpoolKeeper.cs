using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Export;

/// <summary>A spool on a disk that may fail: opened again if need be, told about once, never a reason to stop.</summary>
/// <remarks>Errors: none. Threads: one at a time, but for <see cref="Items"/>, <see cref="Bytes"/> and <see cref="Trouble"/>.</remarks>
internal sealed class SpoolKeeper(string id, ExportOptions options, ExportStages stages, ExportLog log, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(10);

    private readonly string? _path = options.SpoolMaxBytes > 0 ? options.SpoolPath : null;
    private readonly long _startedAt = time.GetTimestamp();
    private volatile Spool? _spool;
    private volatile string? _trouble;
    private readonly RareWarning _faults = new(log.Warn);
    private TimeSpan _nextTry;
    private bool _isTold;
    private long _bytes;

    /// <summary>Where it is; null when there is none.</summary>
    public string? Path => _path;

    /// <summary>What is wrong with it, in one line that says what to do.</summary>
    public string? Trouble => _trouble;

    /// <summary>Bytes on disk.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>It takes batches, as far as is known.</summary>
    public bool IsUsable => _spool is not null && Now >= _nextTry;

    /// <summary>Something waits in it that can be read.</summary>
    public bool HasItems => Bytes > 0 && IsUsable;

    /// <summary>When a disk that failed is tried again; null when none did.</summary>
    public TimeSpan? RetryIn => _path is null || _trouble is null ? null : TimeSpan.FromTicks(Math.Max(0, (_nextTry - Now).Ticks));

    private TimeSpan Now => time.GetElapsedTime(_startedAt);

    /// <summary>Items of a kind that wait in it.</summary>
    public long Items(ExportKind kind) => _spool?.Items(kind) ?? 0;

    /// <summary>Opens it, if there is one that is not open; looks whether a disk that failed works again.</summary>
    public void Open()
    {
        if (_path is null || Now < _nextTry || (_spool is not null && _trouble is null))
        {
            return;
        }
        if (_spool is not null)
        {
            _ = Try(() =>
            {
                _spool.Check();
                OnUsed();
            });
            return;
        }
        _ = Try(() =>
        {
            Spool spool = Spool.Open(_path, options.SpoolMaxBytes, stages.Drop, text => log.Warn($"{id}: spool: {text}"));
            stages.Recover(spool.Items);
            _spool = spool;
            spool.Trim();
            OnUsed();
        });
    }

    /// <summary>Moves what is left of a batch to disk; what finds no room is dropped, and counted.</summary>
    /// <param name="delivery">The batch.</param>
    /// <param name="moved">Told of each piece that is dealt with.</param>
    /// <returns>False when the disk does not take it: then it stays in memory.</returns>
    public bool TryKeep(Delivery delivery, Action<Delivery> moved)
    {
        while (!delivery.IsDone)
        {
            ExportBatch piece = delivery.Current;
            if (!TryAppend(piece, DropReason.SpoolFull, out _))
            {
                return false;
            }
            moved(delivery);
        }
        return true;
    }

    /// <summary>Writes a batch to disk while it is being sent, so that others may follow behind it.</summary>
    public void TryKeepSent(Delivery delivery)
    {
        if (TryAppend(delivery.Current, null, out SpoolTicket? ticket) && ticket is { } taken)
        {
            _spool!.Take(delivery.Kind, taken);
            delivery.Ticket = taken;
        }
    }

    /// <summary>Takes the batch that is to be sent next.</summary>
    public Delivery? Take()
    {
        Delivery? taken = null;
        _ = HasItems && Try(() =>
        {
            if (_spool!.TryTake(out ExportBatch batch, out SpoolTicket ticket))
            {
                taken = new Delivery(batch, null) { Ticket = ticket, IsReplay = true };
            }
        });
        return taken;
    }

    /// <summary>A batch with a record on disk was not taken by the server: it waits there again.</summary>
    /// <returns>False when it had to make room meanwhile.</returns>
    public bool TryPutBack(Delivery delivery) => _spool!.TryPutBack(delivery.Kind, delivery.Ticket!.Value);

    /// <summary>A batch with a record on disk came to an end, or has another record.</summary>
    public void Settle(Delivery delivery)
    {
        SpoolTicket ticket = delivery.Ticket!.Value;
        delivery.Ticket = null;
        _ = Try(() => Spool.Settle(ticket));
    }

    /// <summary>Gives up what is too old.</summary>
    public void Expire()
    {
        if (HasItems)
        {
            double oldest = time.NowNs() - (options.SpoolMaxAge.TotalSeconds * 1e9);
            _ = Try(() => _spool!.Expire((long)oldest));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _spool?.Dispose();

    // False when the disk failed; true without a ticket when the budget has no room.
    private bool TryAppend(ExportBatch batch, DropReason? reasonWithoutRoom, out SpoolTicket? ticket)
    {
        SpoolTicket? written = null;
        bool isDone = IsUsable && Try(() =>
        {
            written = _spool!.TryAppend(batch, out SpoolTicket at) ? at : null;
            OnUsed();
        });
        if (isDone && written is null && reasonWithoutRoom is { } reason)
        {
            stages.Drop(batch.Kind, reason, batch.Items);
        }
        ticket = written;
        return isDone;
    }

    private void OnUsed()
    {
        if (_trouble is not null)
        {
            _trouble = null;
            if (_isTold)
            {
                log.Inform($"{id}: the spool {_path} can be used again");
            }
        }
    }

    private bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            if (_trouble is null)
            {
                _isTold = _faults.Tell(Now, 1, () => $"{id}: spool {_path}: {e.Message}; what has to wait is held in memory meanwhile");
            }
            _trouble = $"the spool {_path} cannot be used: {e.Message}; see that it can be written and its disk has room, or choose another with the setting spool.path";
            _nextTry = Now + s_pause;
            return false;
        }
        finally
        {
            Volatile.Write(ref _bytes, _spool?.Bytes ?? 0);
        }
    }
}
