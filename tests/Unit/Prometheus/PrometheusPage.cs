using System.Text;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Sinks.Prometheus;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Prometheus;

/// <summary>A table to pass requests to, and the pages made of it.</summary>
internal sealed class PrometheusPage
{
    public const long NowNs = 1_769_860_800_123_456_789;

    private readonly PrometheusSink _sink;

    public PrometheusPage(int maxSeries = 100)
    {
        Red = new RedTable(maxSeries);
        _sink = new PrometheusSink(new PrometheusSources
        {
            Red = Red, Ledger = Ledger, Health = () => new AgentHealth(0.75, 12.5, 40_000_000, 900_000_000, Red.SeriesCount, "1.2.3"), Revision = "abc", NodeName = "node-1",
            Hooks = () => Hooks, Sinks = () => Sinks, Degraded = () => Degraded, IsCapturing = () => IsCapturing,
        });
    }

    public RedTable Red { get; }

    public Ledger Ledger { get; } = new();

    public List<HookStatus> Hooks { get; } = [];

    public List<ISink> Sinks { get; } = [];

    public List<string> Degraded { get; } = [];

    public bool IsCapturing { get; set; } = true;

    /// <summary>Counts a request that ended when its duration was over, the page's time being <see cref="NowNs"/> and later.</summary>
    public void Pass(string? role = "server", int status = 200, string? error = null, long durationNs = 1_000_000, string target = "/items/1", string protocol = "http",
        string workload = "nginx.service", TraceContext? trace = null, long startNs = NowNs)
    {
        Span<byte> buffer = stackalloc byte[TraceContext.AttributesLength];
        AttributeWriter attributes = new(buffer);
        trace?.AddTo(ref attributes);
        Connection connection = Connection.Create(TestTransactions.Local, TestTransactions.Remote, isLocalSocket: role is not null);
        connection.Workload = new Workload(workload, "cgroup");
        Red.Enter();
        Red.OnTransaction(new Transaction
        {
            Connection = connection, Protocol = protocol, ClientSide = role == "client" ? Side.A : Side.B, StartNs = startNs, DurationNs = durationNs,
            Method = "GET"u8, Target = Encoding.UTF8.GetBytes(target), Status = status, Error = error, RequestBytes = 10, ResponseBytes = 20, Attributes = attributes.Written,
        });
        Red.Exit();
    }

    /// <summary>Something of each kind.</summary>
    public void FillWithEverything()
    {
        TraceContext trace = new(0x4bf92f35, 0xb7, IsSampled: true);
        Pass(durationNs: 1_000);
        Pass(durationNs: 2_000_000, trace: trace);
        Pass("client", durationNs: 20_000_000_000, trace: trace);
        Pass(status: 500, durationNs: 5);
        Pass("client", status: 0, error: "timeout", durationNs: -1);
        Pass(role: null, durationNs: 7);
        Pass(target: "/\"quoted\\ \u00e9\n");
        Pass(protocol: "http2");
        LedgerStage stage = Ledger.AddStage("stream", "packets");
        stage.DropReason("budget").Add(1);
        stage.DropReason("other");
        Ledger.AddStage("http1", "transactions");
        Ledger.AddNote("stream_lost_bytes", "Bytes that never came.").Add(3);
        Hooks.Add(new HookStatus("traffic", "cgroup_skb/ingress", true, "/sys/fs/cgroup"));
        Hooks.Add(new HookStatus("oomkill", "fentry", false, "refused"));
        Hooks.Add(new HookStatus("oomkill", "fentry", true, "taken at the second try"));
        Sinks.Add(new FakeSink("sqlite", null));
        Sinks.Add(new FakeSink("influxdb", "http://influxdb:8086 does not answer"));
        Degraded.Add("influxdb: http://influxdb:8086 does not answer");
    }

    public async Task<string> WriteAsync(ExpositionFormat format = ExpositionFormat.Text)
    {
        using MemoryStream output = new();
        await _sink.WriteAsync(output, format, TestContext.Current.CancellationToken);
        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(output.ToArray());
    }

    private sealed class FakeSink(string id, string? trouble) : ISink
    {
        public string Id => id;

        public string? Trouble => trouble;

        public void Start()
        {
        }

        public void Dispose()
        {
        }
    }
}
