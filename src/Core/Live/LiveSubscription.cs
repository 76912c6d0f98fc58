using System.Diagnostics.CodeAnalysis;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Live;

/// <summary>One watcher's queue. The hub's thread fills it, one reader empties it.</summary>
public sealed class LiveSubscription : IDisposable
{
    private readonly LiveHub _hub;
    private readonly int _capacity;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _signal = new(0);
    private readonly Queue<NodeEvent> _events = new();
    private readonly Queue<TransactionRecord> _records = new();
    private readonly RateLimit? _limit;
    private bool _isWaiting;
    private bool _isClosed;
    private long _missed;
    private long _skipped;

    internal LiveSubscription(LiveHub hub, TransactionFilter filter, int capacity, RateLimit? limit)
    {
        _limit = limit;
        _hub = hub;
        Filter = filter;
        _capacity = capacity;
    }

    /// <summary>What is wanted.</summary>
    public TransactionFilter Filter { get; }

    /// <summary>Transactions that this reader missed because it, or all readers together, were too slow.</summary>
    public long Missed => Interlocked.Read(ref _missed);

    /// <summary>Transactions that this reader wanted and did not get because there were more a second than it asked for.</summary>
    public long Skipped => Volatile.Read(ref _skipped);

    /// <summary>Whether the transaction at hand goes to this reader. The publishing thread's.</summary>
    internal bool IsChosen { get; private set; }

    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _records.Count + _events.Count;
            }
        }
    }

    /// <summary>Waits until there is something to take.</summary>
    /// <returns>False when <paramref name="timeoutMs"/> passed first.</returns>
    public async ValueTask<bool> WaitAsync(int timeoutMs, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_records.Count > 0 || _events.Count > 0)
            {
                return true;
            }
            _isWaiting = true;
        }
        return await _signal.WaitAsync(timeoutMs, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes the oldest record; give it back with <see cref="Return"/>.</summary>
    public bool TryTake([NotNullWhen(true)] out TransactionRecord? record)
    {
        lock (_lock)
        {
            return _records.TryDequeue(out record);
        }
    }

    /// <summary>Takes the oldest event.</summary>
    public bool TryTake([NotNullWhen(true)] out NodeEvent? happened)
    {
        bool taken;
        lock (_lock)
        {
            taken = _events.TryDequeue(out happened);
        }
        if (taken)
        {
            _hub.CountTaken();
        }
        return taken;
    }

    /// <summary>Gives back a record that was taken.</summary>
    public void Return(TransactionRecord record) => _hub.Release(record);

    /// <summary>Stops watching; what was not taken is dropped and counted.</summary>
    public void Dispose()
    {
        Queue<TransactionRecord> rest;
        int events;
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }
            _isClosed = true;
            rest = new Queue<TransactionRecord>(_records);
            _records.Clear();
            events = _events.Count;
            _events.Clear();
        }
        foreach (TransactionRecord record in rest)
        {
            _hub.Discard(record);
        }
        _hub.Remove(this, rest.Count + events);
        // The semaphore has no wait handle to free, and the hub's thread may still release it.
    }

    /// <summary>Decides on <see cref="IsChosen"/>.</summary>
    /// <returns>False when the filter lets it pass and the rate does not.</returns>
    internal bool Choose(in Transaction transaction, Func<long> clockMs)
    {
        bool isWanted = Filter.Matches(in transaction);
        IsChosen = isWanted && (_limit is null || _limit.TryPass(clockMs()));
        if (isWanted == IsChosen)
        {
            return true;
        }
        // Only this thread writes it.
        Volatile.Write(ref _skipped, _skipped + 1);
        return false;
    }

    internal void CountMissed() => Interlocked.Increment(ref _missed);

    internal bool TryEnqueue(TransactionRecord record) => TryEnqueue(_records, record);

    internal bool TryEnqueue(NodeEvent happened) => TryEnqueue(_events, happened);

    private bool TryEnqueue<T>(Queue<T> queue, T item)
    {
        bool wake;
        lock (_lock)
        {
            if (_isClosed || queue.Count >= _capacity)
            {
                _missed++;
                return false;
            }
            queue.Enqueue(item);
            wake = _isWaiting;
            _isWaiting = false;
        }
        if (wake)
        {
            _signal.Release();
        }
        return true;
    }
}
