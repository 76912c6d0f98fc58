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
