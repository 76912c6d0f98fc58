using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube.Cluster;

/// <summary>scripts/install.sh and scripts/uninstall.sh with a config.ini of their own, against the node.</summary>
/// <remarks>Lifetime: begins with a cluster without kubebpfbox; <see cref="Dispose"/> brings back the agent that the other tests use.</remarks>
internal sealed class Installation : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(6);
    private readonly TemporaryFolder _folder = new();

    /// <param name="config">Of config.ini, beside what makes images of this node do.</param>
    public Installation(string config)
    {
        Configure(config);
        Uninstall("--delete-data");
    }

    /// <summary>A path of the node that is removed with this.</summary>
    public string DirectoryOfNode(string name) => _folder.PathOf(name);

    /// <summary>Writes another config.ini.</summary>
    /// <param name="config">Its text; a first section [global] is completed.</param>
    public void Configure(string config) => File.WriteAllText(
        _folder.PathOf("config.ini"),
        "[global]\nHELPER_IMAGE=docker.io/library/busybox:local\n" + (config.StartsWith("[global]\n", StringComparison.Ordinal) ? config["[global]\n".Length..] : config));

    /// <summary>Runs install.sh.</summary>
    /// <returns>What it printed.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public string Install(params IEnumerable<string> options) => Finish(Start("install.sh", options));

    /// <summary>Runs install.sh, which fails.</summary>
    /// <returns>What it wrote to standard error.</returns>
    public string FailToInstall()
    {
        using ChildProcess script = Start("install.sh", []);
        script.WaitForExit(s_patience);
        Assert.True(script.ExitCode != 0, script.Output);
        return script.Errors;
    }

    /// <summary>Runs uninstall.sh without questions.</summary>
    public string Uninstall(params IEnumerable<string> options) => Finish(Start("uninstall.sh", ["--yes", .. options]));

    /// <summary>Every object of kubebpfbox with its version, and each pod with its restarts, once nothing changes any more.</summary>
    public static IReadOnlyList<string> Snapshot()
    {
        IReadOnlyList<string> was = [], now = [];
        Kubectl.Until(
            () =>
            {
                (was, now) = (now, [.. Objects()]);
                Thread.Sleep(1000);
                return was.SequenceEqual(now);
            },
            () => $"objects that rest: {string.Join('\n', now.Except(was))}");
        return now;
    }

    /// <summary>A pod with what would change if it had been made anew or restarted.</summary>
    public static string Describe(Pod pod) => $"Pod {pod.Name} {pod.Uid} {string.Join(' ', pod.Containers.Select(static one => $"{one.Id} restarted {one.Restarts}"))}";

    /// <summary>What kubebpfbox has in the cluster beside its namespace.</summary>
    public static IEnumerable<string> OfTheCluster() => Kubectl.Run("get", "clusterroles,clusterrolebindings,priorityclasses,persistentvolumes,namespaces", "-o", "name")
        .Split('\n').Where(static name => name.Contains("kubebpfbox", StringComparison.Ordinal));

    public void Dispose()
    {
        Uninstall("--delete-data");
        _folder.Dispose();
        AgentPod.Deploy("deploy");
    }

    private static IEnumerable<string> Objects()
    {
        foreach (string name in OfTheCluster())
        {
            yield return $"{name} {Version(Kubectl.Get(name))}";
        }
        foreach (JsonElement one in Kubectl.Get("-n", AgentPod.Namespace, "all,configmaps,secrets,serviceaccounts,persistentvolumeclaims,ingresses.networking.k8s.io").GetProperty("items").EnumerateArray())
        {
            string kind = one.GetProperty("kind").GetString()!;
            yield return kind == "Pod" ? Describe(Pod.Of(one)) : $"{kind} {one.GetProperty("metadata").GetProperty("name")} {Version(one)}";
        }
    }

    private static string Version(JsonElement one) => one.GetProperty("metadata").GetProperty("resourceVersion").GetString()!;

    private ChildProcess Start(string script, IEnumerable<string> options) => ChildProcess.Start(
        "env", ["KUBECTL=" + Node.Script("kubectl"), "sh", Path.Combine(Node.Repository, "scripts", script), "--config", _folder.PathOf("config.ini"), .. options]);

    private static string Finish(ChildProcess script)
    {
        using (script)
        {
            script.WaitForExit(s_patience);
            return script.ExitCode == 0 ? script.Output + script.Errors : throw new InvalidOperationException($"'{script.Description}' exited with {script.ExitCode}: {script.Output}{script.Errors}");
        }
    }
}
