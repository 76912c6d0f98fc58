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
internal sealed class RedSeries(in RedKey key, string route, int hash, bool isOverflow, long startNs)
{
    private RedCounts _window = new();
    private RedCounts _total = new();

    public RedKey Key { get; } = key;

    public string Route { get; } = route;

    public int Hash { get; } = hash;

    public bool IsOverflow { get; } = isOverflow;

    /// <summary>Time of the newest transaction.</summary>
    public long LastSeenNs { get; set; }

    public long Count => _total.Count + _window.Count;

    public bool HasWindow => _window.Count != 0;

    public void Record(bool isError, long requestBytes, long responseBytes, long durationNs)
    {
        _window.Count++;
        _window.Errors += isError ? 1 : 0;
        _window.RequestBytes += requestBytes;
        _window.ResponseBytes += responseBytes;
        if (durationNs >= 0)
        {
            _window.Duration.Record(durationNs);
        }
    }

    public RedSeriesSnapshot SnapshotTotal()
    {
        RedCounts sum = _total.Clone();
        sum.Add(in _window);
        return Snapshot(in sum, sum.Duration);
    }

    public RedSeriesSnapshot TakeWindow()
    {
        RedSeriesSnapshot taken = Snapshot(in _window, _window.Duration.Clone());
        _total.Add(in _window);
        _window.Clear();
        return taken;
    }

    private RedSeriesSnapshot Snapshot(in RedCounts counts, DurationHistogram duration) => new()
    {
        Workload = Key.Workload,
        Role = Key.Role,
        Protocol = Key.Protocol,
        Method = Key.Method,
        Route = Route,
        Status = Key.Status,
        ErrorType = Key.ErrorType,
        StartNs = startNs,
        Count = counts.Count,
        Errors = counts.Errors,
        RequestBytes = counts.RequestBytes,
        ResponseBytes = counts.ResponseBytes,
        Duration = duration,
        IsOverflow = IsOverflow,
    };
}
