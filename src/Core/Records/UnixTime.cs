namespace KubeBpfBox.Core.Records;

/// <summary>Times of day as records have them: nanoseconds since the Unix epoch.</summary>
public static class UnixTime
{
    /// <summary>What a clock says now; in steps of 100 ns.</summary>
    public static long NowNs(this TimeProvider time) => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
}
