using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>The agent's memory and its store as one history: memory for what it has, the store for what is older.</summary>
/// <param name="recent">The newest windows, the open one among them.</param>
/// <param name="stored">Older ones; null when nothing is stored.</param>
/// <param name="startedS">When the agent began, seconds since the Unix epoch: its first window is known from then on only.</param>
internal sealed class JoinedHistory(IRedHistory recent, IRedHistory? stored, long startedS)
{
    /// <summary>Says where a range is read.</summary>
    public HistoryPlan Plan(HistoryRange range)
    {
        long? recentSinceS = recent.SinceS;
        if (stored is null || recentSinceS <= range.SinceS)
        {
            return new HistoryPlan(range, "memory", KnownFrom(recentSinceS), [new HistoryPart(recent, range.SinceS, range.UntilS, Coarsest(recent, range.StepS))]);
        }
        // No window twice: memory from its first one on, the store until there. What is left before that is read in ever finer steps,
        // as a step of the store that memory begins within would have windows of both.
        long takeS = Math.Min(recentSinceS ?? range.UntilS, range.UntilS);
        List<HistoryPart> parts = [];
        long atS = range.SinceS;
        foreach (int step in stored.StepsS.Reverse().Where(step => range.StepS % step == 0))
        {
            long endS = takeS / step * step;
            if (endS > atS)
            {
                parts.Add(new HistoryPart(stored, atS, endS, step));
                atS = endS;
            }
        }
        if (takeS < range.UntilS)
        {
            parts.Add(new HistoryPart(recent, takeS, range.UntilS, recent.StepsS[0]));
        }
        return new HistoryPlan(range, "store", KnownFrom(Earlier(stored.SinceS, recentSinceS)), parts);
    }

    private long? KnownFrom(long? firstS) => startedS - firstS is > 0 and < RedWindows.Seconds ? startedS : firstS;

    private static int Coarsest(IRedHistory history, int stepS) => history.StepsS.Last(step => stepS % step == 0);

    private static long? Earlier(long? one, long? other) => one is null || other < one ? other : one;
}

/// <summary>A piece of a range, and who has it.</summary>
internal sealed record HistoryPart(IRedHistory History, long SinceS, long UntilS, int StepS);

/// <summary>How a range is read.</summary>
/// <param name="Range">The range.</param>
/// <param name="Source">"memory" or "store", for who asked.</param>
/// <param name="KnownSinceS">From when on anything is known; null for nothing.</param>
/// <param name="Parts">The pieces, oldest first.</param>
internal sealed record HistoryPlan(HistoryRange Range, string Source, long? KnownSinceS, IReadOnlyList<HistoryPart> Parts)
{
    /// <summary>Seconds of the range that are known: what rates are divided by. At least 1.</summary>
    public long KnownSeconds => Math.Max(1, Math.Min(Range.NowS, Range.UntilS) - Math.Max(Range.SinceS, KnownSinceS ?? Range.SinceS));

    /// <summary>Reads series.</summary>
    public void ReadSeries(HistoryFilter filter, HistoryRowHandler<SeriesKey> handler, CancellationToken stop)
    {
        foreach (HistoryPart part in Parts)
        {
            part.History.ReadSeries(part.SinceS, part.UntilS, part.StepS, filter, handler, stop);
        }
    }

    /// <summary>Reads calls.</summary>
    public void ReadCalls(HistoryFilter filter, HistoryRowHandler<CallKey> handler, CancellationToken stop)
    {
        foreach (HistoryPart part in Parts)
        {
            part.History.ReadCalls(part.SinceS, part.UntilS, part.StepS, filter, handler, stop);
        }
    }
}
