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
        using Observer observer = scene.Observe(mark);

        Assert.Equal(Count, Scene.Request(scene.Client, $"http://{scene.ClusterIp}{mark}", Count, onOneConnection));

        IReadOnlyList<Transaction> seen = observer.Transactions(mark, 2 * Count);
        AssertThroughService(seen, scene.Client, "shop");
        string[] servers = [.. seen.Select(static one => one.Destination("pod")!).Distinct()];
        Assert.Equal(onOneConnection ? 1 : 2, servers.Length);
    }

    [Fact]
    public void Requests_straight_to_a_pod_name_it()
    {
        const string Mark = "/pod-ip";
        using Observer observer = scene.Observe(Mark);
        Pod server = scene.Servers[1];

        Assert.Equal(Count, Scene.Request(scene.Client, $"http://{server.Address}:{Scene.Port}{Mark}", Count));

        IReadOnlyList<Transaction> seen = observer.Transactions(Mark, 2 * Count);
        seen.AssertOnceAtEachEnd();
        AssertEnds(seen, scene.Client, "shop", server.Name, "web-app");
    }

    [Fact]
    public void Requests_to_a_server_in_the_nodes_network_name_its_pod()
    {
        const string Mark = "to-node";
        using Observer observer = scene.Observe(Mark);

        Assert.Equal(Count, Scene.Request(scene.Client, $"http://{Node.Address}:{Scene.NodePort}/index.html?{Mark}", Count));

        IReadOnlyList<Transaction> seen = observer.Transactions(Mark, 2 * Count);
        seen.AssertOnceAtEachEnd();
        AssertEnds(seen, scene.Client, "shop", scene.NodeServer.Name, scene.NodeServer.Name);
    }

    [Fact]
    public void Requests_of_a_client_in_the_nodes_network_name_its_pod()
    {
        const string Mark = "/from-node";
        using Observer observer = scene.Observe(Mark);
        Pod server = scene.Servers[0];

        Assert.Equal(Count, Scene.Request(scene.NodeClient, $"http://{server.Address}:{Scene.Port}{Mark}", Count));

        IReadOnlyList<Transaction> seen = observer.Transactions(Mark, 2 * Count);
        seen.AssertOnceAtEachEnd();
        AssertEnds(seen, scene.NodeClient, scene.NodeClient.Name, server.Name, "web-app");
    }

    /// <summary>kube-proxy gives these another address and port on both sides.</summary>
    [Fact]
    public void Requests_from_the_nodes_network_through_a_cluster_ip_name_both_pods()
    {
        const string Mark = "/masqueraded";
        using Observer observer = scene.Observe(Mark);

        Assert.Equal(Count, Scene.Request(scene.NodeClient, $"http://{scene.ClusterIp}{Mark}", Count));

        AssertThroughService(observer.Transactions(Mark, 2 * Count), scene.NodeClient, scene.NodeClient.Name);
    }

    [Fact]
    public void Metrics_count_the_requests_of_each_pod()
    {
        const string Route = "/counted";
        Pod agent = AgentPod.Find();

        Assert.Equal(Count, Scene.Request(scene.Client, $"http://{scene.ClusterIp}{Route}", Count));

        string OfPod(Pod pod) => $"k8s_pod_name=\"{pod.Name}\"";
        double servers = 0, client = 0;
        Kubectl.Until(
            () =>
            {
                servers = scene.Servers.Sum(server => AgentPod.Metric(agent, "http_server_requests_total", OfPod(server), $"http_route=\"{Route}\""));
                client = AgentPod.Metric(agent, "http_client_requests_total", OfPod(scene.Client), $"http_route=\"{Route}\"");
                return servers >= Count && client >= Count;
            },
            () => $"{Count} requests in /metrics: {servers} of the servers, {client} of the client",
            TimeSpan.FromSeconds(20));
        Assert.Equal((Count, Count), (servers, client));
    }

    private void AssertThroughService(IReadOnlyList<Transaction> seen, Pod client, string clientWorkload)
    {
        seen.AssertOnceAtEachEnd();
        foreach (IGrouping<string, Transaction> request in seen.GroupBy(static one => one.Target))
        {
            string server = request.Single(static one => one.Role == "server").Destination("pod")!;
            Assert.Contains(server, scene.Servers.Select(static pod => pod.Name));
            AssertEnds(request, client, clientWorkload, server, "web-app");
        }
        seen.AssertAll(static one => one.Destination("service") == "web", "to the Service web");
    }

    private void AssertEnds(IEnumerable<Transaction> seen, Pod client, string clientWorkload, string server, string serverWorkload)
    {
        seen.AssertAll(one => one.IsBetween(client.Name, server), $"from {client.Name} to {server}");
        seen.AssertAll(one => one.Source("workload") == clientWorkload && one.Destination("workload") == serverWorkload, $"from {clientWorkload} to {serverWorkload}");
        seen.AssertAll(one => one.Source("namespace") == scene.Namespace && one.Destination("namespace") == scene.Namespace, "in " + scene.Namespace);
    }
}
