namespace KubeBpfBox.Core.Red;

/// <content>Reads a few series at a time, so that the thread that parses is never kept waiting for long.</content>
public sealed partial class RedTable
{
    /// <summary>Series that are copied whole before the gate is given back once.</summary>
    private const int SnapshotsAtOnce = 64;

    /// <summary>
    /// All series since the start (of the series), overflow series last. Those of deleted pods are left out some time after their last
    /// transaction. Each series is consistent; the table goes on counting while they are copied.
    /// </summary>
    public IReadOnlyList<RedSeriesSnapshot> Snapshot()
    {
        List<RedSeriesSnapshot> all = [];
        Walk(series =>
        {
            if (!IsGone(series))
            {
                all.Add(series.SnapshotTotal());
            }
        });
        return all;
    }

    /// <summary>What was counted since the last call; only series with transactions. Meant for one caller: each transaction is given once.</summary>
    public IReadOnlyList<RedSeriesSnapshot> TakeWindow()
    {
        lock (_gate)
        {
            _windowsAreTaken = true;
        }
        return WalkWindow(static series => series.TakeWindow());
    }

    /// <summary>What was counted since the window was last taken; it stays to be taken. Exemplars are left out.</summary>
    public IReadOnlyList<RedSeriesSnapshot> PeekWindow() => WalkWindow(static series => series.PeekWindow());

    private List<RedSeriesSnapshot> WalkWindow(Func<RedSeries, RedSeriesSnapshot> read)
    {
        List<RedSeriesSnapshot> active = [];
        Walk(series =>
        {
            if (series.HasWindow)
            {
                active.Add(read(series));
            }
        });
        return active;
    }

    /// <summary>Calls for each series, holding the gate for a few calls at a time; then removes those that are gone.</summary>
    private void Walk(Action<RedSeries> visit)
    {
        RedSeries[] list = [];
        int count;
        lock (_gate)
        {
            count = CopyList(ref list);
        }
        bool hasGone = false;
        for (int from = 0; from < count; from += SnapshotsAtOnce)
        {
            lock (_gate)
            {
                foreach (RedSeries series in list.AsSpan(from, Math.Min(SnapshotsAtOnce, count - from)))
                {
                    visit(series);
                    hasGone |= IsGone(series);
                }
            }
        }
        if (hasGone)
        {
            lock (_gate)
            {
                RemoveGone();
            }
        }
    }

    /// <summary>Copies which series there are, overflow series last. They stay readable when they leave the table. The caller holds the gate.</summary>
    /// <param name="list">Replaced when it is too short.</param>
    /// <returns>How many.</returns>
    internal int CopyList(ref RedSeries[] list)
    {
        int count = _series.Count + _overflow.Count;
        if (list.Length < count)
        {
            list = new RedSeries[Math.Max(count, list.Length * 2)];
        }
        _series.CopyTo(list);
        _overflow.CopyTo(list, _series.Count);
        return count;
    }

    /// <summary>True for a series of a deleted pod that nothing happened to for some time. The caller holds the gate.</summary>
    internal bool IsGone(RedSeries series) => series.Workload.Lifetime is { IsOver: true } && IsIdle(series, GoneForNs);

    /// <summary>Removes those series. The caller holds the gate.</summary>
    internal void RemoveGone() => Remove(IsGone);
}
