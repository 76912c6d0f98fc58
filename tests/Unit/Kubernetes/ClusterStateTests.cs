using System.Text.Json;
using System.Text.Json.Nodes;
using KubeBpfBox.Agent.Kubernetes;
using KubeBpfBox.Agent.Kubernetes.Objects;
using KubeBpfBox.Agent.Kubernetes.State;
using KubeBpfBox.Unit.Support;
using static KubeBpfBox.Unit.Kubernetes.KubeObjects;

namespace KubeBpfBox.Unit.Kubernetes;

public sealed class ClusterStateTests
{
    private readonly ManualTime _time = new();
    private readonly ClusterState _state;

    public ClusterStateTests() => _state = new ClusterState(WatchFixture.Quick with { MaxTombstones = 8 }, _time);

    [Theory]
    [InlineData("Deployment", "web", "ReplicaSet", "web-5d4f", "apps/v1", "5d4f")]
    [InlineData("ReplicaSet", "web-5d4f", "ReplicaSet", "web-5d4f", "apps/v1", null)]
    [InlineData("ReplicaSet", "web-5d4f", "ReplicaSet", "web-5d4f", "apps/v1", "d4f")]
    [InlineData("ReplicaSet", "5d4f", "ReplicaSet", "5d4f", "apps/v1", "5d4f")]
    [InlineData("StatefulSet", "db", "StatefulSet", "db", "apps/v1", null)]
    [InlineData("DaemonSet", "proxy", "DaemonSet", "proxy", "apps/v1", null)]
    [InlineData("Job", "once", "Job", "once", "batch/v1", null)]
    [InlineData("Rollout", "x", "Rollout", "x", "argoproj.io/v1alpha1", null)]
    public void Finds_the_owner(string kind, string name, string ownerKind, string owner, string version, string? hash)
    {
        PodInfo pod = Read(Pod("p").OwnedBy(ownerKind, owner, version, hash));
        Assert.Equal((kind, name), (pod.WorkloadKind, pod.WorkloadName));
        Assert.Equal(kind == "Job", pod.Job is not null);
    }

    [Fact]
    public void A_Job_of_another_group_is_no_Job() => Assert.Null(Read(Pod("p").OwnedBy("Job", "training", "batch.volcano.sh/v1alpha1")).Job);

    [Fact]
    public void A_pod_without_a_controller_is_its_own_workload()
    {
        JsonObject pod = Pod("p").OwnedBy("ReplicaSet", "web-1");
        pod["metadata"]!["ownerReferences"]![1]!["controller"] = false;
        Assert.Equal(("Pod", "p"), (Read(pod).WorkloadKind, Read(pod).WorkloadName));
    }

    [Fact]
    public void A_static_pod_is_found_by_the_uid_in_its_cgroup()
    {
        JsonObject pod = Pod("kube-apiserver-node-1").OwnedBy("Node", NodeName, "v1").With("metadata/annotations", new JsonObject
        {
            ["kubernetes.io/config.hash"] = "0123456789abcdef0123456789abcdef",
            ["kubernetes.io/config.mirror"] = "0123456789abcdef0123456789abcdef",
            ["kubernetes.io/config.source"] = "file",
        });
        _state.Upsert(Read(pod));
        PodInfo? found = _state.PodByUid("0123456789abcdef0123456789abcdef");
        Assert.Same(found, _state.PodByUid("uid-of-kube-apiserver-node-1"));
        Assert.Equal(("StaticPod", "kube-apiserver"), (found?.WorkloadKind, found?.WorkloadName));

        // The kubelet makes a new mirror of the same pod; the old one's tombstone must not take the name with it.
        _state.Remove(found!);
        _state.Upsert(Read(pod.With("metadata/uid", "second")));
        _time.Advance(700);
        _state.Sweep();
        Assert.Equal("second", _state.PodByUid("0123456789abcdef0123456789abcdef")?.Uid);
        Assert.Null(_state.PodByUid("uid-of-kube-apiserver-node-1"));
    }

    [Fact]
    public void Containers_of_all_kinds_are_found_also_those_that_ended()
    {
        JsonObject pod = Pod("p");
        pod["status"] = JsonNode.Parse("""
            {"containerStatuses":[{"name":"main","containerID":"containerd://c2","state":{"running":{}},"lastState":{"terminated":{"containerID":"containerd://c1"}}},
                                  {"name":"side","containerID":"docker://s1","state":{"terminated":{"containerID":"docker://s1"}}},
                                  {"name":"new","state":{"waiting":{}}}],
             "initContainerStatuses":[{"name":"init","containerID":"cri-o://i1"}],
             "ephemeralContainerStatuses":[{"name":"debug","containerID":"containerd://e1"}]}
            """);
        _state.Upsert(Read(pod));
        foreach ((string id, string name) in new[] { ("c1", "main"), ("c2", "main"), ("s1", "side"), ("i1", "init"), ("e1", "debug") })
        {
            Assert.Equal("p", _state.PodByContainerId(id, out string? container)?.Name);
            Assert.Equal(name, container);
        }
        Assert.Null(_state.PodByContainerId("", out string? none));
        Assert.Null(none);
    }

    [Theory]
    [InlineData(null, "main")]
    [InlineData("initContainers", null)]
    [InlineData("ephemeralContainers", null)]
    [InlineData("containers", null)]
    public void The_only_container_is_named_by_the_spec(string? more, string? expected)
    {
        JsonObject pod = Pod("p").With("spec/initContainers", new JsonArray());
        if (more is not null)
        {
            JsonArray containers = pod["spec"]![more] as JsonArray ?? [];
            containers.Add((JsonNode)new JsonObject { ["name"] = "second" });
            pod["spec"]![more] = containers.Parent is null ? containers : containers.DeepClone();
        }
        Assert.Equal(expected, Read(pod).OnlyContainer);
    }

    [Fact]
    public void What_changes_nothing_that_is_kept_is_no_change()
    {
        _state.Upsert(Read(Pod("p", "10.244.0.5")));
        PodInfo before = _state.PodByUid("uid-of-p")!;
        int generation = _state.Generation;
        _state.Upsert(Read(Pod("p", "10.244.0.5").With("status/conditions", new JsonArray()).With("metadata/resourceVersion", "9")));
        Assert.Equal(generation, _state.Generation);
        Assert.Same(before, _state.PodByUid("uid-of-p"));

        _state.Upsert(Read(Pod("p", "10.244.0.6")));
        Assert.Equal(generation + 1, _state.Generation);
        Assert.NotSame(before, _state.PodByUid("uid-of-p"));
        _state.Remove(before);
        Assert.True(before.IsGone);
    }

    [Fact]
    public void An_address_goes_from_one_pod_to_the_next_in_any_order()
    {
        PodInfo old = Read(Pod("old", "10.244.0.5"));
        JsonObject newer = Pod("new", "10.244.0.5").With("status/startTime", "2026-01-31T11:30:00Z");

        // Deleted, then reused.
        _state.Upsert(old);
        _state.Remove(old);
        Assert.Null(_state.PodByAddress(At("10.244.0.5")));
        _state.Upsert(Read(newer));
        Assert.Equal("new", _state.PodByAddress(At("10.244.0.5"))?.Name);
        _state.Remove(Read(newer));

        // Reused before the deletion is known: nobody can tell, unless the old one is on its way out.
        _state.Upsert(Read(Pod("old2", "10.244.0.5")));
        _state.Upsert(Read(newer.With("metadata/uid", "new2")));
        Assert.Null(_state.PodByAddress(At("10.244.0.5")));
        _state.Upsert(Read(Pod("old2", "10.244.0.5").With("metadata/deletionTimestamp", "2026-01-31T11:29:00Z")));
        Assert.Equal("new2", _state.PodByAddress(At("10.244.0.5"))?.Uid);
        _state.Remove(Read(Pod("old2", "10.244.0.5")));
        Assert.Equal("new2", _state.PodByAddress(At("10.244.0.5"))?.Uid);

        // The older one stays, the newer one goes: not certain.
        _state.Upsert(Read(Pod("stays", "10.244.0.9")));
        _state.Upsert(Read(Pod("goes", "10.244.0.9").With("status/startTime", "2026-01-31T11:30:00Z").With("metadata/deletionTimestamp", "2026-01-31T11:31:00Z")));
        Assert.Null(_state.PodByAddress(At("10.244.0.9")));
    }

    [Theory]
    [InlineData("Succeeded")]
    [InlineData("Failed")]
    public void A_pod_that_has_ended_has_no_address(string phase)
    {
        _state.Upsert(Read(Pod("done", "10.244.0.5").With("status/phase", phase)));
        Assert.Null(_state.PodByAddress(At("10.244.0.5")));
        Assert.NotNull(_state.PodByUid("uid-of-done"));
        _state.Upsert(Read(Pod("next", "10.244.0.5")));
        Assert.Equal("next", _state.PodByAddress(At("10.244.0.5"))?.Name);
    }

    [Fact]
    public void A_pod_on_the_node_s_network_has_no_address_and_others_have_all_of_theirs()
    {
        _state.Upsert(Read(Pod("host", "10.0.0.1").With("spec/hostNetwork", true)));
        Assert.Null(_state.PodByAddress(At("10.0.0.1")));
        Assert.True(_state.PodByUid("uid-of-host")!.IsHostNetwork);
        _state.Upsert(Read(Pod("dual", "10.244.0.5").With("status/podIPs", new JsonArray(new JsonObject { ["ip"] = "10.244.0.5" }, new JsonObject { ["ip"] = "fd00::5" }))));
        Assert.True(Addresses.TryRead("fd00::5", out var v6));
        Assert.Equal("dual", _state.PodByAddress(v6 with { Port = 443 })?.Name);
        Assert.Equal(2, _state.PodByUid("uid-of-dual")!.Addresses.Length);
    }

    [Fact]
    public void Deleted_pods_are_known_for_ten_minutes_and_not_too_many_of_them()
    {
        PodInfo[] pods = [.. Enumerable.Range(0, 12).Select(static i => Read(Pod($"p{i}", $"10.244.0.{i}")))];
        Array.ForEach(pods, _state.Upsert);
        Array.ForEach(pods, _state.Remove);
        Assert.Equal(8, _state.TombstoneCount);
        Assert.Null(_state.PodByUid("uid-of-p3"));
        Assert.Null(_state.PodByContainerId("container-of-p3", out _));
        Assert.True(_state.PodByContainerId("container-of-p4", out string? name)!.IsGone);
        Assert.Equal("main", name);

        _time.Advance(599);
        _state.Sweep();
        Assert.NotNull(_state.PodByUid("uid-of-p11"));
        _time.Advance(2);
        int generation = _state.Generation;
        _state.Sweep();
        Assert.Equal(0, _state.TombstoneCount);
        Assert.Null(_state.PodByUid("uid-of-p11"));
        Assert.True(_state.Generation > generation);
    }

    [Fact]
    public void Services_are_found_by_each_of_their_addresses_and_ports()
    {
        JsonObject web = Service("web", "10.96.0.10", 80, 443).With("spec/externalIPs", new JsonArray("203.0.113.7")).With("status/loadBalancer/ingress", new JsonArray(new JsonObject { ["ip"] = "203.0.113.8" }, new JsonObject { ["hostname"] = "x" }));
        web["spec"]!["ports"]!.AsArray().Add((JsonNode)new JsonObject { ["port"] = 53, ["protocol"] = "UDP" });
        Upsert(web);
        Upsert(Service("shares", "10.96.0.11", 8080).With("spec/externalIPs", new JsonArray("203.0.113.7")));
        Upsert(Service("headless", "None", 80));
        Upsert(Service("any", "10.96.0.12"));

        Assert.Equal("web", _state.ServiceByAddress(At("10.96.0.10:443"))?.Name);
        Assert.Equal("web", _state.ServiceByAddress(At("203.0.113.8:80"))?.Name);
        Assert.Equal("web", _state.ServiceByAddress(At("203.0.113.7:80"))?.Name);
        Assert.Equal("shares", _state.ServiceByAddress(At("203.0.113.7:8080"))?.Name);
        Assert.Null(_state.ServiceByAddress(At("10.96.0.10:8443")));
        Assert.Null(_state.ServiceByAddress(At("10.96.0.10:53")));
        Assert.Equal("any", _state.ServiceByAddress(At("10.96.0.12:1"))?.Name);
        Assert.True(_state.IsClusterAddress(At("10.96.0.10:9")));
        Assert.False(_state.IsClusterAddress(At("10.96.0.99:80")));

        Upsert(Service("web", "10.96.0.20", 80));
        Assert.Null(_state.ServiceByAddress(At("10.96.0.10:443")));
        _state.Replace((IReadOnlyList<ServiceInfo>)[]);
        Assert.Null(_state.ServiceByAddress(At("10.96.0.20:80")));
    }

    [Fact]
    public void Two_Services_that_claim_the_same_are_none()
    {
        Upsert(Service("a", "10.96.0.1", 80).With("spec/externalIPs", new JsonArray("203.0.113.7")));
        Upsert(Service("b", "10.96.0.2", 80).With("spec/externalIPs", new JsonArray("203.0.113.7")));
        Assert.Null(_state.ServiceByAddress(At("203.0.113.7:80")));
    }

    [Fact]
    public void Endpoints_are_found_by_address_and_port_or_by_address_when_that_is_certain()
    {
        _state.Replace([Read(NodeObject("node-1", "10.0.0.1"), KubernetesJson.Default.ObjectListNode)]);
        Upsert(Slice("z-1", "z-web", "10.244.2.5", "web-1"));
        Upsert(Slice("a-1", "a-web", "10.244.2.5", "web-1"));
        Upsert(Slice("h-1", "metrics", "10.0.0.1", "host-pod", 9100));
        Upsert(Slice("f-1", "stale", "10.244.2.6", "one"));
        Upsert(Slice("f-2", "fresh", "10.244.2.6", "two"));
        Upsert(Slice("m-1", "database", "192.0.2.5", null, 5432, null));
        Upsert(Slice("n-1", "far", "10.9.9.9", "far-1", node: "never-listed"));

        Assert.Equal(("web-1", "a-web"), (Find("10.244.2.5:8080")!.Pod, Find("10.244.2.5:8080")!.Service));
        Assert.Null(Find("10.244.2.5:8081"));
        Assert.Equal("web-1", Find("10.244.2.5:8081", anyPort: true)?.Pod);
        Assert.Equal("host-pod", Find("10.0.0.1:9100")?.Pod);
        Assert.Null(Find("10.0.0.1:9100", anyPort: true));
        Assert.Null(Find("10.244.2.6:8080"));
        Assert.Null(Find("10.244.2.6:1", anyPort: true));
        Assert.Equal((null, "database"), (Find("192.0.2.5:5432")!.Pod, Find("192.0.2.5:5432")!.Service));
        Assert.False(_state.IsClusterAddress(At("192.0.2.5")));
        Assert.True(_state.IsClusterAddress(At("10.244.2.5")));
        Assert.NotNull(Find("10.9.9.9:8080"));
        Assert.Null(Find("10.9.9.9:1", anyPort: true));
        Assert.Equal("a-web", _state.ServiceOfPod("default", "web-1"));
        Assert.Null(_state.ServiceOfPod("other", "web-1"));

        _state.Remove(new EndpointSet("default", "a-1", []));
        Assert.Equal("z-web", _state.ServiceOfPod("default", "web-1"));
        Assert.Equal("z-web", Find("10.244.2.5:8080")?.Service);
    }

    [Fact]
    public void Without_nodes_no_address_alone_is_certain()
    {
        Upsert(Slice("h-1", "metrics", "10.0.0.1", "host-pod", 9100));
        Assert.Null(Find("10.0.0.1:5", anyPort: true));
        Assert.NotNull(Find("10.0.0.1:9100"));
    }

    [Fact]
    public void Nodes_tell_their_addresses_and_blocks()
    {
        _state.Replace([Read(NodeObject("node-1", "10.0.0.1", "10.244.0.0/24", "fd00:1::/64"), KubernetesJson.Default.ObjectListNode)]);
        Assert.Equal("node-1", _state.NodeByAddress(At("10.0.0.1:10250")));
        Assert.True(_state.IsClusterAddress(At("10.244.0.255")));
        Assert.False(_state.IsClusterAddress(At("10.244.1.0")));
        Assert.False(_state.IsClusterAddress(At("10.0.0.1")));
        Assert.True(Addresses.TryRead("fd00:1::9", out var inside) && _state.IsClusterAddress(inside));
        Assert.True(Addresses.TryRead("fd00:1:0:1::9", out var outside) && !_state.IsClusterAddress(outside));
    }

    [Fact]
    public void Look_ups_allocate_nothing_and_find_what_is_there_while_all_changes()
    {
        Fill();
        Look();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Look();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        using CancellationTokenSource stop = new();
        Thread changing = new(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                PodInfo other = Read(Pod($"other-{i % 50}", $"10.244.7.{i % 50}"));
                _state.Upsert(other);
                Upsert(Slice($"other-{i % 50}", "others", $"10.244.7.{i % 50}", other.Name));
                Fill();
                _state.Remove(other);
            }
        });
        changing.Start();
        long ended = Environment.TickCount64 + 150;
        while (Environment.TickCount64 < ended)
        {
            Look();
        }
        stop.Cancel();
        changing.Join();

        void Fill()
        {
            _state.Replace([Read(NodeObject("node-1", "10.0.0.1", "10.244.0.0/24"), KubernetesJson.Default.ObjectListNode)]);
            _state.Upsert(Read(Pod("web", "10.244.0.5")));
            Upsert(Service("web", "10.96.0.10", 80));
            Upsert(Slice("web", "web", "10.244.2.5", "web"));
        }

        void Look()
        {
            bool isThere = _state.PodByUid("uid-of-web") is not null
                && _state.PodByContainerId("container-of-web", out string? name) is not null && name == "main"
                && _state.PodByAddress(Plain("10.244.0.5")) is not null
                && _state.ServiceByAddress(Plain("10.96.0.10") with { Port = 80 }) is not null
                && _state.EndpointByAddress(Plain("10.244.2.5") with { Port = 8080 }, anyPort: false) is not null
                && _state.EndpointByAddress(Plain("10.244.2.5"), anyPort: true) is not null
                && _state.NodeByAddress(Plain("10.0.0.1")) is not null
                && _state.IsClusterAddress(Plain("10.244.0.77"))
                && _state.ServiceOfPod("default", "web") is not null
                && _state.Generation > 0;
            if (!isThere)
            {
                Assert.Fail("not found");
            }
        }
    }

    /// <summary>An address without the objects that parsing makes.</summary>
    private static Core.Records.Endpoint Plain(ReadOnlySpan<char> text)
    {
        Span<byte> bytes = stackalloc byte[4];
        for (int i = 0; i < 4; i++)
        {
            int end = text.IndexOf('.') is var dot and >= 0 ? dot : text.Length;
            bytes[i] = byte.Parse(text[..end]);
            text = i < 3 ? text[(end + 1)..] : text;
        }
        return Core.Records.Endpoint.From(bytes, 0);
    }

    private EndpointInfo? Find(string at, bool anyPort = false) => _state.EndpointByAddress(At(at), anyPort);

    private void Upsert(JsonObject item)
    {
        NamePool names = new();
        if (item.ContainsKey("endpoints"))
        {
            _state.Upsert(new EndpointReader(names).Read(Read(item, KubernetesJson.Default.ObjectListEndpointSlice))!);
        }
        else
        {
            _state.Upsert(ServiceTable.Read(Read(item, KubernetesJson.Default.ObjectListService), names)!);
        }
    }

    private static PodInfo Read(JsonObject pod) => new PodReader(new NamePool()).Read(Read(pod, KubernetesJson.Default.ObjectListPod))!;

    private static T Read<T>(JsonObject item, System.Text.Json.Serialization.Metadata.JsonTypeInfo<ObjectList<T>> type) =>
        JsonSerializer.Deserialize(new JsonObject { ["items"] = new JsonArray(item.DeepClone()) }.ToJsonString(), type)!.Items![0]!;
}
