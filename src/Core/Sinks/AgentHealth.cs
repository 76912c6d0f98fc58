using System.Buffers.Text;

namespace KubeBpfBox.Core.Sinks;

/// <summary>How the agent itself is, for outputs that tell it.</summary>
/// <param name="Completeness">How much of what was there was seen, from 0 to 1.</param>
/// <param name="CpuSeconds">User and system time since the start.</param>
/// <param name="ResidentBytes">Resident memory; 0 where it cannot be read.</param>
/// <param name="VirtualBytes">Virtual memory; 0 where it cannot be read.</param>
/// <param name="RedSeries">Series of rate, errors and duration in use.</param>
/// <param name="Version">Product's version.</param>
public sealed record AgentHealth(double Completeness, double CpuSeconds, long ResidentBytes, long VirtualBytes, int RedSeries, string Version)
{
    /// <summary>Reads what the process uses now.</summary>
    /// <param name="completeness">How much of what was there was seen.</param>
    /// <param name="redSeries">Series in use.</param>
    /// <param name="version">Product's version.</param>
    public static AgentHealth Read(double completeness, int redSeries, string version)
    {
        (long virtualBytes, long residentBytes) = ReadMemory();
        return new AgentHealth(completeness, Environment.CpuUsage.TotalTime.TotalSeconds, residentBytes, virtualBytes, redSeries, version);
    }

    // Source: proc_pid_statm(5): total and resident pages are the first two numbers.
    private static (long VirtualBytes, long ResidentBytes) ReadMemory()
    {
        try
        {
            using FileStream file = new("/proc/self/statm", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            Span<byte> text = stackalloc byte[128];
            ReadOnlySpan<byte> read = text[..file.Read(text)];
            return Utf8Parser.TryParse(read, out long pages, out int length) && Utf8Parser.TryParse(read[(length + 1)..], out long resident, out _)
                ? (pages * Environment.SystemPageSize, resident * Environment.SystemPageSize)
                : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }
}
