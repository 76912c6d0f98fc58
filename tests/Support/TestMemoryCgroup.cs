using System.Globalization;

namespace KubeBpfBox.Support;

/// <summary>A memory cgroup of our own, version 1 or 2, whichever this machine's memory controller is on, with others made below it.</summary>
public sealed class TestMemoryCgroup : IDisposable
{
    private static int s_count;

    /// <summary>Makes one.</summary>
    public TestMemoryCgroup()
    {
        Leftovers.Remove();
        Name = $"{Leftovers.Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
        FolderPath = Path.Combine(Root ?? throw new InvalidOperationException("no memory controller is mounted"), Name);
        Make(Root, Name);
    }

    /// <summary>Mount point of the hierarchy that the memory controller is on; null when there is none.</summary>
    public static string? Root { get; } = FindRoot();

    /// <summary>Whether that hierarchy is version 2.</summary>
    public static bool IsVersion2 => Root == TestCgroup.Root;

    /// <summary>Name of the outermost one.</summary>
    public string Name { get; }

    /// <summary>Its folder.</summary>
    public string FolderPath { get; }

    /// <summary>Makes cgroups below it.</summary>
    /// <param name="path">Their names, parted by slashes.</param>
    /// <returns>The folder of the innermost.</returns>
    public string Make(string path) => Make(FolderPath, path);

    /// <summary>Limits the memory of a cgroup.</summary>
    public static void SetLimit(string folder, long bytes)
    {
        File.WriteAllText(Path.Combine(folder, IsVersion2 ? "memory.max" : "memory.limit_in_bytes"), bytes.ToString(CultureInfo.InvariantCulture));
        string swap = Path.Combine(folder, "memory.swap.max");
        if (File.Exists(swap))
        {
            File.WriteAllText(swap, "0");
        }
    }

    /// <summary>Processes of a cgroup that the kernel has killed for their memory, as it counts.</summary>
    public static long KillsOf(string folder) => long.Parse(
        File.ReadLines(Path.Combine(folder, IsVersion2 ? "memory.events" : "memory.oom_control")).First(static line => line.StartsWith("oom_kill ", StringComparison.Ordinal))[9..],
        CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Directory.Exists(FolderPath))
        {
            Leftovers.RemoveCgroup(FolderPath);
        }
    }

    private static string Make(string folder, string path)
    {
        foreach (string name in path.Split('/'))
        {
            string control = Path.Combine(folder, "cgroup.subtree_control");
            if (IsVersion2 && !File.ReadAllText(control).Split(' ', '\n').Contains("memory"))
            {
                File.WriteAllText(control, "+memory");
            }
            folder = Path.Combine(folder, name);
            Directory.CreateDirectory(folder);
        }
        return folder;
    }

    // Fields: device, mount point, type, options.
    private static string? FindRoot() => File.ReadLines("/proc/self/mounts").Select(static line => line.Split(' '))
        .FirstOrDefault(static fields => fields[2] == "cgroup" && fields[3].Split(',').Contains("memory"))?[1]
        ?? (TestCgroup.Root is { } root && File.ReadAllText(Path.Combine(root, "cgroup.controllers")).Split(' ', '\n').Contains("memory") ? root : null);
}
