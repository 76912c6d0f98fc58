using KubeBpfBox.Kube.Cluster;

namespace KubeBpfBox.Kube;

/// <summary>The agent on the pods' bridge instead of on sockets: the same requests are reported, with the pods of both addresses.</summary>
public sealed class InterfaceTests(InterfaceAgent agent, Scene scene) : IClassFixture<InterfaceAgent>, IClassFixture<Scene>
{
    private const int Count = 25;

    [Fact]
    public void Requests_between_pods_are_reported_once_at_each_end_with_both_pods()
    {
        const string Mark = "/interface";
        Assert.True(agent.IsDeployed);
        using Observer observer = scene.Observe(Mark);
        Pod server = scene.Servers[0];

        Assert.Equal(Count, Scene.Request(scene.Client, $"http://{server.Address}:{Scene.Port}{Mark}", Count));

        IReadOnlyList<Transaction> seen = observer.Transactions(Mark, 2 * Count);
        seen.AssertOnceAtEachEnd();
        seen.AssertAll(one => one.IsBetween(scene.Client.Name, server.Name), $"from {scene.Client.Name} to {server.Name}");
        seen.AssertAll(static one => one.Source("workload") == "shop" && one.Destination("workload") == "web-app", "from shop to web-app");
    }

    [Fact]
    public void Requests_through_a_cluster_ip_are_reported_with_the_service_and_the_pod_behind_it()
    {
        const string Mark = "/interface-cluster-ip";
        Assert.True(agent.IsDeployed);
        using Observer observer = scene.Observe(Mark);

        Assert.Equal(Count, Scene.Request(scene.Client, $"http://{scene.ClusterIp}{Mark}", Count));

        IReadOnlyList<Transaction> seen = observer.Transactions(Mark, 2 * Count);
        seen.AssertOnceAtEachEnd();
        seen.AssertAll(one => one.Source("pod") == scene.Client.Name && one.Destination("service") == "web", $"from {scene.Client.Name} to the Service web");
    }

    [Fact]
    public void The_agent_has_one_capability_more() =>
        Assert.Equal(Capabilities.Base | Capabilities.NetRaw, AgentPod.EffectiveCapabilities(AgentPod.Find()));
}

/// <summary>Deploys overlays/interface, and what was there before when it is disposed.</summary>
public sealed class InterfaceAgent : IDisposable
{
    public InterfaceAgent()
    {
        AgentPod.Deploy("deploy/overlays/interface");
        IsDeployed = true;
    }

    /// <summary>It is ready.</summary>
    public bool IsDeployed { get; }

    public void Dispose() => AgentPod.Deploy("deploy");
}
