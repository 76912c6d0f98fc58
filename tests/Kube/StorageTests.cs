using System.Text.RegularExpressions;
using KubeBpfBox.Kube.Cluster;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube;

/// <summary>InfluxDB and Grafana in the cluster: volumes, Secrets, users, probes.</summary>
/// <remarks>
/// Their official images cannot be had here. In their places stand images that check what the manifests give them (tests/Kube/images): the users, the
/// variables, what can be written and what is mounted.
/// </remarks>
public sealed partial class StorageTests : IDisposable
{
    private const string InfluxImage = "docker.io/library/kube-influxdb:local", GrafanaImage = "docker.io/library/kube-grafana:local";
    private static readonly string[] s_secrets = ["kubebpfbox-influxdb", "kubebpfbox-influxdb-admin", "kubebpfbox-grafana"];

    private readonly Installation _installation;
    private readonly string _influxDirectory, _grafanaDirectory;

    public StorageTests()
    {
        string Program(string name) => $"{Node.Repository}/tests/Kube/images/{name}=/usr/bin/entrypoint";
        ChildProcess.Run(Node.Script("image"), "kube-influxdb:local", "/bin/busybox", "/usr/bin/influxd", Program("influxdb"), "--", "/usr/bin/entrypoint");
        ChildProcess.Run(Node.Script("image"), "kube-grafana:local", "/bin/busybox", Program("grafana"), "--", "/usr/bin/entrypoint");
        _installation = new Installation("[influxdb]\nINSTALL=false\n[grafana]\nINSTALL=false\n");
        _influxDirectory = _installation.DirectoryOfNode("influxdb");
        _grafanaDirectory = _installation.DirectoryOfNode("grafana");
        _installation.Configure($"[influxdb]\nINFLUXDB_HOST=node1\nINFLUXDB_PV_PATH={_influxDirectory}\nINFLUXDB_IMAGE={InfluxImage}\n[grafana]\nGRAFANA_HOST=node1\nGRAFANA_PV_PATH={_grafanaDirectory}\nGRAFANA_IMAGE={GrafanaImage}\n");
    }

    public void Dispose() => _installation.Dispose();

    [Fact]
    public void Both_run_on_their_directories_and_open_them_again_after_uninstall()
    {
        string said = _installation.Install();

        string password = Secret("kubebpfbox-grafana", "admin-password");
        Assert.Contains($"user admin, password {password}", said, StringComparison.Ordinal);
        Assert.Contains("http://grafana.kubebpfbox.com/", said, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_influxDirectory, "token")));
        Assert.True(File.Exists(Path.Combine(_grafanaDirectory, "grafana.db")));
        string[] secrets = Secrets();
        Assert.Equal(secrets.Length, secrets.Distinct().Count());

        IReadOnlyList<string> before = Installation.Snapshot();
        Assert.DoesNotContain(password, _installation.Install(), StringComparison.Ordinal);
        Assert.Equal(before, Installation.Snapshot());

        // The data stay, and with them what opens them.
        Assert.Contains(_influxDirectory, _installation.Uninstall(), StringComparison.Ordinal);
        Assert.Empty(Installation.OfTheCluster());
        Assert.True(File.Exists(Path.Combine(_influxDirectory, "token")));
        string saved = Directory.GetFiles(Path.GetDirectoryName(_influxDirectory)!, "kubebpfbox-secrets-*.yaml").Single();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(saved));
        string hidden = saved + ".hidden";
        File.Move(saved, hidden);
        Assert.Contains("is not empty (", _installation.FailToInstall(), StringComparison.Ordinal);
        File.Move(hidden, saved);
        _installation.Install();
        Assert.Equal(secrets, Secrets());

        _installation.Uninstall("--delete-data");
        Assert.Empty(Directory.GetFileSystemEntries(_influxDirectory));
        Assert.Empty(Directory.GetFileSystemEntries(_grafanaDirectory));
        Assert.Empty(Directory.GetFileSystemEntries("/var/lib/kubebpfbox"));
        Assert.False(File.Exists(saved));
    }

    [Fact]
    public void Data_do_not_move_by_themselves()
    {
        _installation.Configure($"[influxdb]\nINFLUXDB_HOST=node1\nINFLUXDB_PV_PATH={_influxDirectory}\nINFLUXDB_IMAGE={InfluxImage}\n[grafana]\nINSTALL=false\n");
        _installation.Install();
        _installation.Configure($"[influxdb]\nINFLUXDB_HOST=node1\nINFLUXDB_PV_PATH=/elsewhere\nINFLUXDB_IMAGE={InfluxImage}\n[grafana]\nINSTALL=false\n");

        Assert.Contains($":5: the data are in node1:{_influxDirectory} now", _installation.FailToInstall(), StringComparison.Ordinal);
    }

    /// <summary>With the images that users get, as far as the API server.</summary>
    [Fact]
    public void The_api_server_takes_the_manifests_as_they_are_shipped()
    {
        using TestNamespace real = new("kbb-manifests");
        _installation.Configure($"[global]\nNAMESPACE={real.Name}\n[influxdb]\nINFLUXDB_HOST=node1\nINFLUXDB_PV_PATH=/data/influxdb\n[grafana]\nGRAFANA_HOST=node1\nGRAFANA_PV_PATH=/data/grafana\nINGRESS_CLASS=nginx\n");
        string objects = _installation.DirectoryOfNode("objects.yaml");
        File.WriteAllText(objects, DocumentsOnly().Match(_installation.Install("--dry-run")).Value);

        string[] answers = Kubectl.Run("apply", "--dry-run=server", "-f", objects).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.All(answers, static answer => Assert.EndsWith(" created (server dry run)", answer, StringComparison.Ordinal));
        foreach (string one in (string[])["statefulset.apps/kubebpfbox-influxdb", "deployment.apps/kubebpfbox-grafana", "ingress.networking.k8s.io/kubebpfbox-grafana", "persistentvolume/kubebpfbox-influxdb"])
        {
            Assert.Contains(answers, answer => answer.StartsWith(one, StringComparison.Ordinal));
        }
        _installation.Configure("[influxdb]\nINSTALL=false\n[grafana]\nINSTALL=false\n");
    }

    /// <summary>The chart: passwords stay when it is installed over itself, and nothing is left.</summary>
    [Fact]
    public void The_chart_installs_upgrades_and_goes()
    {
        foreach (string directory in (string[])[_influxDirectory, _grafanaDirectory])
        {
            Directory.CreateDirectory(directory);
        }
        string[] values =
        [
            "--set", $"influxdb.image={InfluxImage},influxdb.storage.host=node1,influxdb.storage.path={_influxDirectory}",
            "--set", $"grafana.image={GrafanaImage},grafana.storage.host=node1,grafana.storage.path={_grafanaDirectory}",
        ];
        Helm(["install", "--create-namespace", "--wait", "--timeout", "3m", .. values]);
        string[] secrets = Secrets();
        IReadOnlyList<Pod> pods = Pods();

        Helm(["upgrade", "--wait", "--timeout", "3m", .. values]);
        Assert.Equal(secrets, Secrets());
        Assert.Equal(pods.Select(Installation.Describe), Pods().Select(Installation.Describe));
        Assert.Equal(3, pods.Count);

        Helm(["upgrade", "--wait", "--timeout", "3m", "--set", "config.log.level=debug", .. values]);
        Assert.NotEqual(pods.Single(static pod => IsAgent(pod)).Uid, AgentUid());

        Helm(["uninstall"]);
        Kubectl.Run("delete", "namespace", AgentPod.Namespace);
        Assert.Empty(Installation.OfTheCluster());
    }

    private static bool IsAgent(Pod pod) => AgentName().IsMatch(pod.Name);

    private static string AgentUid()
    {
        Pod[] agents = [];
        Kubectl.Until(() => (agents = [.. Pods().Where(IsAgent)]) is [{ IsReady: true }], () => $"one agent: {string.Join<Pod>("; ", agents)}");
        return agents[0].Uid;
    }

    private static IReadOnlyList<Pod> Pods() => [.. Kubectl.Get("pods", "-n", AgentPod.Namespace).GetProperty("items").EnumerateArray().Select(Pod.Of)];

    private static void Helm(string[] arguments)
    {
        string helm = Path.Combine(ChildProcess.Run(Path.Combine(Node.Repository, "tests/Deploy/tools")).Trim(), "helm");
        string[] what = arguments[0] == "uninstall" ? ["uninstall", "kubebpfbox"] : [arguments[0], "kubebpfbox", Path.Combine(Node.Repository, "deploy/chart")];
        using ChildProcess child = ChildProcess.Start("nsenter", ["--net=/run/netns/" + Node.NetworkName, helm, "--kubeconfig", Node.Kubeconfig, "--namespace", AgentPod.Namespace, .. what, .. arguments[1..]]);
        child.WaitForExit(TimeSpan.FromMinutes(4));
        Assert.True(child.ExitCode == 0, $"helm {arguments[0]}: {child.Errors}");
    }

    private static string[] Secrets() => [.. s_secrets.Select(static name => Secret(name, name == "kubebpfbox-influxdb" ? "INFLUX_TOKEN" : "admin-password"))];

    private static string Secret(string name, string key) =>
        Kubectl.Run("get", "secret", name, "-n", AgentPod.Namespace, "-o", $"go-template={{{{index .data \"{key}\" | base64decode}}}}");

    [GeneratedRegex("^kubebpfbox-[a-z0-9]{5}$")]
    private static partial Regex AgentName();

    /// <summary>Without what is said beside the objects.</summary>
    [GeneratedRegex(@"\A.*?(?=^install: |\z)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex DocumentsOnly();
}
