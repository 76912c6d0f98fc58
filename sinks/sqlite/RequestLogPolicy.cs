using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Why a request is in the log.</summary>
public enum KeptAs : byte
{
    /// <summary>One of those that the rate let through.</summary>
    Sample,

    /// <summary>An error.</summary>
    Error,

    /// <summary>One of the slowest of its second.</summary>
    Slow,
}

/// <summary>A request that is to be stored.</summary>
/// <param name="Record">The copy; returned to the pool once written.</param>
/// <param name="Kept">Why it is kept.</param>
/// <param name="Weight">How many requests it stands for: itself, and those thinned since the last sampled row.</param>
internal readonly record struct LogEntry(TransactionRecord Record, KeptAs Kept, long Weight);

/// <summary>What became of the requests of one window of time.</summary>
/// <param name="StartS">Start, seconds since the Unix epoch.</param>
/// <param name="Seen">Requests.</param>
/// <param name="Kept">Handed to the writer.</param>
/// <param name="Thinned">Left out by the rate; they are in the weight of the next sampled row.</param>
/// <param name="Dropped">Lost: too many errors, or the writer's queue was full.</param>
internal readonly record struct LogWindow(long StartS, long Seen, long Kept, long Thinned, long Dropped);

/// <summary>Decides which requests are logged: all errors up to a hard rate, the slowest of each second, and a sample of the rest.</summary>
/// <remarks>
/// The parse thread offers, the writer thread takes; one lock guards both, held for less than a microsecond. The slowest are exact: they wait
/// in a heap until their second is over. In = Out + thinned + error_rate + queue_full + write_failed + held.
/// </remarks>
internal sealed class RequestLogPolicy
{
    internal const int WindowSeconds = 10;

    private readonly Lock _lock = new();
    private readonly SqliteSinkOptions _options;
    private readonly TransactionRecordPool _pool;
    private readonly Func<long> _nowMs;
    private readonly LedgerStage _stage;
    private readonly Counter _thinned;
    private readonly Counter _errorRate;
    private readonly Counter _queueFull;
    private readonly PriorityQueue<TransactionRecord, long> _slowest = new();
    private readonly Queue<LogEntry> _queue = new();
    private readonly Queue<LogWindow> _windows = new();
    private double _tokens;
    private long _refilledMs;
    private long _second;
    private int _errorsThisSecond;
    private long _thinnedSinceSample;
    private long _windowStartS;
    private long _seenInWindow;
    private long _keptInWindow;
    private long _thinnedInWindow;
    private long _droppedInWindow;

    /// <summary>Makes a policy.</summary>
    /// <param name="options">Rates and bounds.</param>
    /// <param name="stage">Gets the counts; the writer counts what it wrote as its Out.</param>
    /// <param name="nowMs">Milliseconds since the Unix epoch.</param>
    public RequestLogPolicy(SqliteSinkOptions options, LedgerStage stage, Func<long> nowMs)
    {
        _options = options;
        _stage = stage;
        _nowMs = nowMs;
        _pool = new TransactionRecordPool(options.QueueCapacity, options.QueueBytes);
        _thinned = stage.DropReason("thinned");
        _errorRate = stage.DropReason("error_rate");
        _queueFull = stage.DropReason("queue_full");
        stage.Held = () => _pool.Out;
        _tokens = options.LogRate;
        _refilledMs = nowMs();
        _second = _refilledMs / 1000;
        _windowStartS = _second / WindowSeconds * WindowSeconds;
    }

    /// <summary>Judges one request, on the parse thread.</summary>
    public void Offer(in Transaction transaction)
    {
        bool isError = TransactionOutcome.IsError(in transaction);
        lock (_lock)
        {
            Advance(_nowMs());
            _stage.In.Add(1);
            _seenInWindow++;
            if (isError)
            {
                OfferError(in transaction);
            }
            else if (_tokens >= 1)
            {
                _tokens--;
                if (TryCopy(in transaction) is { } record)
                {
                    Enqueue(new LogEntry(record, KeptAs.Sample, 1 + _thinnedSinceSample));
                    _thinnedSinceSample = 0;
                }
            }
            else
            {
                OfferSlow(in transaction);
            }
        }
    }

    /// <summary>Takes what is to be written, on the writer's thread.</summary>
    public bool TryTake(out LogEntry entry)
    {
        lock (_lock)
        {
            return _queue.TryDequeue(out entry);
        }
    }

    /// <summary>Takes a window that is over.</summary>
    public bool TryTakeWindow(out LogWindow window)
    {
        lock (_lock)
        {
            return _windows.TryDequeue(out window);
        }
    }

    /// <summary>Gives back what was written or given up.</summary>
    public void Return(in LogEntry entry) => _pool.Return(entry.Record);

    /// <summary>Ends seconds and windows that are over although no request came, on the writer's thread.</summary>
    /// <param name="final">True at shutdown: the current second and window end too.</param>
    public void Tick(bool final = false)
    {
        lock (_lock)
        {
            Advance(_nowMs());
            if (final)
            {
                EndSecond();
                EndWindow(_windowStartS + WindowSeconds);
            }
        }
    }

    private void OfferError(in Transaction transaction)
    {
        if (_errorsThisSecond >= _options.MaxErrorRate)
        {
            Drop(_errorRate);
            return;
        }
        _errorsThisSecond++;
        if (TryCopy(in transaction) is { } record)
        {
            Enqueue(new LogEntry(record, KeptAs.Error, 1));
        }
    }

    private void OfferSlow(in Transaction transaction)
    {
        bool isFull = _slowest.Count >= _options.SlowestPerSecond;
        if (isFull && (!_slowest.TryPeek(out _, out long fastestNs) || transaction.DurationNs <= fastestNs))
        {
            Thin();
            return;
        }
        if (TryCopy(in transaction) is not { } record)
        {
            return;
        }
        _slowest.Enqueue(record, transaction.DurationNs);
        if (isFull)
        {
            _pool.Return(_slowest.Dequeue());
            Thin();
        }
    }

    private TransactionRecord? TryCopy(in Transaction transaction)
    {
        TransactionRecord? record = _pool.TryRent(in transaction, references: 1);
        if (record is null)
        {
            Drop(_queueFull);
        }
        return record;
    }

    private void Enqueue(LogEntry entry)
    {
        _queue.Enqueue(entry);
        _keptInWindow++;
    }

    private void Thin()
    {
        _thinned.Add(1);
        _thinnedSinceSample++;
        _thinnedInWindow++;
    }

    private void Drop(Counter reason)
    {
        reason.Add(1);
        _droppedInWindow++;
    }

    private void Advance(long nowMs)
    {
        long elapsedMs = nowMs - _refilledMs;
        if (elapsedMs == 0)
        {
            return;
        }
        if (elapsedMs > 0)
        {
            _tokens = Math.Min(_options.LogRate, _tokens + (elapsedMs * _options.LogRate / 1000.0));
        }
        _refilledMs = nowMs;
        long second = nowMs / 1000;
        if (second == _second)
        {
            return;
        }
        EndSecond();
        _second = second;
        // A clock that was set back ends the window too: it must not stay open for hours.
        if (second >= _windowStartS + WindowSeconds || second < _windowStartS)
        {
            EndWindow(second / WindowSeconds * WindowSeconds);
        }
    }

    private void EndSecond()
    {
        _errorsThisSecond = 0;
        while (_slowest.TryDequeue(out TransactionRecord? record, out _))
        {
            Enqueue(new LogEntry(record, KeptAs.Slow, 1));
        }
    }

    private void EndWindow(long nextStartS)
    {
        // A database that cannot be written for long must not collect windows: an hour of them is enough.
        if (_seenInWindow > 0 && _windows.Count < 360)
        {
            _windows.Enqueue(new LogWindow(_windowStartS, _seenInWindow, _keptInWindow, _thinnedInWindow, _droppedInWindow));
        }
        _seenInWindow = _keptInWindow = _thinnedInWindow = _droppedInWindow = 0;
        _windowStartS = nextStartS;
    }
}
