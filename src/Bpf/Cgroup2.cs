namespace KubeBpfBox.Bpf;

/// <summary>Where the cgroup v2 hierarchy is mounted.</summary>
public static class Cgroup2
{
    /// <summary>The mount point in this process's mount namespace: usually /sys/fs/cgroup, /sys/fs/cgroup/unified on a hybrid host.</summary>
    /// <returns>Null when none is mounted.</returns>
    public static string? FindMountPoint()
    {
        try
        {
            return FindMountPoint(File.ReadAllText("/proc/self/mountinfo"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads a mountinfo file.</summary>
    /// <remarks>
    /// Shape: "36 35 98:0 /root /mount/point options [optional…] - fstype source superoptions"; blanks in paths are \040.
    /// A container with a cgroup namespace of its own sees its own cgroup as "/" and the host's root, if that is mounted too, as "/../..": the mount
    /// that leads furthest up wins, then the shortest path. Errors: total; lines that do not fit are skipped. Source: proc(5), cgroup_namespaces(7).
    /// </remarks>
    public static string? FindMountPoint(string mountInfo)
    {
        string? best = null;
        int bestRank = -1;
        foreach (string line in mountInfo.Split('\n'))
        {
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-");
            if (dash < 6 || fields.Length <= dash + 1 || fields[dash + 1] != "cgroup2")
            {
                continue;
            }
            int rank = RankOf(fields[3]);
            string path = Unescape(fields[4]);
            if (best is null || rank > bestRank || (rank == bestRank && path.Length < best.Length))
            {
                best = path;
                bestRank = rank;
            }
        }
        return best;
    }

    /// <summary>How far up a mount's root is: 0 for a subdirectory, 1 for the namespace's root, more above it.</summary>
    private static int RankOf(string root)
    {
        string[] segments = root.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return Array.TrueForAll(segments, static segment => segment == "..") ? 1 + segments.Length : 0;
    }

    private static string Unescape(string path) => path
        .Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
        .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);
}
