using KubeBpfBox.Core.History;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>What a query adds up in; used again by the next one.</summary>
/// <remarks>
/// Without it a query over 1000 workloads leaves 3 MiB of garbage, too long-lived for the collector's first generation: 100 of them left the
/// agent 60 MiB larger. Memory: that of the largest query, but of <see cref="MaxKept"/> sums at most (about 4 KiB each). One query at a time.
/// </remarks>
internal sealed class QueryScratch
{
    private const int MaxKept = 1024;

    private readonly List<Sums> _sums = [];
    private int _used;

    /// <summary>What belongs to which series; null for one that is not wanted.</summary>
    public Dictionary<SeriesKey, Sums?> Series { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>What belongs to which call.</summary>
    public Dictionary<CallKey, Sums> Calls { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Zeros, until the query ends.</summary>
    public Sums Rent()
    {
        if (_used == _sums.Count)
        {
            _sums.Add(new Sums());
        }
        return _sums[_used++];
    }

    /// <summary>Takes all back. The keys go, so that no pod is held that is long gone.</summary>
    public void Clear()
    {
        _sums.RemoveRange(Math.Min(MaxKept, _used), Math.Max(0, _used - MaxKept));
        for (int i = 0; i < Math.Min(_used, _sums.Count); i++)
        {
            _sums[i].Clear();
        }
        _used = 0;
        Clear(Series);
        Clear(Calls);
    }

    private static void Clear<TKey, TValue>(Dictionary<TKey, TValue> table)
        where TKey : notnull
    {
        bool isLarge = table.Count > 4 * MaxKept;
        table.Clear();
        if (isLarge)
        {
            table.TrimExcess();
        }
    }
}
