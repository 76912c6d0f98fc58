using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Sinks.Otlp;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Otlp;

public sealed class SinkTests
{
    private readonly Ledger _ledger = new();
    private readonly RedTable _red = new();

    [Theory]
    [InlineData(OtlpProtocol.Grpc)]
    [InlineData(OtlpProtocol.HttpProtobuf)]
    public async Task Events_are_log_records_of_their_pods(OtlpProtocol protocol)
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(protocol);
        using (OtlpSink sink = Sink(collector, protocol))
        {
            sink.Start();
            sink.OnEvent(TestEvents.Kill(1_769_860_800_000_000_001, "web-1"));
            sink.OnEvent(TestEvents.Overflow(1_769_860_800_000_000_002, "web-2"));
            sink.OnEvent(TestEvents.Overflow(1_769_860_800_000_000_003, "web-1"));
        }
        AssertAccounted();
        ProtoTree[] groups = [.. collector.Received.Where(static one => one.Path.Contains("ogs", StringComparison.Ordinal)).SelectMany(static one => new ProtoTree(one.Message).All(1))];
        Assert.Equal(["web-1", "web-2"], groups.Select(static group => (string)group.One(1).Attributes(1)["k8s.pod.name"]));
        Assert.Equal("8b534f7f", groups[0].One(1).Attributes(1)["container.id"]);
        ProtoTree kill = groups[0].All(2, 2).First();
        Assert.Equal((1_769_860_800_000_000_001UL, 17UL, "ERROR", "kubebpfbox.oomkill"), (kill.Number(1), kill.Number(2), kill.Text(3), kill.Text(12)));
        Assert.Equal("shop/web-1/server killed java (pid 4711): memory limit of 64 MiB of its container, it had 61 MiB, asked for by GC\\x1b[2J (pid 4712)", kill.One(5).Text(1));
        Dictionary<string, object> attributes = kill.Attributes(6);
        Assert.Equal((4711L, 1L, "java", 1000L, "container", 64L << 20, -997L), (attributes["process.pid"], attributes["process.vpid"], attributes["process.executable.name"], attributes["process.user.id"],
            attributes["kubebpfbox.oomkill.scope"], attributes["kubebpfbox.oomkill.limit_bytes"], attributes["kubebpfbox.oomkill.oom_score_adj"]));
        Assert.False(attributes.ContainsKey("kubebpfbox.oomkill.swap_bytes"));

        ProtoTree overflow = groups[1].One(2, 2);
        attributes = overflow.Attributes(6);
        Assert.Equal((13UL, "WARN", "kubebpfbox.tcpsynbl"), (overflow.Number(2), overflow.Text(3), overflow.Text(12)));
        Assert.Equal(("10.244.0.9", 8080L, "10.244.0.7", 40000L, 17L, 16L, 5L, 4L), (attributes["server.address"], attributes["server.port"], attributes["client.address"], attributes["client.port"],
            attributes["kubebpfbox.tcpsynbl.count"], attributes["kubebpfbox.tcpsynbl.syn_count"], attributes["kubebpfbox.tcpsynbl.queue_length"], attributes["kubebpfbox.tcpsynbl.queue_limit"]));
    }

    [Fact]
    public async Task Spans_of_a_workload_are_together_and_all_are_accounted_for()
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(OtlpProtocol.Grpc);
        using (OtlpSink sink = Sink(collector, OtlpProtocol.Grpc))
        {
            sink.Start();
            Workload[] workloads = [new("a", "cgroup"), new("b", "cgroup")];
            for (int i = 0; i < 3000; i++)
            {
                Transaction transaction = TestTransactions.Make(target: $"/r{i}");
                transaction.Connection.Workload = workloads[i % 2];
                sink.OnTransaction(in transaction);
            }
        }
        AssertAccounted();
        ProtoTree[] requests = [.. collector.Received.Where(static one => one.Path.Contains("Trace", StringComparison.Ordinal)).Select(static one => new ProtoTree(one.Message))];
        Assert.All(requests, static request => Assert.Equal(["a", "b"], request.All(1).Select(static group => (string)group.One(1).Attributes(1)["service.name"]).Order()));
        string[] names = [.. requests.SelectMany(static request => request.All(1, 2, 2)).Select(static span => span.Text(5))];
        Assert.Equal((3000, 3000), (names.Length, names.Distinct().Count()));
        Assert.Equal((3000, 3000), (Stage("otlp_log").In.Value, Stage("otlp_log").Out.Value));
    }

    [Fact]
    public async Task What_is_switched_off_is_not_sent()
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(OtlpProtocol.HttpProtobuf);
        using (OtlpSink sink = Sink(collector, OtlpProtocol.HttpProtobuf, static options => options with { Logs = false, Traces = false }))
        {
            sink.Start();
            sink.OnTransaction(TestTransactions.Make());
            sink.OnEvent(TestEvents.Kill(1, "web-1"));
        }
        // The last metrics are read when it ends.
        Assert.Equal("/v1/metrics", Assert.Single(collector.Received).Path);
        Assert.Equal((0, 0), (Stage("otlp_log").In.Value, Stage("otlp_events").In.Value));
    }

    [Fact]
    public void Metrics_are_due_by_the_clock()
    {
        ManualTime time = new();
        using OtlpSink sink = new(Options(new Uri("http://127.0.0.1:1"), OtlpProtocol.Grpc), Sources(), new ExportOptions { StopTimeout = TimeSpan.Zero }, new ExportLog(static _ => { }, static _ => { }), time);
        sink.RunOnce();
        Assert.Equal(0, Stage("otlp_red").In.Value);
        time.Advance(30.5);
        sink.RunOnce();
        long once = Stage("otlp_red").In.Value;
        Assert.InRange(once, 10, 100);
        sink.RunOnce();
        time.Advance(29);
        sink.RunOnce();
        Assert.Equal(once, Stage("otlp_red").In.Value);
        time.Advance(1);
        sink.RunOnce();
        Assert.Equal(2 * once, Stage("otlp_red").In.Value);
    }

    [Fact]
    public void A_collector_that_is_away_is_trouble_without_the_headers_values()
    {
        using OtlpSink sink = new(
            Options(new Uri("http://127.0.0.1:1"), OtlpProtocol.Grpc) with { Headers = "api-key=s3cret" }, Sources(), new ExportOptions { StopTimeout = TimeSpan.Zero }, new ExportLog(static _ => { }, static _ => { }));
        sink.Start();
        sink.OnEvent(TestEvents.Kill(1, "web-1"));
        Assert.True(SpinWait.SpinUntil(() => sink.Trouble is not null, TimeSpan.FromSeconds(10)));
        Assert.Contains("http://127.0.0.1:1", sink.Trouble, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", sink.Trouble, StringComparison.Ordinal);
    }

    private static OtlpOptions Options(Uri endpoint, OtlpProtocol protocol) => new() { Endpoint = endpoint, Protocol = protocol, NodeName = "node", SamplingRatio = 1 };

    private OtlpSources Sources() => new() { Red = _red.Snapshot, Health = static () => new AgentHealth(1, 0, 0, 0, 0, "1.2.3"), Ledger = _ledger };

    private OtlpSink Sink(ScriptedCollector collector, OtlpProtocol protocol, Func<OtlpOptions, OtlpOptions>? change = null) => new(
        (change ?? (static options => options))(Options(collector.Url, protocol)), Sources(), new ExportOptions(), new ExportLog(static _ => { }, static _ => { }));

    private LedgerStage Stage(string name) => _ledger.Stages.Single(stage => stage.Name == name);

    private void AssertAccounted() => Assert.All(_ledger.Stages, static stage => Assert.Equal((stage.Name, 0), (stage.Name, stage.Unaccounted)));
}
