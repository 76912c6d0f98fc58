using System.Text;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Finds where the cgroup v2 hierarchy is mounted, hybrid layouts (/sys/fs/cgroup/unified) included.</summary>
public static class CgroupMount
{
    /// <summary>Inode, and so id, of the hierarchy's root: kernfs gives 1 to the first node.</summary>
    public const ulong RootId = 1;

    /// <summary>The mount that shows the whole hierarchy, else any; null when there is none.</summary>
    /// <param name="mountInfo">File in the form of /proc/self/mountinfo.</param>
    public static string? Find(string mountInfo = "/proc/self/mountinfo")
    {
        string? any = null;
        try
        {
            foreach (string line in File.ReadLines(mountInfo))
            {
                if (!TryParse(line, out string? mount))
                {
                    continue;
                }
                // In a container the first mount may be of its own namespace, and the host's comes later.
                if (InodeOf(mount) == RootId)
                {
                    return mount;
                }
                any ??= mount;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No /proc: nothing is named by cgroup then, and `Resolve` goes on with what else it has.
        }
        return any;
    }

    /// <summary>Reads one line: true when it is a mount of cgroup2.</summary>
    /// <remarks>Shape: "id parent major:minor root mountpoint options [optional…] - type source options", blanks in names as \040 (proc_pid_mountinfo(5)).</remarks>
    public static bool TryParse(string line, out string mountPoint)
    {
        mountPoint = string.Empty;
        int separator = line.IndexOf(" - ", StringComparison.Ordinal);
        if (separator < 0 || !line.AsSpan(separator + 3).StartsWith("cgroup2 ", StringComparison.Ordinal))
        {
            return false;
        }
        string[] fields = line[..separator].Split(' ');
        if (fields.Length < 5 || !fields[4].StartsWith('/'))
        {
            return false;
        }
        mountPoint = Unescape(fields[4]);
        return true;
    }

    /// <summary>Inode number of a directory; 0 when it cannot be read.</summary>
    internal static ulong InodeOf(string folder)
    {
        PathBuffer path = new(stackalloc byte[PathBuffer.Length]);
        path.Append(Encoding.UTF8.GetBytes(folder));
        int descriptor = Libc.Open(path.Terminated);
        if (descriptor < 0)
        {
            return 0;
        }
        ulong inode = 0;
        DirectoryReader entries = new(descriptor, stackalloc byte[4096]);
        while (inode == 0 && entries.TryRead())
        {
            inode = entries.Name.SequenceEqual("."u8) ? entries.Inode : 0;
        }
        Libc.Close(descriptor);
        return inode;
    }

    private static string Unescape(string field)
    {
        if (!field.Contains('\\'))
        {
            return field;
        }
        // The kernel escapes these four only: fs/proc_namespace.c, mangle().
        return field.Replace("\\040", " ").Replace("\\011", "\t").Replace("\\012", "\n").Replace("\\134", "\\");
    }
}
