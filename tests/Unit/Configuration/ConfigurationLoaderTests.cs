using System.Collections;
using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Configuration;

public sealed class ConfigurationLoaderTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Defaults_are_those_of_the_table()
    {
        AgentOptions options = Load(yaml: null);
        Assert.Equal("127.0.0.1:9500", options.ApiListen);
        Assert.True(options.SqliteEnabled);
        Assert.Equal(Environment.MachineName, options.NodeName);
    }

    [Fact]
    public void Each_source_goes_over_the_one_before()
    {
        const string Yaml = "streams:\n  max_bytes: 2MiB\n  max_connections: 10\nlog.level: debug\n";
        Hashtable environment = new() { ["KUBEBPFBOX_STREAMS_MAX_BYTES"] = "3MiB", ["KUBEBPFBOX_STREAMS_MAX_CONNECTIONS"] = "20" };
        AgentOptions options = Load(Yaml, environment, "streams.max_bytes=4MiB");
        Assert.Equal(4L << 20, options.StreamsMaxBytes);
        Assert.Equal(20, options.StreamsMaxConnections);
        Assert.Equal("debug", options.LogLevel);
    }

    [Fact]
    public void The_node_s_name_comes_from_the_seed_s_variable_unless_ours_is_set()
    {
        Assert.Equal("n1", Load(null, new Hashtable { ["NODE_NAME"] = "n1" }).NodeName);
        Assert.Equal("n2", Load(null, new Hashtable { ["NODE_NAME"] = "n1", ["KUBEBPFBOX_NODE_NAME"] = "n2" }).NodeName);
    }

    [Theory]
    [InlineData("# empty\n")]
    [InlineData("")]
    [InlineData("streams:\n")]
    [InlineData("streams: {max_bytes: ~}\n")]
    public void Nothing_said_leaves_the_defaults(string yaml) => Assert.Equal(8L << 20, Load(yaml).StreamsMaxBytes);

    [Theory]
    [InlineData("plugins:\n  traffic:\n    ring_byte: 4MiB\n", "3: plugins.traffic.ring_byte: no such setting; did you mean plugins.traffic.ring_bytes (a power of two")]
    [InlineData("ring_bytes: 4MiB\n", "1: ring_bytes: no such setting; did you mean plugins.traffic.ring_bytes")]
    [InlineData("api:\n  completely_else: 1\n", "2: api.completely_else: no such setting; api has api.listen, api.token")]
    [InlineData("zzzzzzzzz: 1\n", "1: zzzzzzzzz: no such setting; sections are node, api, plugins")]
    [InlineData("\nplugins:\n  traffic:\n    ring_bytes: 3MiB\n", "4: plugins.traffic.ring_bytes: '3MiB' is not allowed; allowed is a power of two from 64KiB to 1GiB")]
    [InlineData("log:\n  level: maybe\n", "2: log.level: 'maybe' is not allowed; allowed is debug, information, warning or error")]
    [InlineData("api:\n  listen: 9500\n", "2: api.listen: '9500' is not allowed; allowed is an IP address and a port")]
    [InlineData("api:\n  listen: localhost:9500\n", "2: api.listen: 'localhost:9500' is not allowed")]
    [InlineData("api:\n  token: short\n", "2: api.token: the value is not allowed")]
    [InlineData("streams:\n  max_bytes: [1, 2]\n", "2: streams.max_bytes: a single value is expected, not a list")]
    [InlineData("streams: &a\n  max_bytes: *a\n", "2: streams.max_bytes: a single value is expected")]
    [InlineData("streams:\n  max_bytes: 2MiB\n  max_bytes: 3MiB\n", "3: streams.max_bytes is set twice")]
    [InlineData("- a\n", "1: a mapping of keys is expected")]
    [InlineData("text\n", "1: a mapping of keys is expected")]
    [InlineData("{}\n---\n{}\n", "2: a second document")]
    [InlineData("streams:\n\tmax_bytes: 1\n", "not YAML: While scanning a mapping, found invalid tab")]
    [InlineData("streams: {max_bytes: 2MiB\n", "not YAML: ")]
    [InlineData("? [a]\n: 1\n", "1: a key must be plain text")]
    public void Bad_files_are_refused_with_file_line_key_and_what_is_allowed(string yaml, string expected)
    {
        ConfigurationException e = Assert.Throws<ConfigurationException>(() => Load(yaml));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.StartsWith(_directory.File("config.yaml") + ":", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Theory]
    [InlineData("streams.max_bytes", "--set streams.max_bytes: KEY=VALUE is expected")]
    [InlineData("=1", "--set =1: KEY=VALUE is expected")]
    [InlineData("stream.max_bytes=4MiB", "--set: stream.max_bytes: no such setting; did you mean streams.max_bytes")]
    [InlineData("streams.max_bytes=1KiB", "--set: streams.max_bytes: '1KiB' is not allowed; allowed is a size from 1MiB to 4GiB")]
    [InlineData("streams.idle_timeout=5", "--set: streams.idle_timeout: '5' is not allowed; allowed is a duration")]
    public void Bad_sets_are_refused(string set, string expected) =>
        Assert.StartsWith(expected, Assert.Throws<ConfigurationException>(() => Load(null, [], set)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_value_may_contain_an_equals_sign() => Assert.Equal("/a=b", Load(null, [], "plugins.traffic.cgroup_path=/a=b").TrafficCgroupPath);

    [Fact]
    public void Unknown_variables_of_ours_are_refused_but_not_those_that_kubernetes_makes_for_a_service()
    {
        Hashtable service = new()
        {
            ["KUBEBPFBOX_SERVICE_HOST"] = "10.0.0.1", ["KUBEBPFBOX_SERVICE_PORT"] = "9500", ["KUBEBPFBOX_SERVICE_PORT_HTTP"] = "9500",
            ["KUBEBPFBOX_PORT"] = "tcp://10.0.0.1:9500", ["KUBEBPFBOX_PORT_9500_TCP"] = "x", ["KUBEBPFBOX_PORT_9500_TCP_ADDR"] = "x",
        };
        Load(null, service);
        ConfigurationException e = Assert.Throws<ConfigurationException>(() => Load(null, new Hashtable { ["KUBEBPFBOX_API_LISTN"] = "x" }));
        Assert.StartsWith("environment variable KUBEBPFBOX_API_LISTN: no such setting; did you mean KUBEBPFBOX_API_LISTEN", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_other_tools_set_are_known_and_secrets_are_never_shown()
    {
        AgentOptions options = Load("App:\n  LogSavePath: logs\n  LogFileName: agent\n  LogFileExt: \"\"\n", new Hashtable { ["INFLUX_ADDR"] = "http://x:8086", ["INFLUX_TOKEN"] = "t0ken" });
        Assert.Equal(("logs", "agent", "", "http://x:8086", "t0ken"), (options.LogSavePath, options.LogFileName, options.LogFileExt, options.InfluxUrl, options.InfluxToken));

        ConfigurationException e = Assert.Throws<ConfigurationException>(() => Load(null, new Hashtable { ["INFLUX_TOKEN"] = "very secret" }));
        Assert.StartsWith("environment variable INFLUX_TOKEN: sinks.influxdb.token: the value is not allowed; ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_spool_of_each_sink_has_its_own_budget()
    {
        AgentOptions options = Load("sinks:\n  influxdb:\n    spool_max_bytes: 1GiB\n  otlp:\n    sampling_ratio: 0.5\n    spool_max_age: 2h\n");
        Assert.Equal((1L << 30, 64L << 20), (options.InfluxSpool.MaxBytes, options.OtlpSpool.MaxBytes));
        Assert.Equal((0.5, 7200_000_000_000), (options.OtlpSamplingRatio, options.OtlpSpool.MaxAgeNs));
    }

    [Theory]
    [InlineData("cni0", true)]
    [InlineData("vethé", true)]
    [InlineData("a-name-too-long0", false)]
    [InlineData("a/b", false)]
    [InlineData("eth0:1", false)]
    [InlineData("two words", false)]
    [InlineData("..", false)]
    public void An_interface_is_named_as_the_kernel_allows(string name, bool isAllowed)
    {
        if (isAllowed)
        {
            Assert.Equal(name, Load($"Cluster:\n  NetInterface: \"{name}\"\n").NetInterface);
            }
        else
        {
            ConfigurationException e = Assert.Throws<ConfigurationException>(() => Load($"Cluster:\n  NetInterface: \"{name}\"\n"));
            Assert.Contains(":2: Cluster.NetInterface: ", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        string file = _directory.File("none.yaml");
        ConfigurationException e = Assert.Throws<ConfigurationException>(() => ConfigurationLoader.Load(file, [], new Hashtable()));
        Assert.StartsWith(file + ": cannot be read: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_file_of_the_DaemonSet_loads()
    {
        AgentOptions options = ConfigurationLoader.Load(Path.Combine(Repository.Root, "deploy", "base", "config.yaml"), [], new Hashtable());
        Assert.Equal("[::]:9500", options.ApiListen.ToString());
    }

    [Fact]
    public void The_sample_is_the_table_and_loads_without_changing_anything()
    {
        string file = Path.Combine(Repository.Root, "deploy", "config.yaml");
        if (Environment.GetEnvironmentVariable("UPDATE_SAMPLES") == "1")
        {
            File.WriteAllText(file, SampleFile.Write());
        }
        Assert.Equal(SampleFile.Write(), File.ReadAllText(file));

        AgentOptions sample = ConfigurationLoader.Load(file, [], new Hashtable());
        AgentOptions plain = Load(null);
        foreach (System.Reflection.PropertyInfo property in typeof(AgentOptions).GetProperties())
        {
            Assert.Equal(property.GetValue(plain), property.GetValue(sample));
        }
    }

    [Fact]
    public void Every_setting_sets_something()
    {
        foreach (Setting setting in SettingsTable.All)
        {
            AgentOptions options = new();
            Assert.True(setting.TryApply(setting.Default, options), setting.Key);
            Assert.False(setting.TryApply("\u0001", options) && setting.Type != "text", setting.Key);
        }
        Assert.Equal(SettingsTable.All.Count, SettingsTable.All.Select(static setting => setting.EnvironmentName).Distinct().Count());
    }

    private AgentOptions Load(string? yaml, Hashtable? environment = null, params string[] sets)
    {
        string? file = null;
        if (yaml is not null)
        {
            file = _directory.File("config.yaml");
            File.WriteAllText(file, yaml);
        }
        return ConfigurationLoader.Load(file, sets, environment ?? []);
    }
}
