using System.Globalization;
using System.Net.Sockets;
using System.Text;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Sinks.Otlp;
using KubeBpfBox.Unit.Kubernetes;
using KubeBpfBox.Unit.Support;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Unit.Otlp;

public sealed class TransportTests
{
    private static readonly ExportBatch s_batch = new(ExportKind.Log, 3, 1, Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("a message that is not looked into ", 1000))));

    [Theory]
    [InlineData(OtlpProtocol.Grpc, ExportKind.Log, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")]
    [InlineData(OtlpProtocol.Grpc, ExportKind.Events, "/opentelemetry.proto.collector.logs.v1.LogsService/Export")]
    [InlineData(OtlpProtocol.Grpc, ExportKind.Aggregates, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")]
    [InlineData(OtlpProtocol.HttpProtobuf, ExportKind.Log, "/v1/traces")]
    [InlineData(OtlpProtocol.HttpProtobuf, ExportKind.Events, "/v1/logs")]
    [InlineData(OtlpProtocol.HttpProtobuf, ExportKind.Aggregates, "/v1/metrics")]
    public async Task A_batch_arrives_whole_at_its_place_with_the_headers(OtlpProtocol protocol, ExportKind kind, string path)
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(protocol);
        using OtlpTransport transport = Transport(collector, protocol, headers: "api-key=s3cret,x-tenant=a%20b");
        Assert.Equal(ExportResult.Accepted, await transport.SendAsync(s_batch with { Kind = kind }, CancellationToken.None));
        (string at, IReadOnlyDictionary<string, string> headers, byte[] message) = Assert.Single(collector.Received);
        Assert.Equal(path, at);
        Assert.Equal(s_batch.Payload.ToArray(), message);
        Assert.Equal(("s3cret", "a b", "kubebpfbox/1.2.3"), (headers["api-key"], headers["x-tenant"], headers["user-agent"]));
        Assert.Equal(protocol == OtlpProtocol.Grpc ? "application/grpc" : "application/x-protobuf", headers["content-type"]);
        Assert.Equal(protocol == OtlpProtocol.Grpc ? ("trailers", "gzip", "10000m") : default, protocol == OtlpProtocol.Grpc ? (headers["te"], headers["grpc-encoding"], headers["grpc-timeout"]) : default);
        Assert.DoesNotContain("s3cret", transport.Target, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OtlpProtocol.Grpc)]
    [InlineData(OtlpProtocol.HttpProtobuf)]
    public async Task What_was_taken_in_part_is_told(OtlpProtocol protocol)
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(protocol);
        // partial_success { rejected_spans: 2, error_message: "too old" }
        byte[] response = Convert.FromHexString("0a0b08021207746f6f206f6c64");
        collector.Answer = context =>
        {
            context.Response.ContentType = "application/x-protobuf";
            return protocol == OtlpProtocol.Grpc ? ScriptedCollector.GrpcAsync(context, 0, response: response) : context.Response.Body.WriteAsync(response).AsTask();
        };
        using OtlpTransport transport = Transport(collector, protocol);
        Assert.Equal(new ExportResult(ExportStatus.Accepted, "too old", null, 2), await transport.SendAsync(s_batch, CancellationToken.None));
    }

    [Theory]
    [InlineData(200, ExportStatus.Accepted)]
    [InlineData(202, ExportStatus.Accepted)]
    [InlineData(302, ExportStatus.Malformed)]
    [InlineData(400, ExportStatus.Malformed)]
    [InlineData(401, ExportStatus.Retry)]
    [InlineData(403, ExportStatus.Retry)]
    [InlineData(404, ExportStatus.Malformed)]
    [InlineData(413, ExportStatus.TooLarge)]
    [InlineData(429, ExportStatus.Retry)]
    [InlineData(500, ExportStatus.Malformed)]
    [InlineData(502, ExportStatus.Retry)]
    [InlineData(503, ExportStatus.Retry)]
    [InlineData(504, ExportStatus.Retry)]
    public async Task Statuses_of_http(int status, ExportStatus expected)
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(OtlpProtocol.HttpProtobuf);
        collector.Answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = "7";
            context.Response.Headers.Location = "http://127.0.0.1:1/elsewhere";
            return context.Response.WriteAsync("said\nso");
        };
        using OtlpTransport transport = Transport(collector, OtlpProtocol.HttpProtobuf);
        ExportResult result = await transport.SendAsync(s_batch, CancellationToken.None);
        Assert.Equal(expected, result.Status);
        if (expected != ExportStatus.Accepted)
        {
            Assert.StartsWith($"HTTP {status}: said?so", result.Reason, StringComparison.Ordinal);
        }
        Assert.Equal(expected == ExportStatus.Retry ? TimeSpan.FromSeconds(7) : null, result.RetryAfter);
    }

    [Theory]
    [InlineData(0, "", ExportStatus.Accepted)]
    [InlineData(1, "", ExportStatus.Retry)]
    [InlineData(2, "", ExportStatus.Malformed)]
    [InlineData(3, "bad", ExportStatus.Malformed)]
    [InlineData(4, "", ExportStatus.Retry)]
    [InlineData(5, "", ExportStatus.Malformed)]
    [InlineData(7, "", ExportStatus.Retry)]
    [InlineData(8, "queue is full", ExportStatus.Retry)]
    [InlineData(8, "grpc: received message larger than max (5000000 vs. 4194304)", ExportStatus.TooLarge)]
    [InlineData(10, "", ExportStatus.Retry)]
    [InlineData(11, "", ExportStatus.Retry)]
    [InlineData(12, "unknown service", ExportStatus.Malformed)]
    [InlineData(13, "", ExportStatus.Malformed)]
    [InlineData(14, "try%20again%20%E2%98%83", ExportStatus.Retry)]
    [InlineData(15, "", ExportStatus.Retry)]
    [InlineData(16, "", ExportStatus.Retry)]
    public async Task Statuses_of_grpc(int status, string message, ExportStatus expected)
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(OtlpProtocol.Grpc);
        collector.Answer = context => ScriptedCollector.GrpcAsync(context, status, message);
        using OtlpTransport transport = Transport(collector, OtlpProtocol.Grpc);
        ExportResult result = await transport.SendAsync(s_batch, CancellationToken.None);
        Assert.Equal(expected, result.Status);
        if (message.Length > 0)
        {
            Assert.Contains(Uri.UnescapeDataString(message), result.Reason, StringComparison.Ordinal);
        }
    }

    [Theory]
    // google.rpc.Status { code 14, details [Any { RetryInfo { retry_delay { seconds: 3, nanos: 500000000 } } }] }
    [InlineData("CA4aNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIKCggIAxCAyrXuAQ", 3.5)]
    [InlineData("not base64!", null)]
    [InlineData("CA4", null)]
    public async Task A_time_to_wait_is_found_in_the_details(string details, double? seconds)
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(OtlpProtocol.Grpc);
        collector.Answer = context => ScriptedCollector.GrpcAsync(context, 8, "larger than you think", details: details);
        using OtlpTransport transport = Transport(collector, OtlpProtocol.Grpc);
        ExportResult result = await transport.SendAsync(s_batch, CancellationToken.None);
        Assert.Equal(seconds is { } some ? TimeSpan.FromSeconds(some) : null, result.RetryAfter);
        // Exhausted, but it will recover: not a matter of size.
        Assert.Equal(seconds is null ? ExportStatus.TooLarge : ExportStatus.Retry, result.Status);
    }

    [Theory]
    [InlineData(200, ExportStatus.Retry)]
    [InlineData(503, ExportStatus.Retry)]
    [InlineData(401, ExportStatus.Retry)]
    [InlineData(404, ExportStatus.Malformed)]
    public async Task A_proxy_that_speaks_no_grpc_is_judged_by_its_status(int status, ExportStatus expected)
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(OtlpProtocol.Grpc);
        collector.Answer = context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync("<html>");
        };
        using OtlpTransport transport = Transport(collector, OtlpProtocol.Grpc);
        Assert.Equal(expected, (await transport.SendAsync(s_batch, CancellationToken.None)).Status);
    }

    [Theory]
    [InlineData(OtlpProtocol.Grpc)]
    [InlineData(OtlpProtocol.HttpProtobuf)]
    public async Task Silence_and_absence_are_tried_again(OtlpProtocol protocol)
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(protocol);
        collector.Answer = static context => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
        using OtlpTransport transport = Transport(collector, protocol, timeout: TimeSpan.FromSeconds(0.5));
        Assert.Equal(new ExportResult(ExportStatus.Retry, "no answer within 0.5 s"), await transport.SendAsync(s_batch, CancellationToken.None));
        await collector.StopAsync();
        // The first may be word of the connection that broke.
        ExportResult first = await transport.SendAsync(s_batch, CancellationToken.None);
        ExportResult refused = await transport.SendAsync(s_batch, CancellationToken.None);
        Assert.Equal((ExportStatus.Retry, ExportStatus.Retry), (first.Status, refused.Status));
        Assert.Contains("refused", refused.Reason, StringComparison.Ordinal);

        collector.Answer = null;
        await collector.ListenAsync();
        Assert.Equal(ExportResult.Accepted, await transport.SendAsync(s_batch, CancellationToken.None));
    }

    [Fact]
    public async Task The_other_protocol_s_port_is_told_apart()
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(OtlpProtocol.HttpProtobuf);
        using OtlpTransport transport = Transport(collector, OtlpProtocol.Grpc);
        ExportResult result = await transport.SendAsync(s_batch, CancellationToken.None);
        Assert.Equal(ExportStatus.Retry, result.Status);
        Assert.EndsWith("check sinks.otlp.protocol", result.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OtlpProtocol.Grpc)]
    [InlineData(OtlpProtocol.HttpProtobuf)]
    public async Task Only_the_authority_that_was_named_is_believed(OtlpProtocol protocol)
    {
        using TemporaryDirectory directory = new();
        TestAuthority ours = new(), other = new("other");
        await File.WriteAllTextAsync(directory.File("ours.pem"), ours.Pem, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(directory.File("other.pem"), other.Pem, TestContext.Current.CancellationToken);
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(protocol, ours.Server());
        using (OtlpTransport transport = Transport(collector, protocol, caFile: directory.File("ours.pem")))
        {
            Assert.Equal(ExportResult.Accepted, await transport.SendAsync(s_batch, CancellationToken.None));
        }
        foreach (string caFile in (string[])[directory.File("other.pem"), string.Empty])
        {
            using OtlpTransport transport = Transport(collector, protocol, caFile: caFile);
            ExportResult result = await transport.SendAsync(s_batch, CancellationToken.None);
            Assert.Equal(ExportStatus.Retry, result.Status);
            Assert.EndsWith("name the server's authority in sinks.otlp.ca_file", result.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_file_without_a_certificate_is_refused_at_the_start()
    {
        using TemporaryDirectory directory = new();
        await File.WriteAllTextAsync(directory.File("empty.pem"), "nothing", TestContext.Current.CancellationToken);
        foreach (string name in (string[])["empty.pem", "missing.pem"])
        {
            OtlpException e = Assert.Throws<OtlpException>(() => new OtlpTransport(new OtlpOptions { Endpoint = new Uri("https://127.0.0.1"), NodeName = "n", CaFile = directory.File(name) }, "1"));
            Assert.StartsWith("sinks.otlp.ca_file: ", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_signal_that_the_receiver_does_not_know_is_not_divided()
    {
        await using ScriptedCollector collector = await ScriptedCollector.StartAsync(OtlpProtocol.Grpc);
        collector.Answer = static context => ScriptedCollector.GrpcAsync(context, context.Request.Path.Value!.Contains("logs", StringComparison.Ordinal) ? 12 : 3);
        using OtlpTransport transport = Transport(collector, OtlpProtocol.Grpc);
        ExportBatch two = new(ExportKind.Log, 2, 1, Convert.FromHexString("0a08120612011a12011b"));
        await transport.SendAsync(two, CancellationToken.None);
        Assert.True(transport.TrySplit(two, out _, out _));
        await transport.SendAsync(two with { Kind = ExportKind.Events }, CancellationToken.None);
        Assert.False(transport.TrySplit(two with { Kind = ExportKind.Events }, out _, out _));
    }

    private static OtlpTransport Transport(ScriptedCollector collector, OtlpProtocol protocol, string headers = "", string caFile = "", TimeSpan? timeout = null) => new(
        new OtlpOptions
        {
            Endpoint = collector.Url, Protocol = protocol, Headers = headers, CaFile = caFile, NodeName = "node", Timeout = timeout ?? TimeSpan.FromSeconds(10),
        },
        "1.2.3");
}
