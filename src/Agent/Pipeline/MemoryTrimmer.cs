namespace KubeBpfBox.Agent.Pipeline;

/// <summary>
/// Gives memory back after a burst. The hot path allocates nothing, so after ten thousand connections were opened no collection would ever come
/// to clear away what their opening left behind.
/// </summary>
internal sealed class MemoryTrimmer(Func<long> transactions) : IDisposable
{
    private const int PeriodMs = 5_000;
    private const long WorthBytes = 2 << 20;

    /// <summary>A collection stops all threads for some ten milliseconds: not while the ring buffer fills fast.</summary>
    private const long QuietTransactionsPerPeriod = 5_000;

    private Timer? _timer;
    private long _lastTransactions;
    private long _lastAllocatedBytes;

    /// <summary>Begins to look now and then.</summary>
    public void Start() => _timer = new Timer(static state => ((MemoryTrimmer)state!).Look(), this, PeriodMs, PeriodMs);

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private void Look()
    {
        long now = transactions();
        bool isQuiet = now - _lastTransactions < QuietTransactionsPerPeriod;
        _lastTransactions = now;
        if (isQuiet && GC.GetTotalAllocatedBytes() - _lastAllocatedBytes > WorthBytes)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            _lastAllocatedBytes = GC.GetTotalAllocatedBytes();
        }
    }
}
