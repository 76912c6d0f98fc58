using KubeBpfBox.Kube.Cluster;

namespace KubeBpfBox.Kube;

/// <summary>overlays/cgroup-v1: the agent sees the node's processes. This node's containers are in version 2, too, so only that it runs and names is shown.</summary>
public sealed class CgroupV1Tests : IDisposable
{
    public CgroupV1Tests() => AgentPod.Deploy("deploy/overlays/cgroup-v1");

    public void Dispose() => AgentPod.Deploy("deploy");

    [Fact]
    public void The_overlay_runs_with_one_capability_more_and_the_nodes_processes()
    {
        using Scene scene = new();
        using Observer observer = scene.Observe("/cgroup-v1");
        Pod agent = AgentPod.Find();

        Assert.Equal(1, Scene.Request(scene.Client, $"http://{scene.Servers[0].Address}:{Scene.Port}/cgroup-v1", 1));

        IReadOnlyList<Transaction> seen = observer.Transactions("/cgroup-v1", 2);
        seen.AssertOnceAtEachEnd();
        seen.AssertAll(one => one.IsBetween(scene.Client.Name, scene.Servers[0].Name), "between the pods");
        Assert.Equal(Capabilities.Base | Capabilities.SysPtrace, AgentPod.EffectiveCapabilities(agent));
        Assert.Equal(File.ResolveLinkTarget("/proc/self/ns/pid", false)!.Name, File.ResolveLinkTarget($"/proc/{agent.FindProcess()}/ns/pid", false)!.Name);
    }
}
