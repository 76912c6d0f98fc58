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
    /// A mount of the hierarchy's root wins over one of a subdirectory (as a container with a cgroup namespace may have both), then
    /// the shortest path. Errors: total; lines that do not fit are skipped. Source: proc(5).
    /// </remarks>
    public static string? FindMountPoint(string mountInfo)
    {
        string? best = null;
        bool bestIsRoot = false;
        foreach (string line in mountInfo.Split('\n'))
        {
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-");
            if (dash < 6 || fields.Length <= dash + 1 || fields[dash + 1] != "cgroup2")
            {
                continue;
            }
            bool isRoot = fields[3] == "/";
            string path = Unescape(fields[4]);
            if (best is null || (isRoot && !bestIsRoot) || (isRoot == bestIsRoot && path.Length < best.Length))
            {
                best = path;
                bestIsRoot = isRoot;
            }
        }
        return best;
    }

    private static string Unescape(string path) => path
        .Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
        .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);
}
