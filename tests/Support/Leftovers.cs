using System.Globalization;

namespace KubeBpfBox.Support;

/// <summary>What a run that was killed could not take down: everything of ours is named kbb-PID-…, and that process is gone.</summary>
internal static class Leftovers
{
    public const string Prefix = "kbb-";

    private static readonly Lock Gate = new();
    private static bool s_removed;

    /// <summary>Removes them, once in a process.</summary>
    public static void Remove()
    {
        lock (Gate)
        {
            if (s_removed)
            {
                return;
            }
            s_removed = true;
            Find(NetworkNamespace.Folder, Directory.GetFiles).ForEach(static path => RemoveNamespace(Path.GetFileName(path)));
            Find(TestCgroup.Root, Directory.GetDirectories).ForEach(RemoveCgroup);
            Find(TestMemoryCgroup.Root, Directory.GetDirectories).ForEach(RemoveCgroup);
            Find(Path.GetTempPath(), Directory.GetDirectories).ForEach(static path => Directory.Delete(path, recursive: true));
        }
    }

    /// <summary>Whoever runs inside a namespace of ours was started by us.</summary>
    public static void RemoveNamespace(string name)
    {
        Kill(ChildProcess.Run("ip", "netns", "pids", name).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        ChildProcess.Run("ip", "netns", "del", name);
    }

    /// <summary>Removes a cgroup with all below it. Who runs there was started by us.</summary>
    public static void RemoveCgroup(string folder)
    {
        // Deeper ones have longer paths than those around them.
        foreach (string each in Directory.GetDirectories(folder, "*", SearchOption.AllDirectories).Append(folder).OrderByDescending(static path => path.Length))
        {
            for (int attempt = 0; attempt < 500; attempt++)
            {
                try
                {
                    Kill(File.ReadAllLines(Path.Combine(each, "cgroup.procs")));
                    Directory.Delete(each);
                    break;
                }
                catch (IOException)
                {
                    Thread.Sleep(10); // the killed are on their way out
                }
            }
        }
    }

    private static void Kill(IEnumerable<string> pids)
    {
        foreach (string line in pids)
        {
            int pid = int.Parse(line, CultureInfo.InvariantCulture);
            if (pid != Environment.ProcessId)
            {
                _ = Libc.kill(pid, Libc.SigKill);
            }
        }
    }

    private static List<string> Find(string? folder, Func<string, string, string[]> list) =>
        folder is null || !Directory.Exists(folder) ? [] : [.. list(folder, Prefix + "*").Where(IsOfDeadProcess)];

    private static bool IsOfDeadProcess(string path)
    {
        string[] parts = Path.GetFileName(path).Split('-');
        return parts.Length == 3 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && !Directory.Exists($"/proc/{pid}");
    }
}
