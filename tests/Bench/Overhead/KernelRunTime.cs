using System.Globalization;
using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Overhead;

/// <summary>Time spent in a process's kernel programs. Counting it costs time itself, so it is on in a run of its own only.</summary>
internal sealed class KernelRunTime : IDisposable
{
    private const string Switch = "/proc/sys/kernel/bpf_stats_enabled";
    private readonly string _before = File.ReadAllText(Switch).Trim();

    public KernelRunTime() => File.WriteAllText(Switch, "1");

    /// <summary>Run time and count of each program of a process, by name.</summary>
    public static IReadOnlyList<(string Name, long RunNs, long Runs)> Read(int pid)
    {
        string bpftool = AptPackages.Require("bpftool", "bpftool");
        List<(string, long, long)> programs = [];
        foreach (uint id in ProcFiles.BpfIdsOf(pid, "prog_id"))
        {
            using JsonDocument json = JsonDocument.Parse(ChildProcess.Run(bpftool, "-j", "prog", "show", "id", id.ToString(CultureInfo.InvariantCulture)));
            JsonElement root = json.RootElement;
            programs.Add((root.GetProperty("name").GetString()!, Number(root, "run_time_ns"), Number(root, "run_cnt")));
        }
        return programs;
    }

    public void Dispose() => File.WriteAllText(Switch, _before);

    private static long Number(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement value) ? value.GetInt64() : 0;
}
