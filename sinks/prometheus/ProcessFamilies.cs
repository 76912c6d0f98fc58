using System.Buffers.Text;
using System.Diagnostics;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>What the agent itself costs, under the names that Prometheus' client libraries use.</summary>
internal static class ProcessFamilies
{
    private static readonly double s_startSeconds = StartSeconds();

    public static void Write(ref ExpositionWriter writer)
    {
        writer.Family("process_cpu_seconds_total"u8, "counter"u8, "User and system CPU time spent in seconds."u8);
        writer.Sample("process_cpu_seconds_total"u8);
        writer.Value(Environment.CpuUsage.TotalTime.TotalSeconds);

        if (TryReadMemory(out long virtualBytes, out long residentBytes))
        {
            writer.Family("process_resident_memory_bytes"u8, "gauge"u8, "Resident memory size in bytes."u8);
            writer.Sample("process_resident_memory_bytes"u8);
            writer.Value(residentBytes);
            writer.Family("process_virtual_memory_bytes"u8, "gauge"u8, "Virtual memory size in bytes."u8);
            writer.Sample("process_virtual_memory_bytes"u8);
            writer.Value(virtualBytes);
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

    // Source: proc_pid_statm(5): total and resident pages are the first two numbers.
    private static bool TryReadMemory(out long virtualBytes, out long residentBytes)
    {
        virtualBytes = residentBytes = 0;
        try
        {
            using FileStream file = new("/proc/self/statm", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            Span<byte> text = stackalloc byte[128];
            ReadOnlySpan<byte> read = text[..file.Read(text)];
            if (!Utf8Parser.TryParse(read, out long pages, out int length) || !Utf8Parser.TryParse(read[(length + 1)..], out long resident, out _))
            {
                return false;
            }
            virtualBytes = pages * Environment.SystemPageSize;
            residentBytes = resident * Environment.SystemPageSize;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
