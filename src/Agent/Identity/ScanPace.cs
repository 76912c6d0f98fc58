namespace KubeBpfBox.Agent.Identity;

/// <summary>Says when the next look through a whole tree is due: a twentieth of the time over the long run, a few at once after a quiet while.</summary>
/// <remarks>
/// A scan is paid for from a credit of <see cref="MaxCreditMs"/> that fills up by a millisecond in twenty: a server that has just been started is
/// looked for at once, and whoever makes owners unknown on purpose gets at most <see cref="MaxCreditMs"/> and one scan ahead of the twentieth.
/// A scan is charged at least <see cref="MinChargeMs"/>: five a second over the long run, however quick they are.
/// Units: milliseconds of a monotonic clock. One scan at a time; <see cref="MayScan"/> may be read by another thread meanwhile.
/// </remarks>
internal sealed class ScanPace(TimeProvider time)
{
    /// <summary>What may be spent at once.</summary>
    public const long MaxCreditMs = 100;

    /// <summary>Least that a scan is charged.</summary>
    public const long MinChargeMs = 10;

    /// <summary>How long a charged millisecond takes to come back.</summary>
    public const long MsPerCreditMs = 20;

    private long _startedMs;
    private long _costMs;
    private long _lastCostMs = long.MaxValue;

    // When the credit will be full again: it is what is left of the whole after the time until then.
    private long _fullAtMs = long.MinValue;

    public long NowMs => (long)(time.GetTimestamp() / (double)time.TimestampFrequency * 1000);

    /// <summary>What a scan takes: the quicker of the last two, since a busy machine makes one slow now and then.</summary>
    public long CostMs => Volatile.Read(ref _costMs);

    /// <summary>What is there to spend now; below zero after a scan that took more than was there.</summary>
    public long CreditMs
    {
        get
        {
            long fullAtMs = Volatile.Read(ref _fullAtMs);
            long nowMs = NowMs;
            return fullAtMs <= nowMs ? MaxCreditMs : MaxCreditMs - ((fullAtMs - nowMs + MsPerCreditMs - 1) / MsPerCreditMs);
        }
    }

    /// <summary>True while there is credit for the least charge; the scan may then take more than is there.</summary>
    public bool MayScan => CreditMs >= MinChargeMs;

    public void Begin() => _startedMs = NowMs;

    public void End()
    {
        long nowMs = NowMs;
        long costMs = nowMs - _startedMs;
        Volatile.Write(ref _costMs, Math.Min(costMs, _lastCostMs));
        _lastCostMs = costMs;
        Volatile.Write(ref _fullAtMs, Math.Max(_fullAtMs, nowMs) + (Math.Max(MinChargeMs, costMs) * MsPerCreditMs));
    }
}
