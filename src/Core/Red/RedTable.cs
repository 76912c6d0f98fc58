using System.Diagnostics;
using System.Text;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>Rate, errors and duration per workload, role, protocol, method, route, status and kind of error.</summary>
/// <remarks>
/// At most <see cref="MaxSeries"/> series; transactions of any further one are counted in the overflow series of their role and
/// protocol, of which there is one each on top. At the cap, series without a transaction for the idle time make room.
/// Units: nanoseconds and bytes. Errors: none. Lifetime: a transaction's spans are not kept; snapshots are copies.
/// Threads: whoever passes transactions holds the gate (<see cref="Enter"/>, <see cref="Exit"/>) around a batch of
/// them; <see cref="Snapshot"/>, <see cref="TakeWindow"/> and a <see cref="RedReader"/> take it themselves for a few series at a
/// time, from any thread. Counters may be read at any time.
/// Identity: Transactions = ResponsesWithoutRequest + sum of Count over all series + EvictedTransactions.
/// </remarks>
public sealed partial class RedTable : ITransactionObserver, IBatchGate
{
    /// <summary>Series unless told otherwise.</summary>
    public const int DefaultMaxSeries = 2000;

    /// <summary>What the overflow series has for a workload, a method and a route.</summary>
    public const string OverflowName = "overflow";

    /// <summary>The workload of overflow series, and of both ends of overflow calls.</summary>
    internal static Workload OverflowWorkload { get; } = new(OverflowName, WorkloadSource.Unknown);

    private readonly Lock _gate = new();
    private readonly RedTargetCache _cache = new();
    private readonly List<RedSeries> _series = [];
    private readonly List<RedSeries> _overflow = [];
    private readonly int[] _slots;
    private readonly long _idleNs;
    private long _nowNs;
    private long _nextEvictionNs = long.MinValue;
    private bool _windowsAreTaken;

    /// <summary>How long the series of a deleted pod stay: a scraper sees their last values some times.</summary>
    private const long GoneForNs = 300_000_000_000;

    /// <summary>Makes an empty table.</summary>
    /// <param name="maxSeries">Most series at a time, the overflow series not counted.</param>
    /// <param name="idle">How long a series is kept without a transaction when others need room; an hour unless told otherwise.</param>
    public RedTable(int maxSeries = DefaultMaxSeries, TimeSpan? idle = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSeries, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxSeries, 1 << 20);
        MaxSeries = maxSeries;
        _idleNs = (idle ?? TimeSpan.FromHours(1)).Ticks * TimeSpan.NanosecondsPerTick;
        // At most half full, so that probing stays short.
        _slots = new int[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)maxSeries * 2)];
    }

    /// <summary>Most series at a time.</summary>
    public int MaxSeries { get; }

    /// <summary>Series now, the overflow series not counted.</summary>
    public int SeriesCount => _series.Count;

    /// <summary>All transactions passed.</summary>
    public Counter Transactions { get; } = new();

    /// <summary>Transactions that went to an overflow series.</summary>
    public Counter OverflowTransactions { get; } = new();

    /// <summary>Responses whose request was not captured: they say nothing of a route and are in no series.</summary>
    public Counter ResponsesWithoutRequest { get; } = new();

    /// <summary>Series that made room after the idle time.</summary>
    public Counter EvictedSeries { get; } = new();

    /// <summary>Transactions that those series had counted.</summary>
    public Counter EvictedTransactions { get; } = new();

    /// <summary>Transactions counted in a series, those evicted since included.</summary>
    public Counter SeriesTransactions { get; } = new();

    /// <summary>Takes the gate; needed around calls of <see cref="OnTransaction"/>. Keep it for a batch, not for good.</summary>
    public void Enter() => _gate.Enter();

    /// <summary>Gives the gate back.</summary>
    public void Exit() => _gate.Exit();

    /// <summary>Counts a transaction. The caller holds the gate.</summary>
    public void OnTransaction(in Transaction transaction)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread, "Call RedTable.Enter() before passing transactions.");
        Transactions.Add(1);
        _nowNs = Math.Max(_nowNs, transaction.StartNs);
        if (transaction.Method.IsEmpty)
        {
            ResponsesWithoutRequest.Add(1);
            return;
        }
        string? role = transaction.Connection.RoleOf(transaction.ClientSide);
        string method = RedRules.MethodName(transaction.Method);
        RedSeries? series = _cache.Find(in transaction, role, method, out int slot, out bool isError);
        // An overflow series is remembered as such only until room can have been made.
        if (series is null || (series.IsOverflow && _nowNs >= _nextEvictionNs))
        {
            string? errorType = RedRules.ErrorType(role, transaction.Status, transaction.Error);
            isError = errorType is not null;
            series = FindOrAdd(new RedKey(transaction.Connection.Workload, role, transaction.Protocol, method, transaction.Status, errorType), transaction.Target);
            _cache.Set(slot, in transaction, role, method, series, isError);
        }
        if (series.IsOverflow)
        {
            OverflowTransactions.Add(1);
        }
        series.LastSeenNs = _nowNs;
        series.Record(isError, in transaction);
        SeriesTransactions.Add(1);
    }

    private RedSeries FindOrAdd(in RedKey key, ReadOnlySpan<byte> target)
    {
        Span<byte> buffer = stackalloc byte[RouteTemplate.MaxBytes];
        ReadOnlySpan<byte> route = buffer[..RouteTemplate.Write(target, buffer)];
        int hash = HashOf(in key, route);
        int slot = FindSlot(hash, in key, route);
        if (_slots[slot] != 0)
        {
            return _series[_slots[slot] - 1];
        }
        if (_series.Count >= MaxSeries)
        {
            if (!TryEvictIdle())
            {
                return OverflowOf(in key);
            }
            slot = FindSlot(hash, in key, route);
        }
        RedSeries series = new(in key, Encoding.ASCII.GetString(route), hash, isOverflow: false, _nowNs);
        _series.Add(series);
        _slots[slot] = _series.Count;
        return series;
    }

    /// <summary>The slot that holds the series, or the empty one where it belongs.</summary>
    private int FindSlot(int hash, in RedKey key, ReadOnlySpan<byte> route)
    {
        int mask = _slots.Length - 1;
        int slot = hash & mask;
        while (_slots[slot] != 0)
        {
            RedSeries series = _series[_slots[slot] - 1];
            if (series.Hash == hash && series.Key.Is(in key) && Ascii.Equals(route, series.Route))
            {
                break;
            }
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private static int HashOf(in RedKey key, ReadOnlySpan<byte> route)
    {
        // Seeded by the runtime at each start: routes come from outside.
        HashCode hash = default;
        RedIdentity.AddTo(ref hash, key.Workload);
        hash.Add(key.Role);
        hash.Add(key.Protocol);
        hash.Add(key.Method);
        hash.Add(key.Status);
        hash.Add(key.ErrorType);
        hash.AddBytes(route);
        return hash.ToHashCode();
    }

    private RedSeries OverflowOf(in RedKey key)
    {
        foreach (RedSeries series in _overflow)
        {
            if (series.Key.Role == key.Role && series.Key.Protocol == key.Protocol)
            {
                return series;
            }
        }
        RedSeries added = new(new RedKey(OverflowWorkload, key.Role, key.Protocol, OverflowName, 0, null), OverflowName, 0, isOverflow: true, _nowNs);
        _overflow.Add(added);
        return added;
    }

    /// <summary>Removes series that nothing happened to for the idle time.</summary>
    /// <returns>False when there is none; then no look is taken again before there can be one.</returns>
    private bool TryEvictIdle()
    {
        if (_nowNs < _nextEvictionNs)
        {
            return false;
        }
        int removed = Remove(series => IsIdle(series, _idleNs));
        if (removed == 0)
        {
            long oldestNs = _series.Min(series => series.HasWindow && _windowsAreTaken ? _nowNs : series.LastSeenNs);
            _nextEvictionNs = oldestNs + _idleNs + 1;
            return false;
        }
        return true;
    }

    /// <summary>A window that will be asked for must not get lost with its series.</summary>
    private bool IsIdle(RedSeries series, long idleNs) => _nowNs - series.LastSeenNs > idleNs && !(_windowsAreTaken && series.HasWindow);

    /// <summary>Removes series.</summary>
    /// <returns>How many.</returns>
    private int Remove(Predicate<RedSeries> isOver)
    {
        int removed = _series.RemoveAll(series =>
        {
            bool isRemoved = isOver(series);
            EvictedTransactions.Add(isRemoved ? series.Count : 0);
            return isRemoved;
        });
        if (removed == 0)
        {
            return 0;
        }
        EvictedSeries.Add(removed);
        _cache.Clear();
        Array.Clear(_slots);
        for (int i = 0; i < _series.Count; i++)
        {
            int slot = _series[i].Hash & (_slots.Length - 1);
            while (_slots[slot] != 0)
            {
                slot = (slot + 1) & (_slots.Length - 1);
            }
            _slots[slot] = i + 1;
        }
        return removed;
    }
}
