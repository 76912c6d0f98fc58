using System.Globalization;

namespace KubeBpfBox.Agent;

/// <summary>The memory cgroup that this process is in.</summary>
internal static class CgroupMemory
{
    /// <summary>What a cgroup of version 1 without a limit says: the highest whole number of pages.</summary>
    private const long NoLimit = long.MaxValue / 4096 * 4096;

    /// <summary>The smallest limit of the cgroup and those around it; null for none, or where it cannot be read.</summary>
    /// <remarks>
    /// Shape: lines "0::/path" (version 2) and "9:memory:/path" (version 1). A container with a cgroup namespace sees its own cgroup as "/", and
    /// has it mounted there. Source: cgroups(7), Documentation/admin-guide/cgroup-v2.rst (memory.max).
    /// </remarks>
    /// <param name="membership">The file that names the process's cgroups.</param>
    /// <param name="mount">Where cgroups are mounted.</param>
    public static long? LimitBytes(string membership = "/proc/self/cgroup", string mount = "/sys/fs/cgroup")
    {
        long? least = null;
        foreach (string line in Read(membership)?.Split('\n') ?? [])
        {
            string[] fields = line.Split(':', 3);
            (string Folder, string File)? of = fields switch
            {
                ["0", "", _] => (mount, "memory.max"),
                [_, "memory", _] => (Path.Join(mount, "memory"), "memory.limit_in_bytes"),
                _ => null,
            };
            if (of is { } found)
            {
                least = Smaller(least, LeastFrom(found.Folder, fields[2], found.File));
            }
        }
        return least;
    }

    /// <summary>Walks from the cgroup up to the root.</summary>
    private static long? LeastFrom(string mount, string path, string file)
    {
        long? least = null;
        while (true)
        {
            string? text = Read(Path.Join(mount, path, file))?.Trim();
            if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long limit) && limit < NoLimit)
            {
                least = Smaller(least, limit);
            }
            if (path.Length <= 1)
            {
                return least;
            }
            path = path[..Math.Max(1, path.LastIndexOf('/'))];
        }
    }

    private static long? Smaller(long? one, long? other) => one is null || other < one ? other ?? one : one;

    private static string? Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
