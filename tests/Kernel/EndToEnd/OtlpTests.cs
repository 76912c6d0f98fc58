using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>Metrics, spans and log records as an independent receiver reads them, from real requests.</summary>
[Collection(SharedAgent.Name)]
public sealed class OtlpTests(AgentFixture fixture)
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string ParentId = "00f067aa0ba902b7";

    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public void Requests_are_counted_and_the_traced_ones_are_spans_of_their_traces(string protocol)
    {
        using TemporaryFolder folder = new();
        using OtlpReceiver receiver = new();
        int port = protocol == "grpc" ? receiver.GrpcPort : receiver.HttpPort;
        using (AgentProcess agent = new(fixture.CgroupPath, [.. Settings(port, folder), $"sinks.otlp.protocol={protocol}", "sinks.otlp.sampling_ratio=0", "sinks.otlp.headers=x-key=a%20b"]))
        {
            Get("/10k", "-01");
            Get("/404", "-00"); // not sampled
            for (int i = 0; i < 20; i++)
            {
                Traffic.Get(fixture.Port, "/10k");
            }
            for (int i = 0; i < 5; i++)
            {
                fixture.Inside(() => Traffic.Get(fixture.Port, "/404"));
            }
            agent.Until(() => agent.Counted("server") == 27, "27 requests at the server");
            receiver.Until(() => receiver.Newest("http.server.requests") == 27, "metrics of 27 requests");
            LedgerView ledger = agent.LedgerAtRest();
            Assert.Equal((2, ledger["otlp_log"].In - 2), (ledger["otlp_log"].Out, ledger["otlp_log"].Dropped("not_sampled")));
            Assert.Equal(0, agent.Stop());
        }
        Assert.Equal((27, 27), (receiver.Newest("http.server.requests"), receiver.Newest("http.server.request.duration")));
        // Only what is made inside is seen at the client's end: two by curl, five by this process.
        Assert.Equal((7, 7), (receiver.Newest("http.client.requests"), receiver.Newest("http.client.request.duration")));
        Assert.All(receiver.Received("metrics").Concat(receiver.Received("traces")), static one =>
        {
            // Nothing that the definitions do not know, nothing longer than needed.
            Assert.Equal(one.GetProperty("bytes").GetInt32(), one.GetProperty("encodedAgain").GetInt32());
            Assert.Equal("a b", one.GetProperty("headers").GetProperty("x-key").GetString());
        });
        JsonElement[] spans = [.. receiver.Items("traces").Select(static one => one.Item)];
        Assert.Equal(["SPAN_KIND_CLIENT", "SPAN_KIND_SERVER"], spans.Select(static span => span.GetProperty("kind").GetString()).Order());
        Assert.All(spans, static span => Assert.Equal((TraceId, ParentId, "GET /10k"), (Text(span, "traceId"), Text(span, "parentSpanId"), Text(span, "name"))));
        Assert.Equal(2, spans.Select(static span => Text(span, "spanId")).Distinct().Count());
        Dictionary<string, string> server = OtlpReceiver.Attributes(spans.Single(static span => Text(span, "kind") == "SPAN_KIND_SERVER"));
        Assert.Equal(("200", "/10k", $"{fixture.Port}"), (server["http.response.status_code"], server["url.path"], server["server.port"]));
    }

    [Fact]
    public void An_overflow_of_an_accept_queue_is_a_log_record()
    {
        using TemporaryFolder folder = new();
        using OtlpReceiver receiver = new();
        using AgentProcess agent = new(fixture.CgroupPath, Settings(receiver.GrpcPort, folder));
        using Socket listener = fixture.Inside(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        List<Socket> clients = [];
        try
        {
            for (int i = 0; i < 6; i++)
            {
                Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                clients.Add(client);
                Assert.Equal(SocketError.WouldBlock, Assert.Throws<SocketException>(() => client.Connect(listener.LocalEndPoint!)).SocketErrorCode);
            }
            receiver.Until(() => Overflows(receiver).Any(), "a log record");
        }
        finally
        {
            clients.ForEach(static client => client.Dispose());
        }
        (Dictionary<string, string> resource, JsonElement record) = Overflows(receiver).First();
        Dictionary<string, string> attributes = OtlpReceiver.Attributes(record);
        Assert.Equal("SEVERITY_NUMBER_WARN", Text(record, "severityNumber"));
        Assert.Equal(("1", "2", $"{((IPEndPoint)listener.LocalEndPoint!).Port}"), (attributes["kubebpfbox.tcpsynbl.queue_limit"], attributes["kubebpfbox.tcpsynbl.queue_length"], attributes["server.port"]));
        Assert.True(resource.ContainsKey("service.name"));
        Assert.All(receiver.Received("logs"), static one => Assert.Equal(one.GetProperty("bytes").GetInt32(), one.GetProperty("encodedAgain").GetInt32()));
    }

    [Fact]
    public void What_was_seen_while_the_receiver_was_away_arrives_later_even_from_another_run()
    {
        using TemporaryFolder folder = new();
        int port = TcpPort.Free();
        using (AgentProcess agent = new(fixture.CgroupPath, Settings(port, folder)))
        {
            Get("/10k", "-01");
            agent.Until(() => agent.Ledger()["otlp_log"].In == 2, "two spans");
            agent.Until(() => agent.Get("/api/status").GetProperty("degraded").EnumerateArray().Any(static one => one.GetString()!.Contains("otlp", StringComparison.Ordinal)), "trouble");
            Assert.Equal(0, agent.Stop());
        }
        Assert.NotEmpty(Directory.GetFiles(folder.PathOf("spool"), "*", SearchOption.AllDirectories));
        using OtlpReceiver receiver = new(port);
        using (AgentProcess agent = new(fixture.CgroupPath, Settings(port, folder)))
        {
            receiver.Until(() => receiver.Items("traces").Count() >= 2, "the spans of before");
            agent.LedgerAtRest();
        }
        Assert.All(receiver.Items("traces"), static one => Assert.Equal((TraceId, "GET /10k"), (Text(one.Item, "traceId"), Text(one.Item, "name"))));
        Assert.Equal(2, receiver.Items("traces").Count());
    }

    /// <summary>Kills of whatever else runs on the machine are told, too.</summary>
    private static IEnumerable<(Dictionary<string, string> Resource, JsonElement Item)> Overflows(OtlpReceiver receiver) =>
        receiver.Items("logs").Where(static one => Text(one.Item, "eventName") == "kubebpfbox.tcpsynbl");

    private static string Text(JsonElement of, string name) => of.GetProperty(name).GetString()!;

    private static IEnumerable<string> Settings(int port, TemporaryFolder folder) =>
        [$"sinks.otlp.endpoint=http://127.0.0.1:{port}", "sinks.otlp.metrics_interval=1s", $"spool.path={folder.PathOf("spool")}"];

    /// <summary>A request by curl from inside the watched cgroup, with a trace context.</summary>
    private void Get(string target, string flags) => fixture.Inside(() => ChildProcess.Run(
        AptPackages.Require("curl", "curl"), "-s", "-o", "/dev/null", "-H", $"traceparent: 00-{TraceId}-{ParentId}{flags}", $"http://127.0.0.1:{fixture.Port}{target}"));
}
