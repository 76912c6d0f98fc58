using KubeBpfBox.Support;

namespace KubeBpfBox.Deploy;

/// <summary>The Helm chart: what it makes, and what it refuses.</summary>
public sealed class ChartTests
{
    private const string Secret = "Secret/kubebpfbox-influxdb";
    private static readonly string[] s_bare = ["--set", "influxdb.install=false,grafana.install=false"];

    [Fact]
    public void Lint_finds_nothing()
    {
        Ended lint = Ended.Of(Tools.Helm, "lint", "--strict", Tools.PathOf("deploy/chart"));

        Assert.True(lint.ExitCode == 0, lint.Output);
        Assert.DoesNotContain("WARNING", lint.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("default", "deploy")]
    [InlineData("interface", "deploy/overlays/interface")]
    [InlineData("cgroup-v1", "deploy/overlays/cgroup-v1")]
    public void The_agents_objects_are_those_of_kustomize(string mode, string folder)
    {
        Objects kustomize = Tools.Kustomize(folder);

        Objects chart = Tools.Chart([.. s_bare, "--set", "mode=" + mode]);

        // A chart's namespace is made by who installs it.
        Assert.Equal(kustomize.Names.Where(static name => name != "Namespace/kubebpfbox"), chart.Names);
        Assert.All(chart.Names, name => Assert.Equal(kustomize.Canonical(name), chart.Canonical(name)));
    }

    [Fact]
    public void Settings_go_over_those_of_the_file()
    {
        Objects chart = Tools.Chart([.. s_bare, "--set", "config.log.level=debug,config.api.listen=127.0.0.1:9500"]);

        string config = chart.Find("ConfigMap/kubebpfbox", "data", "config.yaml")!;
        Assert.Contains("level: debug", config, StringComparison.Ordinal);
        Assert.Contains("listen: 127.0.0.1:9500", config, StringComparison.Ordinal);
        Assert.Contains("NetInterface: \"\"", config, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_of_the_daemonset_replace_those_of_the_manifest()
    {
        Objects chart = Tools.Chart([.. s_bare,
            "--set", "image.repository=registry.example/agent,image.tag=v9,image.pullPolicy=Always,imagePullSecrets[0].name=pull,resources.limits.memory=1Gi,podLabels.team=a,podAnnotations.note=b",
            "--set", "nodeSelector.pool=web,tolerations[0].operator=Exists,tolerations[0].effect=NoSchedule,env[0].name=HTTPS_PROXY,env[0].value=http://proxy:3128",
            "--set", "volumes[0].name=ca,volumes[0].configMap.name=our-ca,volumeMounts[0].name=ca,volumeMounts[0].mountPath=/etc/ca",
        ]);

        string daemonSet = chart.Canonical("DaemonSet/kubebpfbox");
        foreach (string line in (string[])[
            "/containers[kubebpfbox]/image = \"registry.example/agent:v9\"", "/containers[kubebpfbox]/imagePullPolicy = \"Always\"", "/imagePullSecrets[pull]/name = \"pull\"",
            "/containers[kubebpfbox]/resources/limits/memory = \"1Gi\"", "/nodeSelector/pool = \"web\"", "/nodeSelector/kubernetes.io/os = \"linux\"",
            "/tolerations[0]/effect = \"NoSchedule\"", "/containers[kubebpfbox]/env[HTTPS_PROXY]/value = \"http://proxy:3128\"",
            "/volumes[ca]/configMap/name = \"our-ca\"", "/containers[kubebpfbox]/volumeMounts[ca]/mountPath = \"/etc/ca\"", "/volumes[data]/hostPath/path = \"/var/lib/kubebpfbox\""])
        {
            Assert.Contains("/spec/template/spec" + line, daemonSet, StringComparison.Ordinal);
        }
        Assert.Contains("/spec/template/metadata/labels/team = \"a\"", daemonSet, StringComparison.Ordinal);
        Assert.Contains("/spec/template/metadata/annotations/note = \"b\"", daemonSet, StringComparison.Ordinal);
        Assert.DoesNotContain("limits/cpu", daemonSet, StringComparison.Ordinal);
    }

    [Fact]
    public void An_influxdb_that_is_there_is_told_in_the_secret_only()
    {
        Objects second = Tools.Chart([.. s_bare, "--set", "influxdb.address=http://db:8086,influxdb.org=o,influxdb.bucket=b,influxdb.token=very-secret"]);
        Objects first = Tools.Chart([.. s_bare, "--set", "influxdb.address=http://db:8086,influxdb.database=d,influxdb.username=u,influxdb.password=very-secret"]);
        Objects existing = Tools.Chart([.. s_bare, "--set", "influxdb.existingSecret=mine"]);

        Assert.Equal(["http://db:8086", "o", "b", "very-secret"], ((string[])["INFLUX_ADDR", "INFLUX_ORG", "INFLUX_BUCKET", "INFLUX_TOKEN"]).Select(key => second.Find(Secret, "stringData", key)));
        Assert.Equal(["http://db:8086", "d", "u", "very-secret"],
            ((string[])["INFLUX_ADDR", "INFLUX_DATABASE", "INFLUX_USERNAME", "INFLUX_PASSWORD"]).Select(key => first.Find(Secret, "stringData", key)));
        foreach (Objects objects in (Objects[])[first, second])
        {
            Assert.All(objects.Names.Where(static name => name != Secret), name => Assert.DoesNotContain("very-secret", objects.Canonical(name), StringComparison.Ordinal));
        }
        Assert.DoesNotContain(Secret, existing.Names);
        string agent = existing.Canonical("DaemonSet/kubebpfbox");
        Assert.Contains("envFrom[0]/secretRef/name = \"mine\"", agent, StringComparison.Ordinal);
        Assert.Contains("env[KUBEBPFBOX_SINKS_INFLUXDB_DATABASE]/valueFrom/secretKeyRef/name = \"mine\"", agent, StringComparison.Ordinal);
        Assert.DoesNotContain("kubebpfbox-influxdb", agent, StringComparison.Ordinal);
    }

    [Fact]
    public void Passwords_and_tokens_are_made_at_random()
    {
        string[] Made(Objects chart) =>
        [
            chart.Find(Secret, "stringData", "INFLUX_TOKEN")!, chart.Find("Secret/kubebpfbox-influxdb-admin", "stringData", "admin-password")!,
            chart.Find("Secret/kubebpfbox-grafana", "stringData", "admin-password")!,
        ];

        string[] made = [.. Made(Tools.Chart()), .. Made(Tools.Chart())];

        Assert.All(made, static one => Assert.InRange(one.Length, 32, 64));
        Assert.Equal(made.Length, made.Distinct().Count());
    }

    [Theory]
    [InlineData("mode=privileged", "mode must be one of")]
    [InlineData("image.pullPolicy=Sometimes", "image.pullPolicy must be one of")]
    [InlineData("influxdb.instal=true", "Additional property instal is not allowed")]
    [InlineData("grafana.ingress.hosts=a", "Additional property hosts is not allowed")]
    [InlineData("influxdb.storage.size=big", "influxdb.storage.size: Does not match pattern")]
    [InlineData("influxdb.address=db:8086", "influxdb.address: Does not match pattern")]
    [InlineData("monitor=true", "monitor must be one of")]
    [InlineData("influxdb.install=false,influxdb.address=http://db:8086", "influxdb.org is needed")]
    [InlineData("influxdb.install=false,influxdb.address=http://db:8086,influxdb.org=o,influxdb.bucket=b", "influxdb.token is needed")]
    [InlineData("influxdb.install=false,influxdb.address=http://db:8086,influxdb.database=d,influxdb.username=u", "influxdb.password is needed")]
    [InlineData("influxdb.storage.host=node1", "influxdb.storage.path is needed")]
    public void Values_that_make_no_sense_are_refused(string values, string message) =>
        Assert.Contains(message, Tools.ChartError("--set", values), StringComparison.Ordinal);

    [Theory]
    [InlineData("networking.k8s.io/v1/Ingress", "networking.k8s.io/v1", "ingressClassName = \"nginx\"")]
    [InlineData("networking.k8s.io/v1beta1/Ingress", "networking.k8s.io/v1beta1", "annotations/kubernetes.io/ingress.class = \"nginx\"")]
    public void The_ingress_is_of_a_version_that_the_cluster_has(string has, string version, string line)
    {
        Objects chart = Tools.Chart("--api-versions", has, "--set", "grafana.ingress.className=nginx");

        Assert.Equal(version, chart.Find("Ingress/kubebpfbox-grafana", "apiVersion"));
        Assert.Contains(line, chart.Canonical("Ingress/kubebpfbox-grafana"), StringComparison.Ordinal);
    }

    /// <summary>The links of files/ are followed, and nothing of the dashboards' generator comes along.</summary>
    [Fact]
    public void The_package_renders_as_the_folder_does()
    {
        using TemporaryFolder folder = new();
        ChildProcess.Run(Tools.Helm, "package", Tools.PathOf("deploy/chart"), "--destination", folder.FolderPath);
        string archive = Directory.GetFiles(folder.FolderPath).Single();

        string[] files = ChildProcess.Run("tar", "tzf", archive).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Objects packaged = Objects.Parse(ChildProcess.Run(Tools.Helm, ["template", "kubebpfbox", archive, "--namespace", "kubebpfbox", .. s_bare]));

        Objects chart = Tools.Chart(s_bare);
        Assert.All(chart.Names, name => Assert.Equal(chart.Canonical(name), packaged.Canonical(name)));
        Assert.DoesNotContain(files, static file => file.EndsWith(".ts", StringComparison.Ordinal) || file.EndsWith(".js", StringComparison.Ordinal) || file.Contains("node_modules", StringComparison.Ordinal));
    }
}
