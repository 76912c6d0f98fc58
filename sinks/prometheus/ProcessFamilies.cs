using System.Diagnostics;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>What the agent itself costs, under the names that Prometheus' client libraries use.</summary>
internal static class ProcessFamilies
{
    private static readonly double s_startSeconds = StartSeconds();

    public static void Write(ref ExpositionWriter writer, AgentHealth health)
    {
        writer.Family("process_cpu_seconds_total"u8, "counter"u8, "User and system CPU time spent in seconds."u8);
        writer.Sample("process_cpu_seconds_total"u8);
        writer.Value(health.CpuSeconds);

        if (health.ResidentBytes > 0)
        {
            writer.Family("process_resident_memory_bytes"u8, "gauge"u8, "Resident memory size in bytes."u8);
            writer.Sample("process_resident_memory_bytes"u8);
            writer.Value(health.ResidentBytes);
            writer.Family("process_virtual_memory_bytes"u8, "gauge"u8, "Virtual memory size in bytes."u8);
            writer.Sample("process_virtual_memory_bytes"u8);
            writer.Value(health.VirtualBytes);
        }
        writer.Family("process_start_time_seconds"u8, "gauge"u8, "Start time of the process since unix epoch in seconds."u8);
        writer.Sample("process_start_time_seconds"u8);
        writer.Value(s_startSeconds);
    }

    private static double StartSeconds()
    {
        using Process self = Process.GetCurrentProcess();
        return (self.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;
    }
}
