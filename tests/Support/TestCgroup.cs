using System.Globalization;

namespace KubeBpfBox.Support;

/// <summary>A cgroup v2 of our own. Sockets belong to the cgroup in which their process was when it made them.</summary>
public sealed class TestCgroup : IDisposable
{
    private static int s_count;

    /// <summary>Where the version 2 hierarchy is mounted; null when it is not. Fields: device, mount point, type, options.</summary>
    internal static string? Root { get; } = File.ReadLines("/proc/self/mounts").Select(static line => line.Split(' ')).FirstOrDefault(static fields => fields[2] == "cgroup2")?[1];

    private readonly string _home;

    /// <summary>Makes one.</summary>
    /// <param name="parent">Below which folder; null for the root of the hierarchy.</param>
    public TestCgroup(string? parent = null)
    {
        string root = Root ?? throw new InvalidOperationException("no cgroup v2 hierarchy is mounted");
        // "0::/path" is the line of the v2 hierarchy.
        string own = File.ReadLines("/proc/self/cgroup").First(static line => line.StartsWith("0::", StringComparison.Ordinal))[3..];
        _home = root + own;
        Leftovers.Remove();
        FolderPath = Path.Combine(parent ?? root, $"{Leftovers.Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}");
        Directory.CreateDirectory(FolderPath);
    }

    /// <summary>Its folder.</summary>
    public string FolderPath { get; }

    /// <summary>The number by which the kernel names it: its inode.</summary>
    public ulong Id => ulong.Parse(ChildProcess.Run("stat", "-c", "%i", FolderPath), CultureInfo.InvariantCulture);

    /// <summary>Makes cgroups below it, which go with it.</summary>
    /// <param name="path">Their names, parted by slashes.</param>
    /// <returns>The folder of the innermost.</returns>
    public string Make(string path) => Directory.CreateDirectory(Path.Combine(FolderPath, path)).FullName;

    /// <summary>Moves this process in.</summary>
    public void Enter() => Move(FolderPath);

    /// <summary>Moves this process into one below it, which is made when it is not there.</summary>
    public void Enter(string path) => Move(Make(path));

    /// <summary>Moves this process back.</summary>
    public void Leave() => Move(_home);

    /// <inheritdoc/>
    public void Dispose()
    {
        Leave();
        foreach (string child in Directory.GetDirectories(FolderPath))
        {
            Leftovers.RemoveCgroup(child);
        }
        // Empty only once the last child process that was born inside has been reaped.
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                Directory.Delete(FolderPath);
                return;
            }
            catch (IOException) when (attempt < 200)
            {
                Thread.Sleep(10);
            }
        }
    }

    private static void Move(string folder) => File.WriteAllText(Path.Combine(folder, "cgroup.procs"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
}
