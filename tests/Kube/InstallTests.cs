using System.Globalization;
using System.Text.Json;
using KubeBpfBox.Kube.Cluster;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube;

/// <summary>scripts/install.sh with an InfluxDB of one's own, up to the data in it; and scripts/uninstall.sh.</summary>
public sealed class InstallTests : IDisposable
{
    private const string User = "agent", Password = "p\"a$s's=w\\o#rd";
    private const string Bare = "[influxdb]\nINSTALL=false\n[grafana]\nINSTALL=false\n";
    private const int Count = 25;

    private readonly Installation _installation = new(Bare);

    public void Dispose() => _installation.Dispose();

    [Fact]
    public void Requests_reach_an_influxdb_that_was_there()
    {
        using NetworkNamespace network = NetworkNamespace.Existing(Node.NetworkName);
        using InfluxServer influx = new(network, System.Net.IPAddress.Parse(Node.Address), port: 8086, isClosed: true);
        influx.Query($"CREATE USER {User} WITH PASSWORD '{Password.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'");
        influx.Query($"GRANT WRITE ON \"{influx.Database}\" TO {User}");
        _installation.Configure($"[influxdb]\nINSTALL=false\nINFLUX_ADDR={influx.Url}\nINFLUX_DATABASE={influx.Database}\nINFLUX_USERNAME={User}\nINFLUX_PASSWORD={Password}\n[grafana]\nINSTALL=false\n");

        _installation.Install();
        using TestNamespace shop = new("kbb-shop");
        shop.Apply(Manifests.Pod("server", "httpd", Manifests.Httpd(8080)), Manifests.Pod("client", "client", Manifests.Idle));
        Pod server = shop.Ready("server").Single(), client = shop.Ready("client").Single();
        Assert.Equal(Count, Scene.Request(client, $"http://{server.Address}:8080/index.html", Count));

        string Points(string flow, string pod) => $"FROM traffic WHERE \"namespace\" = '{shop.Name}' AND \"podname\" = '{pod}' AND \"flow\" = '{flow}' AND \"url\" = '/index.html'";
        Kubectl.Until(
            () => influx.QueryNumber("SELECT count(code) " + Points("ingress", "server")) >= Count && influx.QueryNumber("SELECT count(code) " + Points("egress", "client")) >= Count,
            () => $"{Count} requests at both ends: {string.Join('\n', influx.Query($"SELECT count(code) FROM traffic WHERE \"namespace\" = '{shop.Name}' GROUP BY podname, flow").Select(static row => string.Join(' ', row)))}");
        Assert.Equal((Count, Count), (influx.QueryNumber("SELECT count(code) " + Points("ingress", "server")), influx.QueryNumber("SELECT count(code) " + Points("egress", "client"))));
        IReadOnlyDictionary<string, JsonElement> one = influx.Query("SELECT * " + Points("ingress", "server") + " LIMIT 1").Single();
        Assert.Equal((Node.Name, "GET", 200, "client"), (one["nodename"].GetString(), one["method"].GetString(), one["code"].GetInt32(), one["peer_podname"].GetString()));
        // The windows of the series are of 10 s.
        Kubectl.Until(
            () => influx.QueryNumber($"SELECT sum(requests) FROM red WHERE \"namespace\" = '{shop.Name}' AND \"podname\" = 'server' AND \"flow\" = 'ingress'") >= Count,
            () => $"{Count} requests in red",
            TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void A_second_run_changes_nothing_and_neither_does_a_dry_run()
    {
        string own = "[influxdb]\nINSTALL=false\nINFLUX_ADDR=http://10.10.0.1:1\nINFLUX_ORG=o\nINFLUX_BUCKET=b\nINFLUX_TOKEN={0}\n[grafana]\nINSTALL=false\n";
        _installation.Configure(string.Format(CultureInfo.InvariantCulture, own, "first"));

        string dry = _installation.Render();
        Assert.Empty(Installation.OfTheCluster());
        Assert.Contains("kind: DaemonSet", dry, StringComparison.Ordinal);

        _installation.Install();
        IReadOnlyList<string> first = Installation.Snapshot();
        Assert.Contains(first, static one => one.StartsWith("DaemonSet kubebpfbox", StringComparison.Ordinal));
        string again = _installation.Install();
        Assert.Equal(first, Installation.Snapshot());
        Assert.DoesNotContain("configured", again, StringComparison.Ordinal);
        Assert.DoesNotContain("created", again, StringComparison.Ordinal);

        // Another token is another pod: variables are read when a container starts.
        string pod = AgentPod.Find().Uid;
        _installation.Configure(string.Format(CultureInfo.InvariantCulture, own, "second"));
        _installation.Render();
        Assert.Equal(first, Installation.Snapshot());
        _installation.Install();
        Assert.NotEqual(pod, AgentPod.Find().Uid);
    }

    [Fact]
    public void Uninstall_leaves_nothing()
    {
        _installation.Install();
        HashSet<long> programs = ProgramsOf(AgentPod.Find().FindProcess());
        Assert.NotEmpty(programs);
        Assert.Subset(Programs(), programs);
        Assert.NotEmpty(Installation.OfTheCluster());

        string said = _installation.Uninstall();

        Assert.Contains("data that stay: /var/lib/kubebpfbox on each node", said, StringComparison.Ordinal);
        Assert.Empty(Installation.OfTheCluster());
        Assert.Empty(programs.Intersect(Programs()));
        Assert.NotEmpty(Directory.GetFiles("/var/lib/kubebpfbox"));
        Assert.Contains("nothing of kubebpfbox is in this cluster", _installation.Uninstall(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_namespace_that_was_there_is_left_with_what_else_is_in_it()
    {
        using TestNamespace watching = new("kbb-watching");
        Kubectl.Run("create", "configmap", "theirs", "-n", watching.Name);
        _installation.Configure($"[global]\nNAMESPACE={watching.Name}\n{Bare}");

        _installation.Install();
        Pod agent = watching.Pods("-l", "app.kubernetes.io/name=kubebpfbox").Single();
        _installation.Uninstall();

        Assert.True(agent.IsReady);
        Assert.Empty(Installation.OfTheCluster());
        string[] left = Kubectl.Run("get", "all,configmaps,serviceaccounts", "-n", watching.Name, "-o", "name").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("configmap/theirs", left);
        Assert.DoesNotContain(left, static name => name.Contains("kubebpfbox", StringComparison.Ordinal));
        // Else what comes next would find the namespace of this test.
        _installation.Configure(Bare);
    }

    [Fact]
    public void An_image_that_is_not_there_is_told_with_the_pods_events()
    {
        _installation.Configure($"[global]\nIMAGE=docker.io/library/no-such-agent\nIMAGE_PULL_POLICY=Never\n{Bare}");

        string said = _installation.FailToInstall();

        Assert.Contains("daemonset kubebpfbox does not start: ErrImageNeverPull on node1", said, StringComparison.Ordinal);
        Assert.Contains("Container image \"docker.io/library/no-such-agent:0.1.0\" is not present with pull policy of Never", said, StringComparison.Ordinal);
        Assert.Contains("look at IMAGE and IMAGE_TAG in [global]", said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_that_is_not_there_and_an_operator_that_is_not_there_are_told_before_anything_is_made()
    {
        _installation.Configure("[influxdb]\nINFLUXDB_HOST=node7\nINFLUXDB_PV_PATH=/data/influxdb\n[grafana]\nINSTALL=false\n");
        Assert.Contains(":4: INFLUXDB_HOST: the cluster has no node 'node7'; there are node1", _installation.FailToInstall(), StringComparison.Ordinal);

        _installation.Configure($"[global]\nMONITOR=pod\n{Bare}");
        Assert.Contains(":3: MONITOR=pod needs the Prometheus operator, which this cluster does not have", _installation.FailToInstall(), StringComparison.Ordinal);

        Assert.Empty(Installation.OfTheCluster());
    }

    /// <summary>Kernel programs that a process holds, by its descriptors of programs and of links (kernel/bpf/syscall.c: bpf_prog_show_fdinfo).</summary>
    private static HashSet<long> ProgramsOf(int processId) => [.. Directory.GetFiles($"/proc/{processId}/fdinfo").SelectMany(File.ReadAllLines)
        .Where(static line => line.StartsWith("prog_id:", StringComparison.Ordinal)).Select(static line => long.Parse(line["prog_id:".Length..].Trim(), CultureInfo.InvariantCulture))];

    /// <summary>All that the kernel has.</summary>
    private static HashSet<long> Programs()
    {
        using JsonDocument document = JsonDocument.Parse(ChildProcess.Run("bpftool", "-j", "prog", "show"));
        return [.. document.RootElement.EnumerateArray().Select(static program => program.GetProperty("id").GetInt64())];
    }
}
