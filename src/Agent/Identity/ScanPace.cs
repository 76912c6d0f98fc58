namespace KubeBpfBox.Agent.Identity;

/// <summary>Says when the next look through a whole tree is due: at most every 200 ms, and never for more than a twentieth of the time.</summary>
/// <remarks>Units: milliseconds of a monotonic clock. One scan at a time; <see cref="MayScan"/> may be read by another thread meanwhile.</remarks>
internal sealed class ScanPace(TimeProvider time)
{
    private const long MinIntervalMs = 200;
    private const long IntervalPerCost = 20;

    private long _startedMs;
    private long _nextMs = long.MinValue;
    private long _costMs;

    public long NowMs => (long)(time.GetTimestamp() / (double)time.TimestampFrequency * 1000);

    /// <summary>What the last scan took.</summary>
    public long CostMs => Volatile.Read(ref _costMs);

    public bool MayScan => NowMs >= Volatile.Read(ref _nextMs);

    public void Begin() => _startedMs = NowMs;

    public void End()
    {
        long nowMs = NowMs;
        long costMs = nowMs - _startedMs;
        Volatile.Write(ref _costMs, costMs);
        Volatile.Write(ref _nextMs, nowMs + Math.Max(MinIntervalMs, costMs * IntervalPerCost));
    }
}
