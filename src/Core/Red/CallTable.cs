using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>Who calls whom: rate, errors and duration per source, destination, observed role and protocol.</summary>
/// <remarks>
/// At most <see cref="MaxCalls"/> calls; transactions of any further one are counted in the overflow call of their role and protocol, of which
/// there is one each on top. At the cap, calls without a transaction for the idle time make room. An end that nobody knows, or that is
/// outside of the cluster, is an end like others.
/// Units: nanoseconds and bytes. Errors: none. Lifetime: keeps names of workloads, not the pods; snapshots are copies.
/// Threads: whoever passes transactions holds the gate around a batch of them; <see cref="TakeWindow"/> and <see cref="PeekWindow"/> take it
/// themselves for a few calls at a time, from any thread.
/// Identity: Transactions = ResponsesWithoutRequest + WithoutRole + CallTransactions; and CallTransactions is what all windows taken and
/// the open one add up to.
/// </remarks>
/// <param name="gate">Of the table of series that the same transactions go to.</param>
/// <param name="maxCalls">Most calls at a time, the overflow calls not counted.</param>
/// <param name="idle">How long a call is kept without a transaction when others need room; ten minutes unless told otherwise.</param>
public sealed class CallTable(IBatchGate gate, int maxCalls = CallTable.DefaultMaxCalls, TimeSpan? idle = null) : ITransactionObserver
{
    /// <summary>Calls unless told otherwise.</summary>
    public const int DefaultMaxCalls = 1000;

    /// <summary>Calls that are copied before the gate is given back once.</summary>
    private const int SnapshotsAtOnce = 64;

    private readonly CallCache _cache = new();
    private readonly Dictionary<CallKey, Call> _calls = new(CallIdentity.Instance);
    private readonly List<Call> _overflow = [];
    private readonly long _idleNs = (idle ?? TimeSpan.FromMinutes(10)).Ticks * TimeSpan.NanosecondsPerTick;
    private long _nowNs;
    private long _nextEvictionNs = long.MinValue;

    /// <summary>Most calls at a time.</summary>
    public int MaxCalls => maxCalls;

    /// <summary>Calls now, the overflow calls not counted.</summary>
    public int CallCount => _calls.Count;

    /// <summary>All transactions passed.</summary>
    public Counter Transactions { get; } = new();

    /// <summary>Transactions counted in a call.</summary>
    public Counter CallTransactions { get; } = new();

    /// <summary>Transactions that went to an overflow call.</summary>
    public Counter OverflowTransactions { get; } = new();

    /// <summary>Responses whose request was not captured: they are in no call, as they are in no series.</summary>
    public Counter ResponsesWithoutRequest { get; } = new();

    /// <summary>Transactions of a capture, which does not tell who was observed.</summary>
    public Counter WithoutRole { get; } = new();

    /// <summary>Calls that made room after the idle time.</summary>
    public Counter EvictedCalls { get; } = new();

    /// <summary>Counts a transaction. The caller holds the gate.</summary>
    public void OnTransaction(in Transaction transaction)
    {
        Transactions.Add(1);
        if (transaction.Method.IsEmpty)
        {
            ResponsesWithoutRequest.Add(1);
            return;
        }
        if (transaction.Connection.RoleOf(transaction.ClientSide) is not { } role)
        {
            WithoutRole.Add(1);
            return;
        }
        _nowNs = Math.Max(_nowNs, transaction.StartNs);
        Workload workload = transaction.Connection.Workload, peer = transaction.Connection.Peer;
        bool isClient = role == "client";
        CallEnds ends = new(isClient ? workload : peer, isClient ? peer : workload, role, transaction.Protocol);
        Call? call = _cache.Find(in ends, out int slot);
        // An overflow call is remembered as such only until room can have been made.
        if (call is null || (call.Key.IsOverflow && _nowNs >= _nextEvictionNs))
        {
            call = FindOrAdd(in ends);
            _cache.Set(slot, in ends, call);
        }
        OverflowTransactions.Add(call.Key.IsOverflow ? 1 : 0);
        call.Record(RedRules.ErrorType(role, transaction.Status, transaction.Error) is not null, in transaction, _nowNs);
        CallTransactions.Add(1);
    }

    /// <summary>What was counted since the last call; only calls with transactions. Meant for one caller: each transaction is given once.</summary>
    public IReadOnlyList<CallSnapshot> TakeWindow() => Walk(static call => call.TakeWindow());

    /// <summary>What was counted since the window was last taken; it stays to be taken.</summary>
    public IReadOnlyList<CallSnapshot> PeekWindow() => Walk(static call => call.PeekWindow());

    private Call FindOrAdd(in CallEnds ends)
    {
        Dictionary<CallKey, Call>.AlternateLookup<CallEnds> byEnds = _calls.GetAlternateLookup<CallEnds>();
        if (byEnds.TryGetValue(ends, out Call? found))
        {
            return found;
        }
        if (_calls.Count >= maxCalls && !TryEvictIdle())
        {
            return OverflowOf(in ends);
        }
        Call added = new(CallIdentity.Instance.Create(ends));
        _calls.Add(added.Key, added);
        return added;
    }

    private Call OverflowOf(in CallEnds ends)
    {
        foreach (Call call in _overflow)
        {
            if (call.Key.Role == ends.Role && call.Key.Protocol == ends.Protocol)
            {
                return call;
            }
        }
        Call added = new(new CallKey(RedTable.OverflowWorkload, RedTable.OverflowWorkload, ends.Role, ends.Protocol, IsOverflow: true));
        _overflow.Add(added);
        return added;
    }

    /// <summary>Removes calls that nothing happened to for the idle time, unless their window is still to be taken: so nothing counted gets lost.</summary>
    /// <returns>False when there is none; then no look is taken again before there can be one.</returns>
    private bool TryEvictIdle()
    {
        if (_nowNs < _nextEvictionNs)
        {
            return false;
        }
        int before = _calls.Count;
        long oldestNs = _nowNs;
        foreach ((CallKey key, Call call) in _calls)
        {
            if (call.HasWindow)
            {
                continue;
            }
            if (_nowNs - call.LastSeenNs > _idleNs)
            {
                _calls.Remove(key);
            }
            else
            {
                oldestNs = Math.Min(oldestNs, call.LastSeenNs);
            }
        }
        if (_calls.Count == before)
        {
            _nextEvictionNs = oldestNs + _idleNs + 1;
            return false;
        }
        EvictedCalls.Add(before - _calls.Count);
        _cache.Clear();
        return true;
    }

    /// <summary>Reads each call that has a window, holding the gate for a few at a time.</summary>
    private List<CallSnapshot> Walk(Func<Call, CallSnapshot> read)
    {
        Call[] list = [];
        Hold(() => list = [.. _calls.Values, .. _overflow]);
        List<CallSnapshot> active = [];
        for (int from = 0; from < list.Length; from += SnapshotsAtOnce)
        {
            Hold(() =>
            {
                foreach (Call call in list.AsSpan(from, Math.Min(SnapshotsAtOnce, list.Length - from)))
                {
                    if (call.HasWindow)
                    {
                        active.Add(read(call));
                    }
                }
            });
        }
        return active;
    }

    private void Hold(Action action)
    {
        gate.Enter();
        try
        {
            action();
        }
        finally
        {
            gate.Exit();
        }
    }
}
