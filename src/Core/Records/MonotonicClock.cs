using System.Diagnostics;

namespace KubeBpfBox.Core.Records;

/// <summary>Turns the kernel's times into times of day.</summary>
/// <remarks>Units: nanoseconds; of CLOCK_MONOTONIC on one side, since the Unix epoch on the other. Threads: one at a time.</remarks>
public sealed class MonotonicClock
{
    private const long LargestSlewNs = 10_000_000;

    private long _offsetNs = UnixNowNs() - NowNs;

    /// <summary>What bpf_ktime_get_ns would say now.</summary>
    /// <remarks>On Linux the stopwatch counts CLOCK_MONOTONIC in nanoseconds.</remarks>
    public static long NowNs => Stopwatch.GetTimestamp();

    /// <summary>The time of day of a kernel time.</summary>
    public long ToUnixNs(long monotonicNs) => monotonicNs + _offsetNs;

    /// <summary>Follows a clock that was set. Small corrections are left alone: a duration must not change because time is slewed.</summary>
    public void Adjust()
    {
        long offset = UnixNowNs() - NowNs;
        if (Math.Abs(offset - _offsetNs) > LargestSlewNs)
        {
            _offsetNs = offset;
        }
    }

    private static long UnixNowNs() => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
}
