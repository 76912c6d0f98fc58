using System.Text.RegularExpressions;
using KubeBpfBox.Support;

namespace KubeBpfBox.Deploy;

/// <summary>scripts/install.sh without a cluster: what it would apply, and what it says to values that are wrong.</summary>
public sealed partial class InstallScriptTests
{
    private const string Bare = "[influxdb]\nINSTALL=false\n[grafana]\nINSTALL=false\n";
    private const string Grafana = "[grafana]\nGRAFANA_HOST=node2\nGRAFANA_PV_PATH=/data/grafana\n";
    private const string GrafanaOfChart = "grafana.storage.host=node2,grafana.storage.path=/data/grafana";

    /// <summary>config.ini, and the same as values of the chart.</summary>
    public static TheoryData<string, string> Installations => new()
    {
        {
            $"[influxdb]\nINFLUXDB_HOST=node1\nINFLUXDB_PV_PATH=/data/influxdb\nINFLUXDB_SIZE=7Gi\nINFLUXDB_RETENTION=3d\n{Grafana}INGRESS_CLASS=nginx\nPROMETHEUS_URL=http://prometheus:9090\n",
            $"influxdb.storage.host=node1,influxdb.storage.path=/data/influxdb,influxdb.storage.size=7Gi,influxdb.retention=3d,{GrafanaOfChart},grafana.ingress.className=nginx,grafana.prometheusUrl=http://prometheus:9090"
        },
        {
            $"[influxdb]\nINSTALL=false\nINFLUX_ADDR=http://db:8086\nINFLUX_DATABASE=d\n{Grafana}INGRESS_HOST=\n",
            $"influxdb.install=false,influxdb.address=http://db:8086,influxdb.database=d,{GrafanaOfChart},grafana.ingress.host="
        },
        {
            $"[influxdb]\nINSTALL=false\nINFLUX_ADDR=http://db:8086\nINFLUX_ORG=o\nINFLUX_BUCKET=b\nINFLUX_TOKEN=t\n{Grafana}",
            $"influxdb.install=false,influxdb.address=http://db:8086,influxdb.org=o,influxdb.bucket=b,influxdb.token=t,{GrafanaOfChart}"
        },
        {
            $"[influxdb]\nINSTALL=false\n[grafana]\nGRAFANA_STORAGE_CLASS=fast\nGRAFANA_IMAGE=registry.example/grafana:1\nPROMETHEUS_URL=http://prometheus:9090\n",
            $"influxdb.install=false,grafana.storage.storageClass=fast,grafana.image=registry.example/grafana:1,grafana.prometheusUrl=http://prometheus:9090"
        },
    };

    [Theory]
    [MemberData(nameof(Installations))]
    public void Everything_it_applies_is_what_the_chart_makes(string config, string values)
    {
        using InstallScript script = new(config);
        Objects chart = Tools.Chart("--set", values);

        Objects installed = script.Render();

        // The Secrets are no one's to see; a chart's namespace is made by who installs it.
        Assert.Equal(chart.Names.Where(static name => !name.StartsWith("Secret/", StringComparison.Ordinal)), installed.Names.Where(static name => name != "Namespace/kubebpfbox"));
        Assert.All(installed.Names.Where(static name => name != "Namespace/kubebpfbox"), name => Assert.Equal(chart.Canonical(name), installed.Canonical(name)));
    }

    /// <summary>All dashboards there are, each in the folder of its data source.</summary>
    [Fact]
    public void Grafana_gets_every_dashboard()
    {
        using InstallScript script = new($"[influxdb]\nINSTALL=false\n{Grafana}");
        string[] files = [.. Directory.GetFiles(Tools.PathOf("deploy/grafana/dashboards"), "*.json", SearchOption.AllDirectories)];

        Objects installed = script.Render();

        string deployment = installed.Canonical("Deployment/kubebpfbox-grafana");
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            string source = Path.GetFileName(Path.GetDirectoryName(file)!), name = $"kubebpfbox-dashboard-{source}-{Path.GetFileNameWithoutExtension(file)}";
            Assert.Equal(File.ReadAllText(file).TrimEnd(), installed.Find("ConfigMap/" + name, "data", Path.GetFileName(file))!.TrimEnd());
            Assert.Matches($@"volumes\[dashboards-{source}\]/projected/sources\[[0-9]+\]/configMap/name = ""{name}""", deployment);
        }
    }

    [Theory]
    [InlineData("default", "deploy")]
    [InlineData("interface", "deploy/overlays/interface")]
    [InlineData("cgroup-v1", "deploy/overlays/cgroup-v1")]
    public void Without_anything_else_it_applies_what_kustomize_does(string mode, string folder)
    {
        using InstallScript script = new($"[global]\nMODE={mode}\n{Bare}");

        Objects installed = script.Render();

        Objects kustomize = Tools.Kustomize(folder);
        Assert.Equal(kustomize.Names, installed.Names);
        Assert.All(kustomize.Names, name => Assert.Equal(kustomize.Canonical(name), installed.Canonical(name)));
    }

    [Theory]
    [InlineData("pod", "PodMonitor/kubebpfbox")]
    [InlineData("service", "ServiceMonitor/kubebpfbox")]
    public void Monitors_are_those_of_the_chart(string monitor, string name)
    {
        using InstallScript script = new($"[global]\nMONITOR={monitor}\n{Bare}");
        Objects chart = Tools.Chart("--set", $"influxdb.install=false,grafana.install=false,monitor={monitor}");

        Assert.Equal(chart.Canonical(name), script.Render().Canonical(name));
    }

    [Fact]
    public void Image_namespace_and_interface_are_taken_over()
    {
        using InstallScript script = new($"[global]\nNAMESPACE=watching\nMODE=interface\nINTERFACE=cbr0\nIMAGE=registry.example:5000/agent\nIMAGE_TAG=v9\nIMAGE_PULL_POLICY=Always\n{Bare}");

        Objects installed = script.Render();

        Assert.Contains("Namespace/watching", installed.Names);
        Assert.Equal("watching", installed.Find("ClusterRoleBinding/kubebpfbox", "subjects", "0", "namespace"));
        string daemonSet = installed.Canonical("DaemonSet/kubebpfbox");
        Assert.Contains("[kubebpfbox]/image = \"registry.example:5000/agent:v9\"", daemonSet, StringComparison.Ordinal);
        Assert.Contains("[kubebpfbox]/imagePullPolicy = \"Always\"", daemonSet, StringComparison.Ordinal);
        Assert.Contains("env[KUBEBPFBOX_CLUSTER_NETINTERFACE]/value = \"cbr0\"", daemonSet, StringComparison.Ordinal);
        Assert.Contains("/metadata/namespace = \"watching\"", daemonSet, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dry_run_shows_no_secret()
    {
        using InstallScript script = new("[influxdb]\nINSTALL=false\nINFLUX_ADDR=http://db:8086\nINFLUX_ORG=o\nINFLUX_BUCKET=b\nINFLUX_TOKEN=very-secret\n[grafana]\nINSTALL=false\n");

        Ended ended = script.Run(["--dry-run"]);

        Assert.Equal(0, ended.ExitCode);
        Assert.DoesNotContain("very-secret", ended.Output + ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String("very-secret"u8), ended.Output, StringComparison.Ordinal);
        Assert.Contains("the Secrets", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Certificates_for_https_go_to_a_configmap_that_the_agents_read()
    {
        const string Certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        using TemporaryFolder folder = new();
        string file = folder.PathOf("ca.pem"), other = folder.PathOf("other.pem");
        File.WriteAllText(file, Certificate);
        File.WriteAllText(other, "no certificate");
        string Config(string path) => $"[influxdb]\nINSTALL=false\nINFLUX_ADDR=https://db:8086\nINFLUX_DATABASE=d\nINFLUX_CA_FILE={path}\n[grafana]\nINSTALL=false\n";
        using InstallScript script = new(Config(file)), wrong = new(Config(other));

        Objects installed = script.Render();
        string daemonSet = installed.Canonical("DaemonSet/kubebpfbox");

        Assert.Equal(Certificate, installed.Find("ConfigMap/kubebpfbox-influxdb-ca", "data", "ca.crt"));
        foreach (string line in (string[])[
            "env[KUBEBPFBOX_SINKS_INFLUXDB_CA_FILE]/value = \"/etc/kubebpfbox-influxdb/ca.crt\"", "volumeMounts[influxdb-ca]/mountPath = \"/etc/kubebpfbox-influxdb\"",
            "/volumes[influxdb-ca]/configMap/name = \"kubebpfbox-influxdb-ca\"", "/volumes[data]/hostPath/path = \"/var/lib/kubebpfbox\""])
        {
            Assert.Contains(line, daemonSet, StringComparison.Ordinal);
        }
        Assert.Contains($":5: INFLUX_CA_FILE: {other} is no file with certificates (PEM)", wrong.Run(["--dry-run"]).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_may_come_from_the_environment()
    {
        using InstallScript script = new("[influxdb]\nINSTALL=false\nINFLUX_ADDR=http://db:8086\nINFLUX_ORG=o\nINFLUX_BUCKET=b\n[grafana]\nINSTALL=false\n");

        Assert.Equal(2, script.Run(["--dry-run"]).ExitCode);
        Assert.Equal(0, script.Run(["--dry-run"], environment: "INFLUX_TOKEN=very-secret").ExitCode);
    }

    [Theory]
    [InlineData("[global]\nNAMESPACES=x\n", ":2: NAMESPACES: no such key in [global]; there are NAMESPACE MODE ")]
    [InlineData("[globals]\n", ":1: [globals]: no such section; there are [global], [influxdb], [grafana]")]
    [InlineData("NAMESPACE=x\n", ":1: NAMESPACE: stands before any [section]")]
    [InlineData("[global]\n; a comment\nnamespace\n", ":3: 'namespace': KEY=value is expected")]
    [InlineData("[global]\nMODE=default\nMODE=interface\n", ":3: MODE: given twice in [global]")]
    [InlineData("[global]\nMODE=privileged\n", ":2: MODE: 'privileged' is not allowed; allowed is default, interface, cgroup-v1")]
    [InlineData("[global]\nNAMESPACE=Wrong_Name\n", ":2: NAMESPACE: 'Wrong_Name' is not allowed; ")]
    [InlineData("[global]\nTIMEOUT=soon\n", ":2: TIMEOUT: 'soon' is not allowed; allowed is a number of seconds")]
    [InlineData("[influxdb]\nINFLUXDB_HOST=node1\nINFLUXDB_PV_PATH=data\n", ":3: INFLUXDB_PV_PATH: 'data' is not allowed; allowed is an absolute path without spaces")]
    [InlineData("[influxdb]\nINFLUXDB_HOST=\n", ":2: INFLUXDB_HOST in [influxdb] has no value; name the node")]
    [InlineData("[influxdb]\nINSTALL=false\n", ": GRAFANA_HOST in [grafana] has no value; name the node")]
    [InlineData("[influxdb]\nINFLUXDB_HOST=node1\n", ": INFLUXDB_PV_PATH in [influxdb] has no value; name a directory of the node node1")]
    [InlineData("[influxdb]\nINSTALL=no\n", ":2: INSTALL: 'no' is not allowed; allowed is true, false")]
    [InlineData("[influxdb]\nINSTALL=false\nINFLUX_ADDR=db:8086\n", ":3: INFLUX_ADDR: 'db:8086' is not allowed; allowed is a URL as http://host:port")]
    [InlineData("[influxdb]\nINSTALL=false\nINFLUX_ADDR=http://db:8086\n[grafana]\nINSTALL=false\n", ": INFLUX_ORG in [influxdb] has no value; InfluxDB 2 needs")]
    [InlineData("[influxdb]\nINSTALL=false\nINFLUX_ADDR=http://db:8086\nINFLUX_DATABASE=d\nINFLUX_USERNAME=u\n[grafana]\nINSTALL=false\n", ": INFLUX_PASSWORD in [influxdb] has no value for the user 'u'")]
    public void A_wrong_value_is_one_line_with_its_place(string config, string message)
    {
        using InstallScript script = new(config);

        Ended ended = script.Run(["--dry-run"]);

        Assert.Equal(2, ended.ExitCode);
        Assert.StartsWith($"install: {script.ConfigPath}{message}", ended.Errors, StringComparison.Ordinal);
        Assert.Single(ended.Errors.TrimEnd('\n').Split('\n'));
        Assert.Empty(ended.Output);
    }

    [Theory]
    [InlineData("install.sh", "--dry-run")]
    [InlineData("install.sh", null)]
    [InlineData("uninstall.sh", "--yes")]
    public void Without_kubectl_it_says_so(string name, string? option)
    {
        using InstallScript script = new(Bare);

        Ended ended = script.Run(option is null ? [] : [option], name, "KUBECTL=no-such-kubectl");

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("no-such-kubectl is not installed; see https://kubernetes.io/docs/tasks/tools/", ended.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("install.sh", null)]
    [InlineData("uninstall.sh", "--yes")]
    public void Without_a_cluster_it_says_so(string name, string? option)
    {
        using InstallScript script = new(Bare);

        Ended ended = script.Run(option is null ? [] : [option], name);

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains(": no cluster answers: ", ended.Errors, StringComparison.Ordinal);
        Assert.Single(ended.Errors.TrimEnd('\n').Split('\n'));
    }

    [Theory]
    [InlineData("install.sh")]
    [InlineData("uninstall.sh")]
    public void Help_and_wrong_options(string name)
    {
        using InstallScript script = new(Bare);

        Ended help = script.Run(["--help"], name), wrong = script.Run(["--force"], name);

        Assert.Equal((0, 2), (help.ExitCode, wrong.ExitCode));
        Assert.StartsWith("usage: scripts/" + name, help.Output, StringComparison.Ordinal);
        Assert.Contains("--force: no such option; see --help", wrong.Errors, StringComparison.Ordinal);
    }

    /// <summary>The file that comes along names every key with the default that also holds without it, and the documentation has them all.</summary>
    [Fact]
    public void The_shipped_file_has_every_key_with_its_default()
    {
        string[] known = [.. File.ReadAllLines(Tools.PathOf("scripts/install/config.sh")).Select(static line => KnownKey().Match(line)).Where(static match => match.Success)
            .Select(static match => $"{match.Groups["key"].Value}={match.Groups["default"].Value}")];
        List<string> shipped = [];
        string section = "";
        foreach (string line in File.ReadLines(Tools.PathOf("scripts/config.ini")).Where(static line => line.Length > 0 && line[0] != '#'))
        {
            section = line[0] == '[' ? line.Trim('[', ']') : section;
            if (line[0] != '[')
            {
                shipped.Add($"{section}.{line}");
            }
        }
        string documentation = File.ReadAllText(Tools.PathOf("docs/install.md"));

        // What is only suggested: directories, which have no default.
        Assert.Equal(known, shipped.Select(static key => key.Contains("_PV_PATH=", StringComparison.Ordinal) ? key[..(key.IndexOf('=', StringComparison.Ordinal) + 1)] : key));
        Assert.All(known, key => Assert.Contains($"`{key.Split('.', '=')[1]}`", documentation, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^(?<key>[a-z]+\.[A-Z_]+)=(?<default>.*?) : ")]
    private static partial Regex KnownKey();
}
