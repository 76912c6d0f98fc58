using System.Globalization;
using KubeBpfBox.Demo.Services;
using KubeBpfBox.Support;

namespace KubeBpfBox.Demo;

/// <summary>How the demonstration is to run.</summary>
/// <param name="AgentPath">The agent's program.</param>
/// <param name="Port">Where its page is to be; another when it is taken.</param>
/// <param name="IsKubernetes">With a stand-in for the API server of a cluster.</param>
internal sealed record DemonstrationOptions(string AgentPath, int Port, bool IsKubernetes);

/// <summary>The shop, its visitors and the agent beside them.</summary>
/// <remarks>Lifetime: <see cref="DisposeAsync"/> ends all of it and leaves nothing behind; what a killed one left is removed when the next starts.</remarks>
internal sealed class Demonstration : IAsyncDisposable
{
    private const long ThumbnailsMemoryBytes = 160L << 20;

    /// <summary>Joins the cgroups that are named before "--", and becomes the program after it.</summary>
    private const string JoinAndRun = """while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@" """;

    private static readonly string s_self = Environment.ProcessPath!;

    private readonly DemonstrationOptions _options;
    private readonly TemporaryFolder _folder = new();
    private readonly ShopCgroups _cgroups;
    private readonly TestCgroup _agentCgroup;
    private readonly Bridge _bridge;
    private readonly List<(string Name, Func<ChildProcess> Start, ChildProcess Process)> _running = [];
    private ClusterStandIn? _cluster;

    public Demonstration(DemonstrationOptions options)
    {
        _options = options;
        _cgroups = new ShopCgroups();
        _agentCgroup = new TestCgroup();
        _bridge = new Bridge();
    }

    /// <summary>Whether the kernel can kill for memory here.</summary>
    public bool HasMemoryLimit => _cgroups.CanLimitMemory;

    /// <summary>The page's address; valid once it is started.</summary>
    public string Url { get; private set; } = "";

    /// <summary>Starts all, and waits until the agent captures.</summary>
    public async Task StartAsync(CancellationToken stop)
    {
        await StartAgentAsync(stop);
        foreach (ShopWorkload workload in Shop.Workloads)
        {
            for (int replica = 0; replica < workload.Replicas; replica++)
            {
                Plug(workload, replica);
                stop.ThrowIfCancellationRequested();
            }
        }
        NetworkNamespace outside = _bridge.Plug([.. Shop.VisitorAddresses.Append(Shop.BankAddress).Select(static address => $"{address}/32")]);
        outside.Ip("route", "add", "default", "dev", "eth0");
        Run("bank", () => outside.Start(s_self, "serve", "bank", "--address", Shop.BankAddress));
        Run("visitors", () => outside.Start(s_self, "serve", "visitors"));
    }

    /// <summary>Watches all of them; who is killed for its memory is started again, as systemd and a kubelet do.</summary>
    /// <exception cref="InvalidOperationException">Another one ended.</exception>
    public async Task KeepAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromSeconds(2), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            for (int i = 0; i < _running.Count && !stop.IsCancellationRequested; i++)
            {
                (string name, Func<ChildProcess> start, ChildProcess process) = _running[i];
                if (!process.HasExited)
                {
                    continue;
                }
                if (name != "thumbnails" || process.ExitCode != 128 + 9)
                {
                    throw new InvalidOperationException($"{name} ended with {process.ExitCode}: {process.Errors.Trim()}");
                }
                process.Dispose();
                _running[i] = (name, start, start());
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _running.ForEach(static each => each.Process.Signal(15));
        _running.ForEach(static each => each.Process.Dispose());
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
        _bridge.Dispose();
        _agentCgroup.Dispose();
        _cgroups.Dispose();
        _folder.Dispose();
    }

    private async Task StartAgentAsync(CancellationToken stop)
    {
        List<string> settings = [$"sinks.sqlite.path={_folder.PathOf("kubebpfbox.db")}", $"plugins.traffic.cgroup_path={_cgroups.Folder}"];
        if (_options.IsKubernetes)
        {
            _cluster = new ClusterStandIn();
            await _cluster.StartAsync(_folder.PathOf("kubeconfig"));
            settings.AddRange([$"Cluster.ConfigPath={_folder.PathOf("kubeconfig")}", $"node.name={ClusterStandIn.NodeName}"]);
        }
        int port = TcpPort.IsFree(_options.Port) ? _options.Port : TcpPort.Free();
        Url = $"http://127.0.0.1:{port}";
        string unit = _agentCgroup.Make("kubebpfbox.service");
        ChildProcess agent = Run("agent", () => StartIn([unit], [
            _options.AgentPath, "run", "--quiet", "--set", $"api.listen=127.0.0.1:{port}",
            .. settings.SelectMany(static setting => (string[])["--set", setting])]));
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
        agent.WaitUntil(() => IsReady(http, stop), "readiness of the agent", TimeSpan.FromSeconds(30));
    }

    private bool IsReady(HttpClient http, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        try
        {
            using HttpResponseMessage response = http.GetAsync(new Uri(Url + "/readyz"), stop).GetAwaiter().GetResult();
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private void Plug(ShopWorkload workload, int replica)
    {
        string address = workload.Addresses[replica];
        NetworkNamespace network = _bridge.Plug($"{address}/16");
        network.Ip("route", "add", "default", "dev", "eth0");
        IReadOnlyList<string> cgroups = _cgroups.Make(workload.CgroupPath(replica, _options.IsKubernetes), workload.Name == "thumbnails" ? ThumbnailsMemoryBytes : 0);
        string[] program = workload.Name == "gateway"
            ? ["nginx", "-p", _folder.FolderPath, "-e", _folder.PathOf("error.log"), "-c", Gateway.Configure(_folder.FolderPath)]
            : [s_self, "serve", workload.Name, "--address", address];
        // In this order: "ip netns exec" mounts a /sys of its own, without the cgroups.
        Run(workload.Name, () => StartIn(cgroups, ["ip", "netns", "exec", network.Name, .. program]));
    }

    private static ChildProcess StartIn(IEnumerable<string> cgroups, IEnumerable<string> program) => ChildProcess.Start("sh", ["-c", JoinAndRun, "sh", .. cgroups, "--", .. program]);

    private ChildProcess Run(string name, Func<ChildProcess> start)
    {
        ChildProcess process = start();
        _running.Add((name, start, process));
        return process;
    }
}
