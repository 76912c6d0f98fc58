using System.Text;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Sinks.InfluxDb;
using KubeBpfBox.Unit.Kubernetes;
using KubeBpfBox.Unit.Support;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Unit.InfluxDb;

/// <summary>Texts of answers are those of the servers' sources: 1.6 to 1.8, 2.7, 3.</summary>
public sealed class InfluxDbTransportTests
{
    private const string Token = "my-SECRET-token";
    private static readonly CancellationToken s_never = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Version_2_gets_bucket_token_and_compressed_lines()
    {
        await using ScriptedServer server = await ScriptedServer.StartAsync();
        using InfluxDbTransport transport = new(V2(server) with { Org = "my org", Bucket = "a&b" }, "1.2.3");
        Assert.Equal(ExportResult.Accepted, await transport.SendAsync(Batch("x f=1i 1\n", "x f=2i 2\n"), s_never));
        Assert.Equal(ExportResult.Accepted, await transport.SendAsync(Batch("y f=1i 1\n"), s_never));
        (string path, IReadOnlyDictionary<string, string> headers, string body, string connection) = server.Requests.First();
        Assert.Equal("/api/v2/write?precision=ns&org=my%20org&bucket=a%26b", path);
        Assert.Equal("x f=1i 1\nx f=2i 2\n", body);
        Assert.Equal($"Token {Token}", headers["Authorization"]);
        Assert.Equal("gzip", headers["Content-Encoding"]);
        Assert.Equal("kubebpfbox/1.2.3", headers["User-Agent"]);
        Assert.False(headers.ContainsKey("traceparent"));
        // The connection is kept.
        Assert.Equal(("y f=1i 1\n", connection), (server.Requests.Last().Body, server.Requests.Last().Connection));
    }

    [Fact]
    public async Task Version_1_gets_database_and_basic_authentication()
    {
        await using ScriptedServer server = await ScriptedServer.StartAsync();
        using InfluxDbTransport transport = new(V1(server) with { Url = server.Url + "/influx/", RetentionPolicy = "a week", Username = "me", Password = "p:w" }, "1.2.3");
        Assert.Equal(ExportResult.Accepted, await transport.SendAsync(Batch("x f=1i 1\n"), s_never));
        (string path, IReadOnlyDictionary<string, string> headers, _, _) = server.Requests.Single();
        Assert.Equal("/influx/write?precision=ns&db=metrics&rp=a%20week", path);
        Assert.Equal("Basic " + Convert.ToBase64String("me:p:w"u8), headers["Authorization"]);
        using InfluxDbTransport open = new(V1(server), "1.2.3");
        await open.SendAsync(Batch("x f=1i 1\n"), s_never);
        Assert.False(server.Requests.Last().Headers.ContainsKey("Authorization"));
    }

    [Theory]
    [InlineData(200, "", 0)]
    [InlineData(204, "", 0)]
    [InlineData(400, """{"error":"partial write: field type conflict: input field \"v\" on measurement \"x\" is type integer, already exists as type float dropped=2"}""", 2)]
    [InlineData(400, """{"error":"partial write: points beyond retention policy dropped=3"}""", 3)]
    [InlineData(400, """{"error":"partial write: max-values-per-tag limit exceeded (100/100): measurement=\"x\" tag=\"t\" value=\"dropped=1\" dropped=99"}""", 3)]
    [InlineData(400, """{"error":"partial write: unable to parse 'x f= 1': missing field value\nunable to parse 'y': missing fields dropped=0"}""", 2)]
    [InlineData(422, """{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond retention policy dropped=1"}""", 1)]
    [InlineData(400, """{"error":"partial write of line protocol occurred","data":[{"original_line":"x","line_number":2,"error_message":"No fields were provided"}]}""", 1)]
    [InlineData(400, """{"code":"invalid","message":"partial write has occurred, errors encountered on line(s): line 2: x","line":1}""", 1)]
    public async Task What_was_taken(int status, string body, int rejected)
    {
        ExportResult result = await Ask(status, body);
        Assert.Equal((ExportStatus.Accepted, rejected), (result.Status, result.RejectedItems));
        Assert.Equal(rejected == 0, result.Reason is null);
    }

    [Theory]
    [InlineData("""{"error":"partial write: unable to parse 'x': missing fields\nunable to parse 'y': missing fields""")]
    [InlineData("""{"error":"partial write of line protocol occurred","data":[{"line_number":1,"original_line":"x"},{"line_number":2,"original_line":"y""")]
    public async Task An_answer_that_repeats_all_lines_is_read_for_its_beginning(string beginning)
    {
        await using ScriptedServer server = await ScriptedServer.StartAsync();
        using InfluxDbTransport transport = new(V2(server), "1");
        string lines = new('x', 600_000);
        server.Say(400, beginning + lines, ("X-Influxdb-Error", lines));
        ExportResult result = await transport.SendAsync(Batch("x f=1i 1\n", "x f=2i 2\n", "x f=3i 3\n"), s_never);
        Assert.Equal((ExportStatus.Accepted, 2), (result.Status, result.RejectedItems));
        Assert.InRange(result.Reason!.Length, 10, 400);
    }

    [Theory]
    [InlineData(400, """{"error":"unable to parse 'x': missing fields"}""", "HTTP 400: unable to parse 'x': missing fields")]
    [InlineData(400, """{"code":"invalid","message":"unable to parse 'x': missing fields"}""", "missing fields")]
    [InlineData(400, """{"error":"parsing failed for write_lp endpoint","data":{"original_line":"x"}}""", "parsing failed")]
    public async Task What_is_never_taken(int status, string body, string reason)
    {
        ExportResult result = await Ask(status, body);
        Assert.Equal(ExportStatus.Malformed, result.Status);
        Assert.Contains(reason, result.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(413, """{"code":"request too large","message":"cannot read data: points batch is too large"}""")]
    [InlineData(413, "Request Entity Too Large")]
    public async Task What_is_too_large(int status, string body) => Assert.Equal(ExportStatus.TooLarge, (await Ask(status, body)).Status);

    [Theory]
    [InlineData(401, """{"code":"unauthorized","message":"unauthorized access"}""", "HTTP 401: unauthorized access; set sinks.influxdb.token")]
    [InlineData(403, """{"code":"forbidden","message":"insufficient permissions for write"}""", "the token may not write into bucket metrics")]
    [InlineData(404, """{"code":"not found","message":"bucket \"metrics\" not found"}""", "HTTP 404: bucket \"metrics\" not found; create bucket metrics, or check")]
    [InlineData(404, "404 page not found\n", "HTTP 404: 404 page not found; check sinks.influxdb.url; InfluxDB before 1.8 knows only sinks.influxdb.database")]
    [InlineData(400, """{"code":"invalid","message":"Please provide either orgID or org"}""", "set sinks.influxdb.org")]
    [InlineData(400, "<html>The plain HTTP request was sent to HTTPS port</html>", "is that InfluxDB? check sinks.influxdb.url")]
    [InlineData(301, "", "HTTP 301; is that InfluxDB?")]
    [InlineData(405, "", "is that InfluxDB?")]
    [InlineData(500, """{"code":"internal error","message":"unexpected error writing points to database: timeout"}""", "HTTP 500: unexpected error writing points to database: timeout")]
    [InlineData(502, "<html>\r\n\u001b[2J Bad Gateway", "HTTP 502: <html>???[2J Bad Gateway")]
    [InlineData(503, "", "HTTP 503")]
    [InlineData(429, "", "HTTP 429")]
    [InlineData(418, "{\"error\":\"\\ud800\"}", "HTTP 418")]
    public async Task What_may_be_taken_later(int status, string body, string reason)
    {
        ExportResult result = await Ask(status, body);
        Assert.Equal((ExportStatus.Retry, null), (result.Status, result.RetryAfter));
        Assert.Contains(reason, result.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, result.Reason, StringComparison.Ordinal);
        Assert.Single(result.Reason!.Split('\n'));
    }

    [Theory]
    [InlineData(401, """{"error":"authorization failed"}""", "HTTP 401: authorization failed; set sinks.influxdb.username and sinks.influxdb.password")]
    [InlineData(403, """{"error":"\"me\" user is not authorized to write to database \"metrics\""}""", "GRANT WRITE ON \"metrics\"")]
    [InlineData(404, """{"error":"database not found: \"metrics\""}""", "create it: CREATE DATABASE \"metrics\"")]
    [InlineData(404, "no such page", "is that InfluxDB?")]
    [InlineData(500, """{"error":"retention policy not found: x"}""", "HTTP 500: retention policy not found: x")]
    public async Task What_version_1_may_take_later(int status, string body, string reason)
    {
        await using ScriptedServer server = await ScriptedServer.StartAsync();
        using InfluxDbTransport transport = new(V1(server), "1");
        server.Say(status, body);
        ExportResult result = await transport.SendAsync(Batch("x f=1i 1\n"), s_never);
        Assert.Equal(ExportStatus.Retry, result.Status);
        Assert.Contains(reason, result.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("17", 17)]
    [InlineData("Sat, 31 Jan 2026 12:01:00 GMT", 60)]
    [InlineData("Sat, 31 Jan 2026 11:00:00 GMT", null)]
    [InlineData("86400000", 3600)]
    [InlineData("soon", null)]
    public async Task How_long_it_wants_to_be_left_alone(string header, int? seconds)
    {
        await using ScriptedServer server = await ScriptedServer.StartAsync();
        using InfluxDbTransport transport = new(V2(server), "1", new ManualTime());
        foreach (int status in new[] { 429, 503 })
        {
            server.Say(status, "", ("Retry-After", header));
            ExportResult result = await transport.SendAsync(Batch("x f=1i 1\n"), s_never);
            Assert.Equal((ExportStatus.Retry, seconds), (result.Status, (int?)result.RetryAfter?.TotalSeconds));
        }
    }

    [Fact]
    public async Task A_server_that_is_silent_away_or_breaks_off_is_tried_again()
    {
        ScriptedServer server = await ScriptedServer.StartAsync();
        using InfluxDbTransport transport = new(V2(server) with { Timeout = TimeSpan.FromMilliseconds(300) }, "1");
        using CancellationTokenSource over = new();
        server.Answer = _ => Task.Delay(Timeout.Infinite, over.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
        Assert.Equal(new ExportResult(ExportStatus.Retry, "no answer within 0.3 s"), await transport.SendAsync(Batch("x f=1i 1\n"), s_never));
        await over.CancelAsync();
        server.Answer = static context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        Assert.Equal(ExportStatus.Retry, (await transport.SendAsync(Batch("x f=1i 1\n"), s_never)).Status);
        // An answer that never ends is read for its beginning only.
        server.Answer = static async context =>
        {
            context.Response.StatusCode = 500;
            for (int i = 0; i < 10_000 && !context.RequestAborted.IsCancellationRequested; i++)
            {
                await context.Response.WriteAsync(new string('x', 10_000));
            }
        };
        Assert.Equal(ExportStatus.Retry, (await transport.SendAsync(Batch("x f=1i 1\n"), s_never)).Status);
        await server.DisposeAsync();
        ExportResult refused = await transport.SendAsync(Batch("x f=1i 1\n"), s_never);
        Assert.Equal(ExportStatus.Retry, refused.Status);
        Assert.Contains("Connection refused", refused.Reason, StringComparison.Ordinal);
        using CancellationTokenSource stop = new(0);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => transport.SendAsync(Batch("x f=1i 1\n"), stop.Token));
    }

    [Fact]
    public async Task A_certificate_must_be_signed_by_the_named_authority()
    {
        using TemporaryDirectory directory = new();
        TestAuthority authority = new("influx"), other = new("other");
        await File.WriteAllTextAsync(directory.File("ca.pem"), authority.Pem, s_never);
        await File.WriteAllTextAsync(directory.File("other.pem"), other.Pem, s_never);
        await File.WriteAllTextAsync(directory.File("empty.pem"), "nothing", s_never);
        await using ScriptedServer server = await ScriptedServer.StartAsync(authority.Server());
        using InfluxDbTransport right = new(V2(server) with { CaFile = directory.File("ca.pem") }, "1");
        Assert.Equal(ExportResult.Accepted, await right.SendAsync(Batch("x f=1i 1\n"), s_never));
        using InfluxDbTransport wrong = new(V2(server) with { CaFile = directory.File("other.pem") }, "1");
        ExportResult refused = await wrong.SendAsync(Batch("x f=1i 1\n"), s_never);
        Assert.Equal(ExportStatus.Retry, refused.Status);
        Assert.Contains("name the server's authority in sinks.influxdb.ca_file", refused.Reason, StringComparison.Ordinal);
        Assert.Contains("has no certificate", Refused(V2(server) with { CaFile = directory.File("empty.pem") }), StringComparison.Ordinal);
        Assert.StartsWith("sinks.influxdb.ca_file: /no/such", Refused(V2(server) with { CaFile = "/no/such" }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("influxdb:8086", "sinks.influxdb.url: is no address")]
    [InlineData("", "sinks.influxdb.url: is no address")]
    [InlineData("ftp://influxdb", "sinks.influxdb.url: is no address")]
    [InlineData("http://me:SECRET@influxdb:8086", "sinks.influxdb.url: has a user name in it")]
    [InlineData("http://influxdb:8086/write?db=x", "has a query")]
    public void An_address_that_cannot_be_is_refused_at_once(string url, string message)
    {
        string refused = Refused(new InfluxDbServer { Url = url, Database = "metrics" });
        Assert.Contains(message, refused, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", refused, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_that_cannot_be_are_refused_at_once()
    {
        InfluxDbServer server = new() { Url = "http://influxdb:8086" };
        Assert.Contains("sinks.influxdb.bucket: is not set", Refused(server), StringComparison.Ordinal);
        Assert.Contains("sinks.influxdb.token: has characters", Refused(server with { Bucket = "b", Token = "a\nb" }), StringComparison.Ordinal);
        Assert.Contains("sinks.influxdb.username: has a colon", Refused(server with { Database = "d", Username = "a:b" }), StringComparison.Ordinal);
        InfluxDbServer full = server with { Bucket = "b", Token = Token + "\n", Password = Token };
        Assert.Equal("http://influxdb:8086, bucket b", full.ToString());
        using InfluxDbTransport transport = new(full, "1");
        Assert.Equal("http://influxdb:8086, bucket b", transport.Target);
    }

    [Fact]
    public void A_batch_is_split_between_lines_near_its_middle()
    {
        using InfluxDbTransport transport = new(new InfluxDbServer { Url = "http://localhost", Database = "d" }, "1");
        for (int lines = 2; lines < 40; lines++)
        {
            ExportBatch batch = Batch([.. Enumerable.Range(0, lines).Select(i => $"x f={new string('1', 1 + (i * 7 % 23))}i 1\n")]);
            Assert.True(transport.TrySplit(batch, out ExportBatch first, out ExportBatch second));
            Assert.Equal(Encoding.UTF8.GetString(batch.Payload.Span), Encoding.UTF8.GetString(first.Payload.Span) + Encoding.UTF8.GetString(second.Payload.Span));
            Assert.Equal(lines, first.Items + second.Items);
            Assert.All([first, second], static part => Assert.Equal(part.Items, part.Payload.Span.Count((byte)'\n')));
            Assert.InRange(first.Payload.Length, (batch.Payload.Length / 2) - 40, (batch.Payload.Length / 2) + 40);
        }
        Assert.True(transport.TrySplit(Batch($"x f=\"{new string('a', 1000)}\" 1\n", "x f=1i 1\n"), out ExportBatch large, out ExportBatch small));
        Assert.Equal((1, 1, 9), (large.Items, small.Items, small.Payload.Length));
        Assert.False(transport.TrySplit(Batch("x f=1i 1\n"), out _, out _));
    }

    private static string Refused(InfluxDbServer server) => Assert.Throws<InfluxDbSinkException>(() => new InfluxDbTransport(server, "1").Dispose()).Message;

    private static InfluxDbServer V1(ScriptedServer server) => new() { Url = server.Url, Database = "metrics" };

    private static InfluxDbServer V2(ScriptedServer server) => new() { Url = server.Url, Bucket = "metrics", Token = Token };

    private static async Task<ExportResult> Ask(int status, string body)
    {
        await using ScriptedServer server = await ScriptedServer.StartAsync();
        using InfluxDbTransport transport = new(V2(server), "1");
        server.Say(status, status == 204 ? "" : body);
        return await transport.SendAsync(Batch("x f=1i 1\n", "x f=2i 2\n", "x f=3i 3\n"), s_never);
    }

    private static ExportBatch Batch(params string[] lines) => new(ExportKind.Log, lines.Length, 1, Encoding.UTF8.GetBytes(string.Concat(lines)));
}
