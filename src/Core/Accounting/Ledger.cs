namespace KubeBpfBox.Core.Accounting;

/// <summary>A count that one thread writes and any thread reads.</summary>
public sealed class Counter
{
    private long _value;

    /// <summary>The count so far.</summary>
    public long Value
    {
        get => Volatile.Read(ref _value);
        set => Volatile.Write(ref _value, value);
    }

    /// <summary>Adds; only the owning thread may.</summary>
    public void Add(long count) => _value += count;

    /// <summary>Adds, for counters that more than one thread writes.</summary>
    public void AddShared(long count) => Interlocked.Add(ref _value, count);
}

/// <summary>One arrow of the pipeline: what went in came out, was dropped for a reason, or is still held.</summary>
/// <remarks>The identity In = Out + sum(Dropped) + Held holds whenever the stage is at rest.</remarks>
public sealed class LedgerStage(string name, string unit)
{
    private readonly List<KeyValuePair<string, Counter>> _dropped = [];

    /// <summary>Name in metrics: "traffic_kernel", "stream", "http1", "sqlite".</summary>
    public string Name => name;

    /// <summary>What is counted: "packets", "bytes", "transactions".</summary>
    public string Unit => unit;

    /// <summary>What came in.</summary>
    public Counter In { get; } = new();

    /// <summary>What went on to the next stage.</summary>
    public Counter Out { get; } = new();

    /// <summary>What is inside now; null when the stage holds nothing.</summary>
    public Func<long>? Held { get; set; }

    /// <summary>What was dropped, by reason, in the order of declaration.</summary>
    public IReadOnlyList<KeyValuePair<string, Counter>> Dropped => _dropped;

    /// <summary>Declares a reason. Call at start-up only.</summary>
    /// <param name="reason">snake_case, as in metrics.</param>
    public Counter DropReason(string reason)
    {
        Counter counter = new();
        _dropped.Add(new(reason, counter));
        return counter;
    }

    /// <summary>In - Out - dropped - held: 0 when nothing is unaccounted for.</summary>
    public long Unaccounted
    {
        get
        {
            long rest = In.Value - Out.Value - (Held?.Invoke() ?? 0);
            foreach ((_, Counter counter) in _dropped)
            {
                rest -= counter.Value;
            }
            return rest;
        }
    }
}

/// <summary>All stages, in the order in which they were added.</summary>
public sealed class Ledger
{
    private readonly List<LedgerStage> _stages = [];
    private readonly List<Action> _refreshers = [];

    /// <summary>The stages, in the order in which they were added.</summary>
    public IReadOnlyList<LedgerStage> Stages => _stages;

    /// <summary>Adds a stage. Call at start-up only.</summary>
    public LedgerStage AddStage(string name, string unit)
    {
        LedgerStage stage = new(name, unit);
        _stages.Add(stage);
        return stage;
    }

    /// <summary>Registers work to do before the ledger is read, such as summing kernel counters.</summary>
    public void OnRead(Action refresh) => _refreshers.Add(refresh);

    /// <summary>Brings counters that live elsewhere up to date.</summary>
    public void Refresh()
    {
        foreach (Action refresh in _refreshers)
        {
            refresh();
        }
    }
}
