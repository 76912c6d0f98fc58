using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Core.History;

/// <summary>The recent windows and the open one, so that a request shows within a second and not only when its window is over.</summary>
/// <remarks>
/// The open window is read once a second at most, however many ask. Threads: any. Each transaction is in one row: a window that is
/// over takes the open one's place in one step.
/// </remarks>
/// <param name="windows">Knows the open window, and hands the others to <paramref name="recent"/>.</param>
/// <param name="recent">The windows that are over.</param>
/// <param name="time">The clock.</param>
public sealed class CurrentHistory(RedWindows windows, RecentHistory recent, TimeProvider? time = null) : IRedHistory
{
    private static readonly TimeSpan s_pace = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private long? _peekedAt;

    /// <inheritdoc/>
    public long? SinceS
    {
        get
        {
            Peek();
            return recent.SinceS;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> StepsS => recent.StepsS;

    /// <inheritdoc/>
    public void ReadSeries(long sinceS, long untilS, int stepS, HistoryFilter filter, HistoryRowHandler<SeriesKey> handler, CancellationToken stop)
    {
        Peek();
        recent.ReadSeries(sinceS, untilS, stepS, filter, handler, stop);
    }

    /// <inheritdoc/>
    public void ReadCalls(long sinceS, long untilS, int stepS, HistoryFilter filter, HistoryRowHandler<CallKey> handler, CancellationToken stop)
    {
        Peek();
        recent.ReadCalls(sinceS, untilS, stepS, filter, handler, stop);
    }

    private void Peek()
    {
        lock (_lock)
        {
            if (_peekedAt is { } at && _time.GetElapsedTime(at) < s_pace)
            {
                return;
            }
            windows.Peek(recent.ShowOpen);
            _peekedAt = _time.GetTimestamp();
        }
    }
}
