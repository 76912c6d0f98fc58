using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using KubeBpfBox.Agent;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Sinks.Sqlite;
using KubeBpfBox.Unit.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace KubeBpfBox.Unit.Api;

public sealed class ApiHostTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_and_readiness()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        Assert.Equal("ok\n", await api.Client.GetStringAsync("/healthz", Stop));
        Assert.Equal("ok\n", await api.Client.GetStringAsync("/readyz", Stop));
        api.Unreadiness = "not capturing yet";
        HttpResponseMessage response = await api.Client.GetAsync("/readyz", Stop);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not capturing yet\n"), (response.StatusCode, await response.Content.ReadAsStringAsync(Stop)));
        Assert.Equal("ok\n", await api.Client.GetStringAsync("/healthz", Stop));
    }

    [Fact]
    public async Task Metrics_status_ledger_and_red()
    {
        await using ApiFixture api = new();
        LedgerStage stage = api.Ledger.AddStage("stream", "packets");
        stage.In.Add(10);
        stage.Out.Add(6);
        stage.DropReason("budget").Add(3);
        DurationHistogram histogram = new();
        histogram.Record(2_000_000);
        api.Red.Add(new RedSeriesSnapshot
        {
            Workload = new Workload("w", "cgroup"), Role = "server", Protocol = "http", Method = "GET", Route = "/", Status = 0, ErrorType = "timeout", Count = 3, Errors = 3, RequestBytes = 1,
            ResponseBytes = 2, Duration = histogram, IsOverflow = false,
        });
        await api.StartAsync();

        HttpResponseMessage metrics = await api.Client.GetAsync("/metrics", Stop);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", metrics.Content.Headers.ContentType!.ToString());
        Assert.Contains("http_server_requests_total", await metrics.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);

        JsonElement status = await GetJsonAsync(api, "/api/status");
        Assert.Equal("node-1", status.GetProperty("node").GetString());
        Assert.Equal("cgroup_skb/ingress", status.GetProperty("hooks")[0].GetProperty("hook").GetString());

        JsonElement ledger = await GetJsonAsync(api, "/api/ledger");
        JsonElement stream = ledger.GetProperty("stages")[1];
        Assert.Equal(("stream", 10, 6, 3, 1), (stream.GetProperty("name").GetString(), stream.GetProperty("in").GetInt64(), stream.GetProperty("out").GetInt64(),
            stream.GetProperty("dropped").GetProperty("budget").GetInt64(), stream.GetProperty("unaccounted").GetInt64()));
        Assert.Equal(0.5, ledger.GetProperty("completeness").GetDouble());

        JsonElement series = (await GetJsonAsync(api, "/api/red")).GetProperty("series")[0];
        Assert.Equal(JsonValueKind.Null, series.GetProperty("status").ValueKind);
        Assert.Equal(3, series.GetProperty("errors").GetInt64());
        Assert.InRange(series.GetProperty("p99_ns").GetInt64(), 1_900_000, 2_100_000);
    }

    [Theory]
    [InlineData("/nothing", HttpStatusCode.NotFound)]
    [InlineData("/api", HttpStatusCode.NotFound)]
    [InlineData("/api/transactions", HttpStatusCode.NotFound)]
    [InlineData("/api/transactions/stream?status=abc", HttpStatusCode.BadRequest)]
    [InlineData("/api/transactions/stream?output=xml", HttpStatusCode.BadRequest)]
    [InlineData("/api/transactions/stream?max-per-second=0", HttpStatusCode.BadRequest)]
    [InlineData("/api/transactions/stream?max-per-second=100001", HttpStatusCode.BadRequest)]
    public async Task Bad_requests_get_a_reason(string path, HttpStatusCode expected)
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        HttpResponseMessage response = await api.Client.GetAsync(path, Stop);
        Assert.Equal(expected, response.StatusCode);
        Assert.NotEmpty(JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop)).RootElement.GetProperty("error").GetString()!);
    }

    [Fact]
    public async Task Only_get_is_answered()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await api.Client.PostAsync("/api/status", null, Stop)).StatusCode);
    }

    [Fact]
    public async Task Head_of_the_stream_ends()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        using HttpRequestMessage request = new(HttpMethod.Head, "/api/transactions/stream");
        using HttpResponseMessage response = await api.Client.SendAsync(request, Stop);
        Assert.Equal((HttpStatusCode.OK, "text/event-stream", 0), (response.StatusCode, response.Content.Headers.ContentType!.ToString(), api.Hub.SubscriberCount));
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:1", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.0.0.1:12345", true)]
    [InlineData("[::1]:80", true)]
    [InlineData("evil.example", false)]
    [InlineData("evil.example:9500", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("10.0.0.1", false)]
    public async Task On_loopback_only_this_machine_s_names_are_served(string host, bool isServed)
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        foreach (string path in (string[])["/api/status", "/metrics", "/healthz"])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path) { Headers = { Host = host } };
            HttpResponseMessage response = await api.Client.SendAsync(request, Stop);
            Assert.Equal(isServed ? HttpStatusCode.OK : HttpStatusCode.MisdirectedRequest, response.StatusCode);
            Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
        }
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("Bearer wrong", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer ", HttpStatusCode.Unauthorized)]
    [InlineData("Basic " + ApiFixture.Token, HttpStatusCode.Unauthorized)]
    [InlineData("Bearer " + ApiFixture.Token + "x", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer " + ApiFixture.Token, HttpStatusCode.OK)]
    [InlineData("bearer " + ApiFixture.Token, HttpStatusCode.OK)]
    public async Task Beyond_loopback_the_token_is_needed(string? authorization, HttpStatusCode expected)
    {
        await using ApiFixture api = new();
        await api.StartAsync("0.0.0.0:0");
        foreach (string path in (string[])["/api/status", "/api/red", "/nothing"])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path);
            if (authorization is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", authorization);
            }
            HttpStatusCode status = (await api.Client.SendAsync(request, Stop)).StatusCode;
            Assert.Equal(path == "/nothing" && expected == HttpStatusCode.OK ? HttpStatusCode.NotFound : expected, status);
        }
        foreach (string path in (string[])["/metrics", "/healthz", "/readyz"])
        {
            Assert.Equal(HttpStatusCode.OK, (await api.Client.GetAsync(path, Stop)).StatusCode);
        }
    }

    [Fact]
    public async Task From_within_no_token_is_needed_but_the_host_is_checked()
    {
        await using ApiFixture api = new();
        await api.StartAsync("0.0.0.0:0");
        foreach ((string host, HttpStatusCode expected) in (ReadOnlySpan<(string, HttpStatusCode)>)[("localhost", HttpStatusCode.OK), ("evil.example", HttpStatusCode.MisdirectedRequest)])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, $"http://127.0.0.1:{api.EndPoint.Port}/api/status") { Headers = { Host = host } };
            Assert.Equal(expected, api.Client.Send(request, Stop).StatusCode);
        }
    }

    [Fact]
    public async Task What_is_degraded_is_told_and_is_no_reason_to_be_unready()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        api.Degraded.Add("Kubernetes: pods not up to date");
        Assert.Equal("ok\ndegraded: Kubernetes: pods not up to date\n", await api.Client.GetStringAsync("/readyz", Stop));
        Assert.Equal("Kubernetes: pods not up to date", (await GetJsonAsync(api, "/api/status")).GetProperty("degraded")[0].GetString());
    }

    [Fact]
    public async Task The_stored_events_are_searched()
    {
        using TemporaryDirectory directory = new();
        await using ApiFixture api = new() { LogPath = directory.File("k.db") };
        await api.StartAsync();
        Assert.Equal(0, (await GetJsonAsync(api, "/api/events")).GetProperty("events").GetArrayLength());
        using (SqliteSink sink = new(new SqliteSinkOptions { Path = directory.File("k.db"), MaxAgeNs = long.MaxValue }, new Ledger(), NullLogger.Instance))
        {
            sink.OnEvent(TestEvents.Kill(1_700_000_000_000_000_000, "web-1"));
            sink.OnEvent(TestEvents.Overflow(1_700_000_001_000_000_000, "web-2"));
            sink.Start();
        }
        Assert.Equal(["tcpsynbl", "oomkill"], await TypesAsync(api, "/api/events"));
        Assert.Equal(["oomkill"], await TypesAsync(api, "/api/events?type=oomkill"));
        Assert.Equal(["tcpsynbl"], await TypesAsync(api, "/api/events?pod=web-2&namespace=shop"));
        Assert.Equal(["oomkill"], await TypesAsync(api, "/api/events?until=1700000001000000000"));
        Assert.Empty(await TypesAsync(api, "/api/events?namespace=other"));
        Assert.Equal(HttpStatusCode.BadRequest, (await api.Client.GetAsync("/api/events?limit=0", Stop)).StatusCode);
    }

    [Fact]
    public async Task Pages_of_events_and_requests_follow_each_other()
    {
        using TemporaryDirectory directory = new();
        await using ApiFixture api = new() { LogPath = directory.File("k.db") };
        await api.StartAsync();
        SqliteSink sink = new(new SqliteSinkOptions { Path = directory.File("k.db"), MaxAgeNs = long.MaxValue }, api.Ledger, NullLogger.Instance);
        api.Sinks.Add(sink);
        for (int i = 0; i < 5; i++)
        {
            sink.OnTransaction(TestTransactions.Make(status: 500 + i, startNs: (1_700_000_000 + i) * 1_000_000_000L));
            sink.OnEvent(TestEvents.Kill((1_700_000_000 + i) * 1_000_000_000L, $"web-{i}"));
        }
        sink.Start();
        sink.Dispose();
        foreach (string what in (string[])["transactions", "events"])
        {
            (int found, string? cursor) = (0, null);
            do
            {
                JsonElement page = await GetJsonAsync(api, $"/api/{what}?limit=2{(cursor is null ? string.Empty : $"&cursor={cursor}")}");
                found += page.GetProperty(what).GetArrayLength();
                cursor = page.GetProperty("next").GetString();
            }
            while (cursor is not null);
            Assert.Equal(5, found);
        }
        Assert.Equal((int[])[504, 503, 502, 501, 500], await StatusesAsync(api, "/api/transactions?server=10.0.0.1:8080&client=10.0.0.2:40000"));
        Assert.Empty(await StatusesAsync(api, "/api/transactions?client=[fd00::1]:40000"));
        Assert.Empty(await StatusesAsync(api, "/api/transactions?last=1h"));
        JsonElement told = (await GetJsonAsync(api, "/api/status")).GetProperty("sinks")[0];
        Assert.Equal(("sqlite", "sqlite_red sqlite_calls sqlite_log sqlite_events"), (told.GetProperty("id").GetString(), string.Join(' ', told.GetProperty("stages").EnumerateArray())));
    }

    [Theory]
    [InlineData("/api/transactions?client=10.0.0.1", "client: '10.0.0.1' is not an address; allowed is ip:port")]
    [InlineData("/api/transactions?server=web-1:80", "server: 'web-1:80' is not an address")]
    [InlineData("/api/transactions?cursor=1", "cursor: '1' is not the next of a page")]
    [InlineData("/api/events?type=oom", "type: 'oom' is not allowed; allowed is oomkill or tcpsynbl")]
    [InlineData("/api/transactions/stream?max-per-second=0", "max-per-second: '0' is not allowed; allowed is a number from 1 to 100000")]
    public async Task A_search_says_what_is_wrong(string path, string expected)
    {
        using TemporaryDirectory directory = new();
        await using ApiFixture api = new() { LogPath = directory.File("k.db") };
        await api.StartAsync();
        using HttpResponseMessage response = await api.Client.GetAsync(path, Stop);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(expected, JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop)).RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    private static async Task<string[]> TypesAsync(ApiFixture api, string path) =>
        [.. (await GetJsonAsync(api, path)).GetProperty("events").EnumerateArray().Select(static row => row.GetProperty("event").GetString()!)];

    [Fact]
    public async Task A_port_in_use_is_named_with_its_key()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        await using ApiFixture api = new();
        AgentException e = await Assert.ThrowsAsync<AgentException>(() => api.StartAsync(socket.LocalEndPoint!.ToString()!));
        Assert.StartsWith($"api.listen: {socket.LocalEndPoint} cannot be listened on: another program uses the port", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_stored_log_is_searched()
    {
        using TemporaryDirectory directory = new();
        await using ApiFixture api = new() { LogPath = directory.File("k.db") };
        await api.StartAsync();
        Assert.Equal(0, (await GetJsonAsync(api, "/api/transactions")).GetProperty("transactions").GetArrayLength());
        using (SqliteSink sink = new(new SqliteSinkOptions { Path = directory.File("k.db"), MaxAgeNs = long.MaxValue }, new Ledger(), NullLogger.Instance))
        {
            for (int i = 0; i < 5; i++)
            {
                sink.OnTransaction(TestTransactions.Make(status: 500 + i, startNs: (1_700_000_000 + i) * 1_000_000_000L));
            }
            sink.Start();
        }
        Assert.Equal((int[])[504, 503, 502, 501, 500], await StatusesAsync(api, "/api/transactions"));
        Assert.Equal((int[])[504, 503], await StatusesAsync(api, "/api/transactions?limit=2"));
        Assert.Equal((int[])[502], await StatusesAsync(api, "/api/transactions?status=502"));
        Assert.Equal((int[])[502, 501], await StatusesAsync(api, "/api/transactions?since=1700000001000000000&until=2023-11-14T22:13:23Z"));
        foreach (string bad in (string[])["limit=0", "limit=1001", "since=yesterday-ish", "role=x"])
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await api.Client.GetAsync("/api/transactions?" + bad, Stop)).StatusCode);
        }
    }

    private static async Task<JsonElement> GetJsonAsync(ApiFixture api, string path) => JsonDocument.Parse(await api.Client.GetStringAsync(path, Stop)).RootElement;

    private static async Task<int[]> StatusesAsync(ApiFixture api, string path) =>
        [.. (await GetJsonAsync(api, path)).GetProperty("transactions").EnumerateArray().Select(static row => row.GetProperty("transaction").GetProperty("status").GetInt32())];
}
