using System.Net;
using System.Text.Json.Nodes;
using KubeBpfBox.Dashboards.Grafana;
using KubeBpfBox.Kernel.EndToEnd;
using KubeBpfBox.Support;
using KubeBpfBox.Unit.Kubernetes;

namespace KubeBpfBox.Dashboards.Scene;

/// <summary>
/// A node with pods that ask each other, one that is killed for its memory and one that does not accept connections; the agent that watches it; and the
/// databases that the agent's data go to: InfluxDB 1 and Prometheus.
/// </summary>
/// <remarks>
/// Only the API server is made up: pods are processes in cgroups named as the kubelet names them, and all else is real. Lifetime: made once for all
/// tests, which see the same data; <see cref="DisposeAsync"/> ends and removes everything.
/// </remarks>
public sealed class ClusterScene : IAsyncLifetime
{
    private const long MemoryLimitBytes = 32 << 20;
    private const string ShopNamespace = "shop";
    private const string BatchNamespace = "batch";

    /// <summary>Three windows of 10 s, so that what is a difference between two of them has a value.</summary>
    private static readonly TimeSpan Traffic = TimeSpan.FromSeconds(32);

    private readonly TemporaryFolder _folder = new();
    private readonly List<ChildProcess> _processes = [];
    private readonly DateTimeOffset _begin = DateTimeOffset.UtcNow;
    private TestCgroup? _cgroup;
    private TestMemoryCgroup? _memory;
    private FakeApiServer? _api;
    private AgentProcess? _agent;
    private InfluxServer? _influx;
    private PrometheusServer? _prometheus;

    /// <summary>The databases by backend.</summary>
    internal IReadOnlyDictionary<string, IDatabase> Databases { get; private set; } = new Dictionary<string, IDatabase>();

    /// <summary>From before the first request to after the last.</summary>
    internal TimeRange Range { get; private set; }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        _cgroup = new TestCgroup();
        _memory = new TestMemoryCgroup();
        _api = await FakeApiServer.StartAsync();
        ScenePod server = Add("web-7d4f9-abcde", ShopNamespace, "Deployment", "10.8.0.1");
        ScenePod client = Add("client-5c6b8-fghij", ShopNamespace, "Deployment", "10.8.0.2");
        ScenePod stalled = Add("slow-0", ShopNamespace, "StatefulSet", "10.8.0.3");
        ScenePod other = Add("api-0", BatchNamespace, "StatefulSet", "10.8.0.5");
        ScenePod hungry = Add("report-29347-k7xzp", BatchNamespace, "Job", "10.8.0.4");
        _api.Nodes.Add(KubeObjects.NodeObject(KubeObjects.NodeName, "192.0.2.1", "10.8.0.0/24"));
        _api.Services.Add(KubeObjects.Service("web", "10.96.0.1", 80).With("metadata/namespace", ShopNamespace));
        _api.Slices.Add(Endpoints(server));

        _influx = new InfluxServer();
        _agent = new AgentProcess(_cgroup.FolderPath, $"node.name={KubeObjects.NodeName}", $"Cluster.ConfigPath={WriteKubeconfig()}", "sinks.sqlite.enabled=false", $"sinks.influxdb.url={_influx.Url}", $"sinks.influxdb.database={_influx.Database}", $"spool.path={_folder.PathOf("spool")}");
        _prometheus = new PrometheusServer(_agent.Port);
        Databases = new Dictionary<string, IDatabase> { ["influxdb"] = new InfluxDatabase(_influx), ["prometheus"] = new PrometheusDatabase(_prometheus) };
        await PlayAsync(server, other, client, stalled, hungry);
        Range = new TimeRange(_begin, DateTimeOffset.UtcNow);
    }

    /// <summary>Called, too, when <see cref="InitializeAsync"/> failed on its way.</summary>
    public async ValueTask DisposeAsync()
    {
        _processes.ForEach(static process => process.Dispose());
        _agent?.Dispose();
        _prometheus?.Dispose();
        _influx?.Dispose();
        if (_api is not null)
        {
            await _api.DisposeAsync();
        }
        _memory?.Dispose();
        _cgroup?.Dispose();
        _folder.Dispose();
    }

    private async Task PlayAsync(ScenePod server, ScenePod other, ScenePod client, ScenePod stalled, ScenePod hungry)
    {
        int stalledPort = TcpPort.Free();
        ChildProcess[] asking = [.. ((ScenePod[])[server, other]).Select(Serve).ToArray().Select(port => Run(client, "ask", port, (int)Traffic.TotalSeconds))];
        Run(stalled, "stall", stalledPort);
        await Task.Delay(TimeSpan.FromSeconds(2));
        Run(client, "crowd", stalledPort, 8);
        string memory = _memory!.Make(hungry.CgroupPath);
        TestMemoryCgroup.SetLimit(memory, MemoryLimitBytes);
        Run(Path.Combine(memory, "cgroup.procs"), "eat");
        foreach (ChildProcess one in asking)
        {
            one.WaitForExit(Traffic + TimeSpan.FromSeconds(20));
            Assert.True(one.ExitCode == 0, one.Errors);
        }
        // The last window has to end and to be written.
        _agent!.Until(() => _influx!.Count("red_namespace", "requests") >= 6 && _influx.Count("agent", "completeness") >= 3, "the windows in InfluxDB");
    }

    /// <summary>Starts a pod's server.</summary>
    /// <returns>Its port.</returns>
    private int Serve(ScenePod pod)
    {
        int port = TcpPort.Free();
        Run(pod, "serve", port).WaitForPort(new(IPAddress.Loopback, port), TimeSpan.FromSeconds(10));
        return port;
    }

    private ScenePod Add(string name, string @namespace, string kind, string address)
    {
        ScenePod pod = new(name, @namespace, address);
        string owner = kind == "StatefulSet" ? name[..^2] : name[..name.LastIndexOf('-')];
        string hash = owner[(owner.LastIndexOf('-') + 1)..];
        _api!.Pods.Add(pod.ToJson().OwnedBy(kind == "Deployment" ? "ReplicaSet" : kind, owner, hash: kind == "Deployment" ? hash : null));
        return pod;
    }

    private ChildProcess Run(ScenePod pod, string mode, params int[] numbers)
    {
        string folder = _cgroup!.Make(pod.CgroupPath);
        return Run(Path.Combine(folder, "cgroup.procs"), mode, numbers);
    }

    /// <summary>A process is in its cgroup before it does anything.</summary>
    private ChildProcess Run(string cgroup, string mode, params int[] numbers)
    {
        string[] program = [AptPackages.Require("python3", "python3"), Path.Combine(AppContext.BaseDirectory, "Scene", "pod.py"), mode, .. numbers.Select(static number => $"{number}")];
        ChildProcess process = ChildProcess.Start("/bin/sh", ["-c", "echo 0 > \"$0\" && exec \"$@\"", cgroup, .. program]);
        _processes.Add(process);
        return process;
    }

    private static JsonObject Endpoints(ScenePod pod)
    {
        JsonObject slice = KubeObjects.Slice("web-x", "web", pod.Address, pod.Name).With("metadata/namespace", pod.Namespace);
        slice["endpoints"]![0]!["targetRef"]!["namespace"] = pod.Namespace;
        return slice;
    }

    private string WriteKubeconfig()
    {
        string path = _folder.PathOf("kubeconfig");
        File.WriteAllText(path, $$$"""
            current-context: scene
            contexts: [{name: scene, context: {cluster: scene}}]
            clusters: [{name: scene, cluster: {server: "{{{_api!.Url}}}"}}]
            """);
        return path;
    }
}

/// <summary>Tests that look at the one scene.</summary>
[CollectionDefinition(Name)]
public sealed class SharedScene : ICollectionFixture<ClusterScene>
{
    public const string Name = "shared scene";
}
