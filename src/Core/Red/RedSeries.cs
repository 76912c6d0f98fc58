using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>What distinguishes series, but for the route. Roles and protocols are few constants.</summary>
internal readonly record struct RedKey(Workload Workload, string? Role, string Protocol, string Method, int Status, string? ErrorType)
{
    public bool Is(in RedKey other) => Status == other.Status && ReferenceEquals(Method, other.Method)
        && Role == other.Role && Protocol == other.Protocol && ErrorType == other.ErrorType && RedIdentity.AreSame(Workload, other.Workload);
}

/// <summary>Counts of one series.</summary>
internal struct RedCounts()
{
    public long Count;
    public long Errors;
    public long RequestBytes;
    public long ResponseBytes;
    public DurationHistogram Duration = new();

    public void Record(bool isError, in Transaction transaction, long durationNs)
    {
        Count++;
        Errors += isError ? 1 : 0;
        RequestBytes += transaction.RequestBytes;
        ResponseBytes += transaction.ResponseBytes;
        if (durationNs >= 0)
        {
            Duration.Record(durationNs);
        }
    }

    public readonly RedCounts Clone() => this with { Duration = Duration.Clone() };

    public void Add(in RedCounts other)
    {
        Count += other.Count;
        Errors += other.Errors;
        RequestBytes += other.RequestBytes;
        ResponseBytes += other.ResponseBytes;
        Duration.Add(other.Duration);
    }

    public void Clear()
    {
        Count = Errors = RequestBytes = ResponseBytes = 0;
        Duration.Clear();
    }
}

/// <summary>One series: transactions go to the window only, and from there to the total when the window is taken.</summary>
/// <remarks>What tells it apart never changes and may be read by any thread; its counts are read through a <see cref="RedReader"/> or a snapshot.</remarks>
public sealed class RedSeries
{
    private RedCounts _window = new();
    private RedCounts _total = new();
    private RedExemplars? _exemplars;

    internal RedSeries(in RedKey key, string route, int hash, bool isOverflow, long startNs)
    {
        Key = key;
        Route = route;
        Hash = hash;
        IsOverflow = isOverflow;
        StartNs = startNs;
    }

    /// <inheritdoc cref="RedSeriesSnapshot.Workload"/>
    public Workload Workload => Key.Workload;

    /// <inheritdoc cref="RedSeriesSnapshot.Role"/>
    public string? Role => Key.Role;

    /// <inheritdoc cref="RedSeriesSnapshot.Protocol"/>
    public string Protocol => Key.Protocol;

    /// <inheritdoc cref="RedSeriesSnapshot.Method"/>
    public string Method => Key.Method;

    /// <inheritdoc cref="RedSeriesSnapshot.Route"/>
    public string Route { get; }

    /// <inheritdoc cref="RedSeriesSnapshot.Status"/>
    public int Status => Key.Status;

    /// <inheritdoc cref="RedSeriesSnapshot.ErrorType"/>
    public string? ErrorType => Key.ErrorType;

    /// <inheritdoc cref="RedSeriesSnapshot.IsOverflow"/>
    public bool IsOverflow { get; }

    /// <inheritdoc cref="RedSeriesSnapshot.StartNs"/>
    public long StartNs { get; }

    internal RedKey Key { get; }

    internal int Hash { get; }

    /// <summary>Time of the newest transaction.</summary>
    internal long LastSeenNs { get; set; }

    internal long Count => _total.Count + _window.Count;

    internal bool HasWindow => _window.Count != 0;

    internal void Record(bool isError, in Transaction transaction)
    {
        long durationNs = RedRules.DurationNs(in transaction);
        _window.Record(isError, in transaction, durationNs);
        if (durationNs >= 0 && !transaction.Attributes.IsEmpty)
        {
            RedExemplars.Offer(ref _exemplars, in transaction);
        }
    }

    /// <summary>Reads the counts since the start without copying a histogram.</summary>
    internal void Read(RedReading into) => into.Set(this, in _total, in _window, _exemplars);

    internal RedSeriesSnapshot SnapshotTotal()
    {
        RedCounts sum = _total.Clone();
        sum.Add(in _window);
        return Snapshot(in sum, sum.Duration, _exemplars?.All() ?? []);
    }

    /// <summary>The window so far; its exemplars are left for who takes it.</summary>
    internal RedSeriesSnapshot PeekWindow() => Snapshot(in _window, _window.Duration.Clone(), []);

    internal RedSeriesSnapshot TakeWindow()
    {
        RedSeriesSnapshot taken = Snapshot(in _window, _window.Duration.Clone(), _exemplars?.TakeNew() ?? []);
        _total.Add(in _window);
        _window.Clear();
        return taken;
    }

    private RedSeriesSnapshot Snapshot(in RedCounts counts, DurationHistogram duration, IReadOnlyList<RedExemplar> exemplars) => new()
    {
        Workload = Key.Workload,
        Role = Key.Role,
        Protocol = Key.Protocol,
        Method = Key.Method,
        Route = Route,
        Status = Key.Status,
        ErrorType = Key.ErrorType,
        StartNs = StartNs,
        Count = counts.Count,
        Errors = counts.Errors,
        RequestBytes = counts.RequestBytes,
        ResponseBytes = counts.ResponseBytes,
        Duration = duration,
        Exemplars = exemplars,
        IsOverflow = IsOverflow,
    };
}
