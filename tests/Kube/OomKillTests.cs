using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using KubeBpfBox.Kube.Cluster;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube;

/// <summary>Containers that reach their memory limit: one event for each kill, with the pod, though it may be gone already.</summary>
public sealed partial class OomKillTests : IDisposable
{
    private const long Mib = 1 << 20;
    private const string Go = "/tmp/go";

    private readonly TestNamespace _namespace = new("kbb-oom");
    private readonly Observer _observer;

    public OomKillTests() => _observer = _namespace.Observe("no requests");

    public void Dispose()
    {
        _observer.Dispose();
        _namespace.Dispose();
    }

    [Fact]
    public void A_container_over_its_limit_is_reported_once()
    {
        Pod pod = StartHog("hog-self", "self");
        int processId = pod.FindProcess();

        pod.Exec("touch", Go);

        JsonElement happened = OnlyEvent("hog-self");
        AssertVictim(happened, pod, "hog-self");
        Assert.Equal(processId, happened.GetProperty("process_id").GetInt32());
        Assert.Equal(1, happened.GetProperty("container_process_id").GetInt32());
        Kubectl.Until(() => pod.Now().Containers.Single().LastEnd == "OOMKilled", () => $"OOMKilled: {pod.Now()}");
    }

    [Fact]
    public void A_pod_that_is_deleted_at_once_is_still_named()
    {
        Pod pod = StartHog("hog-deleted", "self");

        // The container's end ends this, too.
        using (ChildProcess go = pod.Start("/bin/sh", "-c", $"touch {Go}; sleep 10"))
        {
            go.WaitForExit(TimeSpan.FromSeconds(30));
        }
        Kubectl.Run("delete", "pod", "-n", _namespace.Name, pod.Name, "--force", "--grace-period=0");

        AssertVictim(OnlyEvent("hog-deleted"), pod, "hog-deleted");
    }

    [Fact]
    public void Pods_that_die_as_soon_as_they_start_are_named()
    {
        string[] names = [.. Enumerable.Range(1, 5).Select(static n => $"hog-short-{n}")];

        _namespace.Apply(names.Select(static name => Manifests.Pod(name, "hog", ["hog", "self", "64"], memory: "32Mi")));
        Kubectl.Until(() => _namespace.Pods().Count(static pod => pod.Name.StartsWith("hog-short", StringComparison.Ordinal) && pod.Phase == "Failed") == names.Length, () => "all have failed");
        Kubectl.Run(["delete", "pod", "-n", _namespace.Name, "--force", "--grace-period=0", .. names]);

        foreach (string name in names)
        {
            OnlyEvent(name);
        }
    }

    [Fact]
    public void A_child_that_is_killed_while_its_parent_lives_on_is_reported()
    {
        Pod pod = StartHog("hog-child", "child");
        int parent = pod.FindProcess();

        pod.Exec("touch", Go);

        JsonElement happened = OnlyEvent("hog-child");
        AssertVictim(happened, pod, "hog-child");
        Assert.NotEqual(parent, happened.GetProperty("process_id").GetInt32());
        string log = "";
        Kubectl.Until(() => (log = Kubectl.Run("logs", "-n", _namespace.Name, pod.Name)).Contains("ended", StringComparison.Ordinal), () => "the parent's word of its child");
        Match child = ChildEnded().Match(log);
        Assert.Equal("9", child.Groups["signal"].Value);
        Assert.Equal(int.Parse(child.Groups["pid"].Value, CultureInfo.InvariantCulture), happened.GetProperty("container_process_id").GetInt32());
        Pod now = pod.Now();
        Assert.True(now is { Phase: "Running", Containers: [{ Restarts: 0 }] }, now.ToString());
    }

    private Pod StartHog(string name, string who)
    {
        _namespace.Apply(Manifests.Pod(name, "hog", ["hog", who, "64", Go], memory: "32Mi"));
        return _namespace.Ready(name).Single();
    }

    /// <summary>Waits for the pod's event, and a while longer for a second one that should not come.</summary>
    private JsonElement OnlyEvent(string pod)
    {
        Kubectl.Until(() => _observer.Events("oomkill", pod).Count > 0, () => $"an oomkill event of {pod}: {_observer.AllEvents}", TimeSpan.FromSeconds(20));
        Thread.Sleep(1000);
        return Assert.Single(_observer.Events("oomkill", pod));
    }

    private void AssertVictim(JsonElement happened, Pod pod, string name)
    {
        JsonElement workload = happened.GetProperty("workload");
        Assert.Equal(name, workload.GetProperty("pod").GetString());
        Assert.Equal(pod.Uid, workload.GetProperty("pod_uid").GetString());
        Assert.Equal(_namespace.Name, workload.GetProperty("namespace").GetString());
        Assert.Equal("hog", workload.GetProperty("container").GetString());
        Assert.Equal(pod.Containers.Single().Id, workload.GetProperty("container_id").GetString());
        Assert.Equal("hog", happened.GetProperty("process_name").GetString());
        Assert.Equal(32 * Mib, happened.GetProperty("limit_bytes").GetInt64());
        Assert.InRange(happened.GetProperty("usage_bytes").GetInt64(), 30 * Mib, 32 * Mib);
        Assert.InRange(happened.GetProperty("anon_rss_bytes").GetInt64(), 20 * Mib, 32 * Mib);
        // Whose limit it was the kernel says in its log; kubelet gives pod and container the same.
        Match logged = KernelLog().Matches(ChildProcess.Run("dmesg")).Last(line => line.Groups["pid"].Value == happened.GetProperty("process_id").GetInt32().ToString(CultureInfo.InvariantCulture));
        string limit = happened.GetProperty("limit_cgroup").GetString()!;
        Assert.EndsWith(limit, logged.Groups["limit"].Value, StringComparison.Ordinal);
        Assert.EndsWith(happened.GetProperty("scope").GetString() == "pod" ? "/pod" + pod.Uid : "/" + pod.Containers.Single().Id, limit, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"oom-kill:constraint=.*,oom_memcg=(?<limit>[^,]+),.*,pid=(?<pid>\d+),")]
    private static partial Regex KernelLog();

    [GeneratedRegex("child (?<pid>[0-9]+) ended by signal (?<signal>[0-9]+)")]
    private static partial Regex ChildEnded();
}
