using System.Diagnostics;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>What the agent itself costs, under the names that Prometheus' client libraries and OpenTelemetry's conventions for .NET use.</summary>
internal static class ProcessFamilies
{
    private static readonly double s_startSeconds = StartSeconds();

    public static void Write(ref ExpositionWriter writer, AgentHealth health)
    {
        writer.Single(MetricType.Counter, "process_cpu_seconds"u8, "User and system CPU time spent in seconds."u8, health.CpuSeconds, "seconds"u8);
        if (health.ResidentBytes > 0)
        {
            writer.Single(MetricType.Gauge, "process_resident_memory_bytes"u8, "Resident memory size in bytes."u8, health.ResidentBytes, "bytes"u8);
            writer.Single(MetricType.Gauge, "process_virtual_memory_bytes"u8, "Virtual memory size in bytes."u8, health.VirtualBytes, "bytes"u8);
        }
        writer.Single(MetricType.Gauge, "process_start_time_seconds"u8, "Start time of the process since unix epoch in seconds."u8, s_startSeconds, "seconds"u8);
        if (TryCountOpenFiles(out int openFiles))
        {
            writer.Single(MetricType.Gauge, "process_open_fds"u8, "Number of open file descriptors."u8, openFiles);
        }

        writer.Family(MetricType.Counter, "dotnet_gc_collections"u8, "Garbage collections since the start."u8);
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            writer.Sample("dotnet_gc_collections"u8, "_total"u8);
            writer.Label("gc_heap_generation"u8, $"gen{generation}");
            // A collection of a generation collects those below it too, and is counted for each.
            writer.Value(GC.CollectionCount(generation) - (generation == GC.MaxGeneration ? 0 : GC.CollectionCount(generation + 1)));
        }
        writer.Single(MetricType.Counter, "dotnet_gc_pause_time_seconds"u8, "Time that all threads stood still for garbage collections."u8, GC.GetTotalPauseDuration().TotalSeconds, "seconds"u8);
        writer.Single(MetricType.Counter, "dotnet_gc_heap_total_allocated_bytes"u8, "Bytes allocated on the managed heap since the start."u8, GC.GetTotalAllocatedBytes(), "bytes"u8);
    }

    private static bool TryCountOpenFiles(out int count)
    {
        try
        {
            count = Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            count = 0;
            return false;
        }
    }

    private static double StartSeconds()
    {
        using Process self = Process.GetCurrentProcess();
        return (self.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;
    }
}
