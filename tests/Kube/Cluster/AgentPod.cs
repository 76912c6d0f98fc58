using System.Globalization;
using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube.Cluster;

/// <summary>The agent's pod.</summary>
internal static class AgentPod
{
    /// <summary>Its namespace.</summary>
    public const string Namespace = "kubebpfbox";

    /// <summary>The pod as it is now.</summary>
    /// <exception cref="TimeoutException">There is none that is ready.</exception>
    public static Pod Find()
    {
        IReadOnlyList<Pod> pods = [];
        Kubectl.Until(
            () => (pods = [.. Kubectl.Get("pods", "-n", Namespace).GetProperty("items").EnumerateArray().Select(Pod.Of)]).Count == 1 && pods[0].IsReady,
            () => $"one ready agent: {string.Join("; ", pods)}");
        return pods[0];
    }

    /// <summary>Deploys one of the folders of deploy/ and waits for it.</summary>
    public static void Deploy(string folder)
    {
        Kubectl.Run("apply", "-k", Path.Combine(Node.Repository, folder));
        Kubectl.Run("rollout", "status", "-n", Namespace, "daemonset/kubebpfbox", "--timeout=90s");
        Find();
    }

    /// <summary>Runs one of its commands in its pod.</summary>
    public static (int ExitCode, string Output, string Errors) Exec(params IEnumerable<string> command)
    {
        using ChildProcess child = Kubectl.Start(["exec", "-n", Namespace, "ds/kubebpfbox", "--", "kubebpfbox", .. command]);
        child.WaitForExit(TimeSpan.FromSeconds(60));
        return (child.ExitCode, child.Output, child.Errors);
    }

    /// <summary>How many follow what it sees. Asked within its pod, where no token is needed.</summary>
    public static int Watchers(Pod pod)
    {
        using JsonDocument status = JsonDocument.Parse(ChildProcess.Run(
            "nsenter", "-t", pod.FindProcess().ToString(CultureInfo.InvariantCulture), "-n", "curl", "-sS", "--fail", "http://127.0.0.1:9500/api/status"));
        return status.RootElement.GetProperty("watchers").GetInt32();
    }

    /// <summary>A figure of /metrics, summed over its series.</summary>
    /// <param name="pod">The agent's pod.</param>
    /// <param name="metric">Name of the metric.</param>
    /// <param name="labels">Texts that the labels must contain, as <c>reason="ring_full"</c>.</param>
    public static double Metric(Pod pod, string metric, params IEnumerable<string> labels) => Node.InNetwork("curl", "-sS", "--fail", $"http://{pod.Address}:9500/metrics").Split('\n')
        .Where(line => line.StartsWith(metric, StringComparison.Ordinal) && line.Length > metric.Length && line[metric.Length] is ' ' or '{'
            && labels.All(label => line.Contains(label, StringComparison.Ordinal)))
        .Sum(static line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    /// <summary>What its process may.</summary>
    public static Capabilities EffectiveCapabilities(Pod pod) => CapabilitiesOf(pod, "CapEff");

    /// <summary>A set of capabilities of /proc/PID/status.</summary>
    public static Capabilities CapabilitiesOf(Pod pod, string set)
    {
        string line = File.ReadLines($"/proc/{pod.FindProcess()}/status").Single(line => line.StartsWith(set + ":", StringComparison.Ordinal));
        return (Capabilities)ulong.Parse(line.AsSpan(set.Length + 1).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}

/// <summary>Bits of include/uapi/linux/capability.h.</summary>
[Flags]
internal enum Capabilities : ulong
{
    NetAdmin = 1UL << 12,
    NetRaw = 1UL << 13,
    SysPtrace = 1UL << 19,
    Perfmon = 1UL << 38,
    Bpf = 1UL << 39,

    /// <summary>What deploy/base gives.</summary>
    Base = Bpf | Perfmon | NetAdmin,
}
