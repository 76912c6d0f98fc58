using System.Globalization;
using System.Runtime.InteropServices;

namespace KubeBpfBox.Support;

/// <summary>CPU time of the whole machine, in ticks of 1/100 s (USER_HZ) summed over all CPUs.</summary>
/// <param name="Busy">Everything but idle, iowait and steal.</param>
/// <param name="Steal">Time the hypervisor gave to others.</param>
/// <param name="Total">All of it, idle included.</param>
public readonly record struct MachineTime(long Busy, long Steal, long Total)
{
    /// <summary>Busy time as a duration.</summary>
    public TimeSpan BusyTime => TimeSpan.FromMilliseconds(Busy * 10);

    /// <summary>What passed since an earlier reading.</summary>
    public static MachineTime operator -(MachineTime later, MachineTime earlier) =>
        new(later.Busy - earlier.Busy, later.Steal - earlier.Steal, later.Total - earlier.Total);

    /// <summary>What passed since an earlier reading.</summary>
    public static MachineTime Subtract(MachineTime later, MachineTime earlier) => later - earlier;
}

/// <summary>Figures of /proc.</summary>
public static class ProcFiles
{
    private const int TicksPerSecond = 100; // USER_HZ is 100 on every architecture .NET runs on

    /// <summary>The first line of /proc/stat.</summary>
    public static MachineTime ReadMachineTime()
    {
        // user nice system idle iowait irq softirq steal (guest is part of user)
        long[] v = [.. File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(static s => long.Parse(s, CultureInfo.InvariantCulture))];
        return new MachineTime(v[0] + v[1] + v[2] + v[5] + v[6], v[7], v[..8].Sum());
    }

    /// <summary>utime + stime of a process; zero when it is gone.</summary>
    public static TimeSpan CpuTimeOf(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            long ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
            return TimeSpan.FromSeconds((double)ticks / TicksPerSecond);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return TimeSpan.Zero;
        }
    }

    /// <summary>A number in kB of /proc/PID/status, such as "VmRSS"; 0 when it is not there.</summary>
    public static long StatusKib(int pid, string field)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(line => line.StartsWith(field + ":", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line[(field.Length + 1)..].Replace("kB", "", StringComparison.Ordinal), NumberStyles.Integer, CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>Numbers of the BPF objects that a process holds descriptors of, which fdinfo names.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="key">"prog_id" (a link's program counts too), "map_id" or "link_id".</param>
    public static IReadOnlyList<uint> BpfIdsOf(int pid, string key)
    {
        HashSet<uint> ids = [];
        foreach (string path in Directory.GetFiles($"/proc/{pid}/fdinfo"))
        {
            try
            {
                string? line = File.ReadLines(path).FirstOrDefault(line => line.StartsWith(key + ":", StringComparison.Ordinal));
                if (line is not null)
                {
                    ids.Add(uint.Parse(line[(key.Length + 1)..], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture));
                }
            }
            catch (IOException)
            {
                // Closed meanwhile.
            }
        }
        return [.. ids];
    }

    /// <summary>CPU time, user and system, of all child processes that have ended.</summary>
    public static TimeSpan EndedChildrenCpuTime()
    {
        Libc.ResourceUsage usage = default;
        _ = Libc.getrusage(Libc.Children, ref usage);
        return TimeSpan.FromSeconds(usage.UserSeconds + usage.SystemSeconds) + TimeSpan.FromMicroseconds(usage.UserMicroseconds + usage.SystemMicroseconds);
    }

    /// <summary>Raises the limit of open descriptors of this process and its children.</summary>
    /// <exception cref="InvalidOperationException">It cannot be raised that far.</exception>
    public static void RaiseOpenFiles(int count)
    {
        Libc.ResourceLimit limit = default;
        _ = Libc.getrlimit(Libc.NoFileLimit, ref limit);
        ulong hard = limit.Hard;
        limit.Soft = Math.Max(limit.Soft, (ulong)count);
        limit.Hard = Math.Max(limit.Hard, (ulong)count);
        if (Libc.setrlimit(Libc.NoFileLimit, ref limit) != 0)
        {
            throw new InvalidOperationException($"{count} open files are needed and the limit is {hard}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }
}
