using System.Numerics;

namespace KubeBpfBox.Agent.Configuration;

/// <summary>Fits the large buffers to the memory that the process may use: its container's limit, or the machine's memory.</summary>
internal static class MemoryBudget
{
    /// <summary>What each of the two may take; the agent's own 30 to 40 MiB and bursts need the rest.</summary>
    private const int Share = 16;

    private const long LeastRingBytes = 64 << 10;
    private const long LeastStreamBytes = 1 << 20;

    /// <summary>What this process may use, in bytes.</summary>
    public static long LimitBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Lowers what is above its share; never raises anything.</summary>
    /// <returns>One line for each change.</returns>
    public static IReadOnlyList<string> Fit(AgentOptions options, long limitBytes)
    {
        List<string> changes = [];
        long share = limitBytes / Share;
        if (options.StreamsMaxBytes > Math.Max(share, LeastStreamBytes))
        {
            changes.Add(Describe("streams.max_bytes", options.StreamsMaxBytes, options.StreamsMaxBytes = Math.Max(share, LeastStreamBytes), limitBytes));
        }
        if (options.TrafficRingBytes > Math.Max(share, LeastRingBytes))
        {
            long ring = Math.Max((long)BitOperations.RoundUpToPowerOf2((ulong)share + 1) / 2, LeastRingBytes);
            changes.Add(Describe("plugins.traffic.ring_bytes", options.TrafficRingBytes, options.TrafficRingBytes = ring, limitBytes));
        }
        return changes;
    }

    private static string Describe(string key, long from, long to, long limitBytes) =>
        $"{key} is {Units.FormatBytes(to)} instead of {Units.FormatBytes(from)}: this process may use {limitBytes >> 20} MiB of memory; raise the container's limit to have more";
}
