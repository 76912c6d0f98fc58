using KubeBpfBox.Kube.Cluster;

namespace KubeBpfBox.Kube;

/// <summary>Requests between pods, through a Service, and to and from the node's own network: each is reported once at each end, with both pods.</summary>
public sealed class TrafficTests(Scene scene) : IClassFixture<Scene>
{
    private const int Count = 25;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Requests_through_a_cluster_ip_name_the_service_and_the_pod_behind_it(bool onOneConnection)
    {
        string mark = $"/cluster-ip-{onOneConnection}";
        using Observer observer = new(mark);

        Assert.Equal(Count, Scene.Request(scene.Client, $"http://{scene.ClusterIp}{mark}", Count, onOneConnection));

        IReadOnlyList<Transaction> seen = observer.Transactions(mark, 2 * Count);
        AssertOnceAtEachEnd(seen);
        foreach (IGrouping<string, Transaction> request in seen.GroupBy(static one => one.Target))
        {
            string server = request.Single(static one => one.Role == "server").Destination("pod")!;
            Assert.Contains(server, scene.Servers.Select(static pod => pod.Name));
            Assert.All(request, one => AssertEnds(one, scene.Client, "shop", server, "web-app"));
            Assert.All(request, static one => Assert.Equal("web", one.Destination("service")));
        }
        string[] servers = [.. seen.Select(static one => one.Destination("pod")!).Distinct()];
        Assert.Equal(onOneConnection ? 1 : 2, servers.Length);
    }

    [Fact]
    public void Requests_straight_to_a_pod_name_it()
    {
        const string Mark = "/pod-ip";
        using Observer observer = new(Mark);
        Pod server = scene.Servers[1];

        Assert.Equal(Count, Scene.Request(scene.Client, $"http://{server.Address}:{Scene.Port}{Mark}", Count));

        IReadOnlyList<Transaction> seen = observer.Transactions(Mark, 2 * Count);
        AssertOnceAtEachEnd(seen);
        Assert.All(seen, one => AssertEnds(one, scene.Client, "shop", server.Name, "web-app"));
    }

    [Fact]
    public void Requests_to_a_server_in_the_nodes_network_name_its_pod()
    {
        const string Mark = "/to-node";
        using Observer observer = new(Mark);

        Assert.Equal(Count, Scene.Request(scene.Client, $"http://{Node.Address}:{Scene.NodePort}/index.html{Mark.Replace('/', '?')}", Count));

        IReadOnlyList<Transaction> seen = observer.Transactions(Mark[1..], 2 * Count);
        AssertOnceAtEachEnd(seen);
        Assert.All(seen, one => AssertEnds(one, scene.Client, "shop", scene.NodeServer.Name, scene.NodeServer.Name));
    }

    [Fact]
    public void Requests_of_a_client_in_the_nodes_network_name_its_pod()
    {
        const string Mark = "/from-node";
        using Observer observer = new(Mark);
        Pod server = scene.Servers[0];

        Assert.Equal(Count, Scene.Request(scene.NodeClient, $"http://{server.Address}:{Scene.Port}{Mark}", Count));
        Assert.Equal(Count, Scene.Request(scene.NodeClient, $"http://{scene.ClusterIp}{Mark}/cluster-ip", Count));

        IReadOnlyList<Transaction> seen = observer.Transactions(Mark, 4 * Count);
        AssertOnceAtEachEnd(seen);
        foreach (IGrouping<string, Transaction> request in seen.GroupBy(static one => one.Target))
        {
            string pod = request.Single(static one => one.Role == "server").Destination("pod")!;
            Assert.All(request, one => AssertEnds(one, scene.NodeClient, scene.NodeClient.Name, pod, "web-app"));
        }
        Assert.All(seen.Where(static one => !one.Target.Contains("cluster-ip", StringComparison.Ordinal)), one => Assert.Equal(server.Name, one.Destination("pod")));
    }

    private static void AssertOnceAtEachEnd(IReadOnlyList<Transaction> seen)
    {
        Assert.All(seen, static one => Assert.Equal(200, one.Status));
        foreach (IGrouping<string, Transaction> request in seen.GroupBy(static one => one.Target))
        {
            Assert.Equal("client server", string.Join(' ', request.Select(static one => one.Role).Order()));
        }
    }

    private void AssertEnds(Transaction one, Pod client, string clientWorkload, string serverPod, string serverWorkload)
    {
        Assert.True(one.Source("pod") == client.Name && one.Destination("pod") == serverPod, $"{client.Name} asked {serverPod}: {one}");
        Assert.Equal(clientWorkload, one.Source("workload"));
        Assert.Equal(serverWorkload, one.Destination("workload"));
        Assert.Equal(scene.Namespace, one.Source("namespace"));
        Assert.Equal(scene.Namespace, one.Destination("namespace"));
    }
}
