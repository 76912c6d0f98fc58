using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Live;

/// <summary>Hands transactions and events to whoever watches: the console, the API's streams. Without a subscriber it costs one read.</summary>
/// <remarks>
/// The parse thread copies a transaction once, into a pooled record that all subscribers who want it share. It never waits: what a slow
/// reader cannot take is dropped for that reader and counted. The ledger's unit is deliveries: one transaction or event to one subscriber.
/// </remarks>
public sealed class LiveHub : ITransactionObserver, INodeEventObserver
{
    private readonly Lock _lock = new();
    private readonly TransactionRecordPool _pool;
    private readonly int _queueCapacity;
    private readonly LedgerStage _stage;
    private readonly Counter _queueFull;
    private readonly Counter _poolEmpty;
    private readonly Counter _readerGone;
    private readonly Counter _rateLimit;
    private readonly Func<long> _clockMs;
    private volatile LiveSubscription[] _subscriptions = [];

    /// <summary>Makes a hub.</summary>
    /// <param name="ledger">Gets the stage "live".</param>
    /// <param name="capacity">Records that may be out at once, for all subscribers together.</param>
    /// <param name="maxBytes">Bytes of records that may be out at once.</param>
    /// <param name="clockMs">Milliseconds of a coarse clock, for readers that want so many a second; the system's unless told otherwise.</param>
    public LiveHub(Ledger ledger, int capacity = 4096, long maxBytes = 4 << 20, Func<long>? clockMs = null)
    {
        _clockMs = clockMs ?? (static () => Environment.TickCount64);
        _pool = new TransactionRecordPool(capacity, maxBytes);
        _queueCapacity = capacity;
        _stage = ledger.AddStage("live", "deliveries");
        _queueFull = _stage.DropReason("slow_reader");
        _poolEmpty = _stage.DropReason("pool_empty");
        _readerGone = _stage.DropReason("reader_gone");
        _rateLimit = _stage.DropReason("rate_limit");
        _stage.Held = () => _subscriptions.Sum(static subscription => (long)subscription.Count);
    }

    /// <summary>How many watch now.</summary>
    public int SubscriberCount => _subscriptions.Length;

    /// <summary>Starts watching; dispose the result to stop.</summary>
    /// <param name="filter">What is wanted.</param>
    /// <param name="maxPerSecond">Most transactions a second, 1 or more; null for all. Events of the node always pass.</param>
    public LiveSubscription Subscribe(TransactionFilter filter, int? maxPerSecond = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPerSecond ?? 1, 1, nameof(maxPerSecond));
        LiveSubscription subscription = new(this, filter, _queueCapacity, maxPerSecond is { } limit ? new RateLimit(limit) : null);
        lock (_lock)
        {
            _subscriptions = [.. _subscriptions, subscription];
        }
        return subscription;
    }

    /// <inheritdoc/>
    public void OnTransaction(in Transaction transaction)
    {
        LiveSubscription[] subscriptions = _subscriptions;
        if (subscriptions.Length != 0)
        {
            Publish(subscriptions, in transaction);
        }
    }

    /// <inheritdoc/>
    public void OnEvent(NodeEvent happened)
    {
        foreach (LiveSubscription subscription in _subscriptions)
        {
            if (subscription.Filter.Matches(happened))
            {
                _stage.In.AddShared(1);
                if (!subscription.TryEnqueue(happened))
                {
                    _queueFull.AddShared(1);
                }
            }
        }
    }

    internal void CountTaken() => _stage.Out.AddShared(1);

    internal void Release(TransactionRecord record)
    {
        _pool.Return(record);
        _stage.Out.AddShared(1);
    }

    internal void Remove(LiveSubscription subscription, int undelivered)
    {
        lock (_lock)
        {
            _subscriptions = [.. _subscriptions.Where(other => other != subscription)];
        }
        _readerGone.AddShared(undelivered);
    }

    internal void Discard(TransactionRecord record) => _pool.Return(record);

    private void Publish(LiveSubscription[] subscriptions, in Transaction transaction)
    {
        int chosen = 0, skipped = 0;
        foreach (LiveSubscription subscription in subscriptions)
        {
            skipped += subscription.Choose(in transaction, _clockMs) ? 0 : 1;
            chosen += subscription.IsChosen ? 1 : 0;
        }
        if (chosen + skipped == 0)
        {
            return;
        }
        _stage.In.AddShared(chosen + skipped);
        _rateLimit.AddShared(skipped);
        // What nobody gets is not copied.
        TransactionRecord? record = chosen == 0 ? null : _pool.TryRent(in transaction, chosen);
        if (record is null)
        {
            _poolEmpty.AddShared(chosen);
        }
        foreach (LiveSubscription subscription in subscriptions)
        {
            if (!subscription.IsChosen)
            {
                continue;
            }
            if (record is null)
            {
                subscription.CountMissed();
            }
            else if (!subscription.TryEnqueue(record))
            {
                _queueFull.AddShared(1);
                _pool.Return(record);
            }
        }
    }
}
