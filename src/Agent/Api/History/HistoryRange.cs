namespace KubeBpfBox.Agent.Api.History;

/// <summary>A range of time in steps of one length.</summary>
/// <param name="SinceS">Start of the first step, seconds since the Unix epoch; a multiple of the step.</param>
/// <param name="UntilS">End of the last step; the open one is whole in it, so that it may lie ahead.</param>
/// <param name="StepS">Length of a step, seconds.</param>
/// <param name="NowS">The agent's clock.</param>
internal sealed record HistoryRange(long SinceS, long UntilS, int StepS, long NowS)
{
    /// <summary>Most steps that are asked for.</summary>
    public const int MaxPoints = 400;

    private const long NsPerSecond = 1_000_000_000;
    private const long DefaultS = 900;
    private const int DayS = 86_400;

    /// <summary>Lengths that people read well. All but the first few are sums of the steps of ten minutes or an hour that a store keeps for long.</summary>
    private static readonly int[] s_steps = [10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, DayS];

    /// <summary>How many steps.</summary>
    public int Steps => (int)((UntilS - SinceS) / StepS);

    /// <summary>The step that a time lies in.</summary>
    public int IndexOf(long startS) => (int)((startS - SinceS) / StepS);

    /// <summary>Makes the range.</summary>
    /// <param name="wanted">What was asked for; the last quarter of an hour when nothing was.</param>
    /// <param name="points">How many steps are wanted at most; a range that does not begin with a step has one more.</param>
    /// <param name="nowNs">The agent's clock.</param>
    /// <param name="query">Told when the range does not lie in the past.</param>
    public static HistoryRange From(TimeRange wanted, int points, long nowNs, QueryReader query)
    {
        long nowS = nowNs / NsPerSecond;
        long untilS = Math.Min(nowS + 1, ((wanted.UntilNs ?? nowNs) + NsPerSecond - 1) / NsPerSecond);
        if (wanted.SinceNs is { } since)
        {
            long sinceS = since / NsPerSecond;
            if (sinceS >= untilS)
            {
                query.Refuse("since: lies ahead of the agent's clock");
                sinceS = untilS - 1;
            }
            int step = StepOf(untilS - sinceS, points);
            return new HistoryRange(sinceS / step * step, Ceiling(untilS, step), step, nowS);
        }
        // So many whole steps that end with the open one: the number of points stays the same from one look to the next.
        long lengthS = Math.Max(1, (wanted.LastNs ?? DefaultS * NsPerSecond) / NsPerSecond);
        int stepS = StepOf(lengthS, points);
        long endS = Ceiling(untilS, stepS);
        return new HistoryRange(Math.Max(0, endS - Ceiling(lengthS, stepS)), endS, stepS, nowS);
    }

    private static int StepOf(long lengthS, int points)
    {
        long least = (lengthS + points - 1) / points;
        int found = Array.Find(s_steps, step => step >= least);
        return found > 0 ? found : (int)Ceiling(least, DayS);
    }

    private static long Ceiling(long value, int step) => (value + step - 1) / step * step;
}
