using System.Text;
using KubeBpfBox.Agent.Identity;
using KubeBpfBox.Agent.Kubernetes;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Identity;

/// <summary>Names with a cluster: what cgroups, sockets, namespaces and addresses say together with the API server.</summary>
public sealed class ClusterNamesTests : IDisposable
{
    private const string WebUid = "79b74499-0514-4575-8962-d28ec9d84c5b";
    private const string NewUid = "11111111-0514-4575-8962-d28ec9d84c5b";
    private const string Id = "8b534f7f0c678b2b3f4c2a1d0e9f8a7b6c5d4e3f20192a3b4c5d6e7f8091a2b3";
    private const string OtherId = "ffff4f7f0c678b2b3f4c2a1d0e9f8a7b6c5d4e3f20192a3b4c5d6e7f8091a2b3";

    private static readonly Endpoint s_address = Endpoint.From([10, 244, 0, 9], 0);
    private static readonly Endpoint s_client = Endpoint.From([10, 244, 0, 7], 40000);

    private readonly string _cgroups = Directory.CreateTempSubdirectory("kubebpfbox-cgroup-").FullName;
    private readonly FakeProc _proc = new();
    private readonly ClusterState _cluster = new(new KubernetesOptions { NodeName = "node1" }, TimeProvider.System);
    private readonly WorkloadResolver _resolver;

    public ClusterNamesTests() => _resolver = new WorkloadResolver(new WorkloadResolverOptions { ProcRoot = _proc.Root, CgroupRoot = _cgroups }, _cluster);

    public void Dispose()
    {
        _resolver.Dispose();
        _proc.Dispose();
        Directory.Delete(_cgroups, recursive: true);
    }

    [Theory]
    [InlineData("kubepods/besteffort/pod79b74499-0514-4575-8962-d28ec9d84c5b/" + Id)]
    [InlineData("kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod79b74499_0514_4575_8962_d28ec9d84c5b.slice/cri-containerd-" + Id + ".scope")]
    [InlineData("kubepods.slice/kubepods-pod79b74499_0514_4575_8962_d28ec9d84c5b.slice/crio-" + Id + ".scope")]
    [InlineData("kubepods/pod79b74499-0514-4575-8962-d28ec9d84c5b/" + Id + "/nested/deeper")]
    public void A_cgroup_names_pod_container_and_owner(string path)
    {
        _cluster.Upsert(Web());
        Workload workload = Resolve(path);
        Assert.Equal(("web", "Deployment", "shop", "web-1", "server", "cgroup", "node1"),
            (workload.Name, workload.Kind, workload.Namespace, workload.Pod, workload.Container, workload.Source, workload.Node));
        Assert.Equal((WebUid, Id, false), (workload.PodUid, workload.ContainerId, workload.IsProvisional));
        Assert.Same(workload, Resolve(path));
    }

    [Fact]
    public void What_kubernetes_tells_later_is_made_up_for()
    {
        Workload early = Resolve($"kubepods/pod{WebUid}/{Id}");
        Assert.Equal((Id[..12], true, null, WebUid), (early.Name, early.IsProvisional, early.Pod, early.PodUid));
        int generation = _resolver.Generation;
        _cluster.Upsert(Web() with { Containers = [], OnlyContainer = null });
        Assert.NotEqual(generation, _resolver.Generation);
        Workload named = _resolver.Refresh(early);
        Assert.Equal(("web-1", null, true), (named.Pod, named.Container, named.IsProvisional));
        _cluster.Upsert(Web());
        Workload whole = _resolver.Refresh(named);
        Assert.Equal(("server", false), (whole.Container, whole.IsProvisional));
        // Nothing that counts has changed: the instance stays.
        _cluster.Upsert(Web() with { IsTerminating = true });
        Assert.Same(whole, _resolver.Refresh(whole));
        _cluster.Remove(Web());
        Assert.Same(whole, _resolver.Refresh(whole));
        Assert.True(whole.Lifetime!.IsOver);
        Assert.Equal("web-1", Resolve($"kubepods/pod{WebUid}/{Id}").Pod);
    }

    [Fact]
    public void A_service_joins_and_leaves()
    {
        _cluster.Upsert(Web());
        Workload before = Resolve($"kubepods/pod{WebUid}/{Id}");
        Assert.Null(before.Service);
        _cluster.Upsert(new EndpointSet("shop", "front-1", [new EndpointInfo { Namespace = "shop", Service = "front", Pod = "web-1", Address = s_address, Ports = [80], NodeName = "node1" }]));
        Assert.Equal("front", _resolver.Refresh(before).Service);
    }

    [Fact]
    public void The_other_end_of_a_local_connection_is_known_by_its_socket()
    {
        _cluster.Upsert(Web());
        Connection server = Open(s_address with { Port = 8080 }, s_client, 70, Resolve($"kubepods/pod{WebUid}/{Id}"));
        Workload seen = _resolver.ResolveAddress(s_address with { Port = 8080 }, 99);
        Assert.Equal(("web-1", "server", "socket"), (seen.Pod, seen.Container, seen.Source));
        // Another owner of the same address and port: nobody can tell which.
        Connection twin = Open(s_address with { Port = 8080 }, s_client, 71, Resolve($"docker/{OtherId}"));
        Assert.Equal("ip", _resolver.ResolveAddress(s_address with { Port = 8080 }, 99).Source);
        _resolver.Remove(twin);
        _resolver.Remove(server);
        Assert.Equal("ip", _resolver.ResolveAddress(s_address with { Port = 8080 }, 99).Source);
    }

    [Fact]
    public void A_translated_connection_is_seen_through_by_its_first_sequence_number()
    {
        Endpoint virtualAddress = Endpoint.From([10, 96, 0, 5], 80);
        _cluster.Upsert(new ServiceInfo { Name = "front", Namespace = "shop", Addresses = [virtualAddress with { Port = 0 }], HasPorts = true, Ports = [80] });
        _cluster.Upsert(Web());
        _cluster.Upsert(Web() with { Uid = NewUid, Name = "client-1", WorkloadName = "client", Addresses = [], Containers = [new ContainerName(OtherId, "main")] });
        Connection client = Open(s_client, virtualAddress, 60, Resolve($"kubepods/pod{NewUid}/{OtherId}"), opener: Side.A);
        Assert.Equal(("front", null), (_resolver.ResolvePeer(client).Service, _resolver.ResolvePeer(client).Pod));
        // Masqueraded: the server sees another address and port.
        Connection server = Open(s_address with { Port = 8080 }, Endpoint.From([192, 0, 2, 1], 1234), 70, Resolve($"kubepods/pod{WebUid}/{Id}"), opener: Side.B);
        Workload peer = _resolver.ResolvePeer(client);
        Assert.Equal(("web-1", "front", "server", "socket"), (peer.Pod, peer.Service, peer.Container, peer.Source));
        Assert.Same(peer, _resolver.ResolvePeer(client));
        Assert.Equal("client-1", _resolver.ResolvePeer(server).Pod);
        // Another connection with the same number: nobody can tell.
        Connection third = Open(s_client with { Port = 7 }, virtualAddress, 60, Resolve($"kubepods/pod{NewUid}/{OtherId}"), opener: Side.A);
        Assert.Null(_resolver.ResolvePeer(server).Pod);
        _resolver.Remove(third);
        _resolver.Remove(client);
        _resolver.Remove(server);
        Assert.Same(Workload.Unknown, _resolver.ResolvePeer(server));
    }

    [Fact]
    public void Loopback_is_that_of_its_own_namespace()
    {
        _cluster.Upsert(Web());
        Resolve($"kubepods/pod{WebUid}/{Id}", networkNamespace: 70);
        Endpoint local = Endpoint.From([127, 0, 0, 1], 5000);
        Assert.Equal("web-1", _resolver.ResolveAddress(local, 70).Pod);
        Assert.Same(Workload.Unknown, _resolver.ResolveAddress(local, 71));
    }

    [Fact]
    public void Without_cgroups_the_namespace_and_the_address_name_the_pod()
    {
        _cluster.Upsert(Web());
        Workload byAddress = _resolver.Resolve(new OwnerHint { CgroupId = 1, NetworkNamespace = 70, Local = s_address with { Port = 80 }, ProcessName = "java"u8 });
        Assert.Equal(("web-1", "server", "ip"), (byAddress.Pod, byAddress.Container, byAddress.Source));
        Workload byNamespace = _resolver.Resolve(new OwnerHint { CgroupId = 1, NetworkNamespace = 70, Local = Endpoint.From([127, 0, 0, 1], 80) });
        Assert.Equal(("web-1", "netns"), (byNamespace.Pod, byNamespace.Source));
    }

    [Fact]
    public void An_address_that_went_over_to_another_pod_is_never_the_old_ones()
    {
        _cluster.Upsert(Web());
        Resolve($"kubepods/pod{WebUid}/{Id}", local: s_address with { Port = 80 });
        Assert.Equal("web-1", _resolver.ResolveAddress(s_address with { Port = 80 }, 0).Pod);
        // The new pod's first packet comes before the API server tells of its address, and while the old one is still listed.
        _cluster.Upsert(Web() with { Uid = NewUid, Name = "web-2", Addresses = [], Containers = [new ContainerName(OtherId, "server")] });
        Resolve($"kubepods/pod{NewUid}/{OtherId}", local: s_address with { Port = 80 });
        Assert.Equal("web-2", _resolver.ResolveAddress(s_address with { Port = 80 }, 0).Pod);
        _cluster.Remove(Web());
        Assert.Equal("web-2", _resolver.ResolveAddress(s_address with { Port = 80 }, 0).Pod);
        _cluster.Remove(Web() with { Uid = NewUid });
        Assert.Null(_resolver.ResolveAddress(s_address with { Port = 80 }, 0).Pod);
    }

    [Fact]
    public void A_pod_on_the_nodes_network_does_not_give_its_name_to_the_node()
    {
        Endpoint node = Endpoint.From([192, 0, 2, 1], 443);
        _cluster.Upsert(Web() with { IsHostNetwork = true, Addresses = [node with { Port = 0 }] });
        Assert.Equal("web-1", Resolve($"kubepods/pod{WebUid}/{Id}", networkNamespace: 5, local: node).Pod);
        Assert.Null(_resolver.ResolveAddress(node, 5).Pod);
        Assert.Null(_resolver.Resolve(new OwnerHint { CgroupId = 1, NetworkNamespace = 5, Local = node, ProcessName = "sshd"u8 }).Pod);
    }

    [Fact]
    public void Services_are_named_and_the_outside_only_when_all_lists_are_there()
    {
        Endpoint virtualAddress = Endpoint.From([10, 96, 0, 5], 80);
        Endpoint elsewhere = Endpoint.From([203, 0, 113, 9], 443);
        _cluster.Upsert(new ServiceInfo { Name = "front", Namespace = "shop", Addresses = [virtualAddress with { Port = 0 }], HasPorts = true, Ports = [80] });
        Workload service = _resolver.ResolveAddress(virtualAddress, 0);
        Assert.Equal(("front", "Service", "shop", "front", "ip"), (service.Name, service.Kind, service.Namespace, service.Service, service.Source));
        Assert.Same(service, _resolver.ResolveAddress(virtualAddress, 0));
        Assert.Same(Workload.Unknown, _resolver.ResolveAddress(elsewhere, 0));
        _cluster.Complete();
        // Nodes have not been listed: their addresses would be taken for outside.
        Assert.Same(Workload.Unknown, _resolver.ResolveAddress(elsewhere, 0));
    }

    [Fact]
    public void A_backend_on_another_node_is_named_by_its_service()
    {
        Endpoint far = Endpoint.From([10, 244, 3, 3], 8080);
        _cluster.Upsert(new EndpointSet("shop", "front-1", [new EndpointInfo { Namespace = "shop", Service = "front", Pod = "web-9", Address = far with { Port = 0 }, Ports = [8080], NodeName = "node3" }]));
        Workload backend = _resolver.ResolveAddress(far, 0);
        Assert.Equal(("front", "shop", "web-9", "front", "node3"), (backend.Name, backend.Namespace, backend.Pod, backend.Service, backend.Node));
    }

    [Fact]
    public void The_namer_asks_again_only_when_something_was_learnt()
    {
        CountingObserver next = new();
        ConnectionNamer namer = new(_resolver, next);
        Connection connection = Open(s_client, s_address with { Port = 8080 }, 60, Resolve($"kubepods/pod{WebUid}/{Id}"));
        for (int i = 0; i < 10; i++)
        {
            namer.OnTransaction(new Transaction { Connection = connection, Protocol = "http", ClientSide = Side.A, StartNs = 1 });
        }
        Assert.Equal((10, true, 3), (next.Count, connection.Workload.IsProvisional, connection.PeerTries));
        _cluster.Upsert(Web() with { Addresses = [] });
        _cluster.Upsert(Web() with { Uid = NewUid, Name = "db-1", WorkloadName = "db", Containers = [] });
        namer.OnTransaction(new Transaction { Connection = connection, Protocol = "http", ClientSide = Side.A, StartNs = 1 });
        Assert.Equal(("web-1", "db-1"), (connection.Workload.Pod, connection.Peer.Pod));
    }

    private static PodInfo Web() => new()
    {
        Uid = WebUid, Name = "web-1", Namespace = "shop", NodeName = "node1", WorkloadName = "web", WorkloadKind = "Deployment",
        Addresses = [s_address], Containers = [new ContainerName(Id, "server")], OnlyContainer = "server",
    };

    private Workload Resolve(string path, uint networkNamespace = 0, Endpoint local = default) =>
        _resolver.Resolve(new OwnerHint { CgroupPath = Encoding.UTF8.GetBytes(path), NetworkNamespace = networkNamespace, Local = local });

    private Connection Open(Endpoint local, Endpoint remote, uint networkNamespace, Workload workload, Side? opener = null)
    {
        Connection connection = Connection.Create(local, remote, isLocalSocket: true);
        connection.NetworkNamespace = networkNamespace;
        connection.Workload = workload;
        connection.OpenerSequence = opener is null ? 0 : 4711u;
        connection.OpenedBy = opener ?? Side.A;
        _resolver.Add(connection);
        return connection;
    }

    private sealed class CountingObserver : ITransactionObserver
    {
        public int Count { get; private set; }

        public void OnTransaction(in Transaction transaction) => Count++;
    }
}
