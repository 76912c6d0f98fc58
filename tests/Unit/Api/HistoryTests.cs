using System.Net;
using System.Text.Json;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Api;

/// <summary>/api/workloads, /api/workload and /api/map of a real host, over a history that the test wrote down.</summary>
public sealed class HistoryTests
{
    /// <summary>What <see cref="ManualTime"/> begins with: 2026-01-31T12:00:00Z.</summary>
    private const long NowS = 1_769_860_800;

    private static readonly Workload s_cart = Make("cart", "web-1");
    private static readonly Workload s_cart2 = Make("cart", "web-2");
    private static readonly Workload s_pay = Make("pay", "pay-1", "bank");
    private static readonly Workload s_front = Make("front", "front-1");
    private static readonly Workload s_daemon = new("backup.service", "cgroup");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Workloads_are_added_up_over_series_pods_and_windows()
    {
        await using ApiFixture api = await StartAsync();
        JsonElement answer = await GetAsync(api, "/api/workloads?last=10m&points=60");
        Assert.Equal(("2026-01-31T11:50:00Z", "2026-01-31T12:00:00Z", 10, "memory", "2026-01-31T11:50:00Z", "server"), (Text(answer, "since"), Text(answer, "until"), Number(answer, "step_s"),
            Text(answer, "source"), Text(answer, "known_since"), Text(answer, "role")));
        Assert.Equal(["bank", "shop"], Texts(answer, "namespaces"));
        Assert.Equal(["cart", "pay", "backup.service"], Names(answer));
        JsonElement cart = answer.GetProperty("workloads")[0];
        Assert.Equal(("Deployment", "shop", 16, 5, 1600, 16_000), (Text(cart, "kind"), Text(cart, "namespace"), Number(cart, "requests"), Number(cart, "errors"), Number(cart, "request_bytes"), Number(cart, "response_bytes")));
        Assert.Equal((0.027, 0.3125), (cart.GetProperty("requests_per_second").GetDouble(), cart.GetProperty("error_ratio").GetDouble()));
        Assert.InRange(Number(cart, "p50_ns"), 900_000, 1_100_000);
        Assert.InRange(Number(cart, "p99_ns"), 9_000_000, 10_000_000);
        Assert.Equal(10_000_000, Number(cart, "max_ns"));
        long[] spark = [.. cart.GetProperty("spark").GetProperty("requests").EnumerateArray().Select(static one => one.GetInt64())];
        Assert.Equal((60, 10, 1, 5), (spark.Length, spark[0], spark[1], spark[59]));
        Assert.Equal(5, cart.GetProperty("spark").GetProperty("errors")[59].GetInt64());
        Assert.Equal((3, JsonValueKind.Null), (Number(answer, "total"), answer.GetProperty("next_offset").ValueKind));
        Assert.Equal(21, Number(answer.GetProperty("totals"), "requests"));
    }

    [Theory]
    [InlineData("", "cart pay backup.service")]
    [InlineData("&sort=name", "backup.service pay cart")]
    [InlineData("&sort=name&order=desc", "cart pay backup.service")]
    [InlineData("&order=asc", "backup.service pay cart")]
    [InlineData("&sort=errors", "cart backup.service pay")]
    [InlineData("&sort=error_ratio", "cart backup.service pay")]
    [InlineData("&sort=p50", "pay cart backup.service")]
    [InlineData("&sort=p99", "pay cart backup.service")]
    [InlineData("&namespace=bank", "pay")]
    [InlineData("&q=", "cart pay backup.service")]
    [InlineData("&q=SHOP", "cart")]
    [InlineData("&q=bank/p", "pay")]
    [InlineData("&q=%22%3Cscript", "")]
    [InlineData("&limit=1", "cart")]
    [InlineData("&limit=1&offset=1", "pay")]
    [InlineData("&offset=3", "")]
    [InlineData("&role=client", "front")]
    public async Task They_are_sorted_filtered_and_paged(string query, string expected)
    {
        await using ApiFixture api = await StartAsync();
        JsonElement answer = await GetAsync(api, "/api/workloads?last=10m" + query);
        Assert.Equal(expected, string.Join(' ', Names(answer)));
        Assert.Equal(query.Contains("limit=1", StringComparison.Ordinal) ? JsonValueKind.Number : JsonValueKind.Null, answer.GetProperty("next_offset").ValueKind);
    }

    [Fact]
    public async Task A_workload_is_told_by_step_route_status_pod_caller_and_callee()
    {
        await using ApiFixture api = await StartAsync();
        JsonElement answer = await GetAsync(api, "/api/workload?workload=cart&namespace=shop&kind=Deployment&last=10m&points=60");
        Assert.Equal(("cart", "shop", "Deployment", 16, 2), (Text(answer, "workload"), Text(answer, "namespace"), Text(answer, "kind"), Number(answer.GetProperty("summary"), "requests"), Number(answer, "routes_total")));
        JsonElement points = answer.GetProperty("points");
        Assert.Equal((NowS - 600, NowS - 10), (points.GetProperty("time_s")[0].GetInt64(), points.GetProperty("time_s")[59].GetInt64()));
        Assert.Equal((10, 0, 5), (points.GetProperty("requests")[0].GetInt64(), points.GetProperty("p99_ns")[30].GetInt64(), points.GetProperty("errors")[59].GetInt64()));
        JsonElement[] routes = [.. answer.GetProperty("routes").EnumerateArray()];
        Assert.Equal(["GET /", "POST /buy"], routes.Select(static one => $"{Text(one, "method")} {Text(one, "route")}"));
        Assert.Equal("{\"0\":1,\"500\":5}", routes[1].GetProperty("statuses").GetRawText());
        Assert.Equal(["web-1", "web-2"], answer.GetProperty("pods").EnumerateArray().Select(static one => Text(one, "pod")));
        JsonElement caller = Assert.Single(answer.GetProperty("callers").EnumerateArray());
        Assert.Equal(("front", "cart", "both", 16), (Text(caller.GetProperty("source"), "workload"), Text(caller.GetProperty("destination"), "workload"), Text(caller, "seen_by"), Number(caller, "requests")));
        JsonElement callee = Assert.Single(answer.GetProperty("callees").EnumerateArray());
        Assert.Equal(("pay", "client", 4), (Text(callee.GetProperty("destination"), "workload"), Text(callee, "seen_by"), Number(callee, "requests")));
    }

    [Fact]
    public async Task The_heat_map_has_every_duration_once()
    {
        await using ApiFixture api = await StartAsync();
        JsonElement heat = (await GetAsync(api, "/api/workload?workload=cart&last=10m&points=60")).GetProperty("heatmap");
        Assert.Equal([500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000, 20_000_000], heat.GetProperty("bounds_ns").EnumerateArray().Select(static one => one.GetInt64()));
        long[][] counts = [.. heat.GetProperty("counts").EnumerateArray().Select(static step => step.EnumerateArray().Select(static one => one.GetInt64()).ToArray())];
        Assert.Equal([0, 10, 0, 0, 0, 0, 0], counts[0]);
        Assert.Equal([0, 0, 0, 0, 0, 5, 0], counts[59]);
        Assert.Equal((60, 15), (counts.Length, counts.Sum(static step => step.Sum())));
    }

    [Fact]
    public async Task What_is_not_known_has_zeros()
    {
        await using ApiFixture api = await StartAsync();
        JsonElement answer = await GetAsync(api, "/api/workload?workload=nobody&last=10m");
        Assert.Equal((0, 0), (Number(answer.GetProperty("summary"), "requests"), Number(answer.GetProperty("summary"), "p99_ns")));
        Assert.Equal(0, answer.GetProperty("heatmap").GetProperty("bounds_ns").GetArrayLength());
        Assert.Equal(0, answer.GetProperty("callers").GetArrayLength());
    }

    [Fact]
    public async Task The_map_joins_what_both_ends_saw()
    {
        await using ApiFixture api = await StartAsync();
        JsonElement map = await GetAsync(api, "/api/map?last=10m");
        Assert.Equal(["bank/Deployment/pay", "shop/Deployment/cart", "shop/Deployment/front"], map.GetProperty("nodes").EnumerateArray().Select(static one => Text(one, "id")));
        Assert.Equal(["shop/Deployment/front shop/Deployment/cart both 16", "shop/Deployment/cart bank/Deployment/pay client 4"],
            map.GetProperty("edges").EnumerateArray().Select(static one => $"{Text(one, "source")} {Text(one, "destination")} {Text(one, "seen_by")} {Number(one, "requests")}"));
        Assert.Equal((16, 4), (Number(map.GetProperty("nodes")[1], "requests"), Number(map.GetProperty("nodes")[0], "requests")));
        Assert.Equal((2, "bank shop"), (Number(map, "edges_total"), string.Join(' ', Texts(map, "namespaces"))));
        JsonElement bank = await GetAsync(api, "/api/map?last=10m&namespace=bank");
        Assert.Equal((1, 16), (bank.GetProperty("edges").GetArrayLength(), Number(bank.GetProperty("nodes")[1], "requests")));
        Assert.Equal((1, 2), ((await GetAsync(api, "/api/map?last=10m&limit=1")).GetProperty("edges").GetArrayLength(), Number(await GetAsync(api, "/api/map?last=10m&limit=1"), "edges_total")));
    }

    [Theory]
    [InlineData("/api/workloads?last=x", "last: 'x' is not a length of time")]
    [InlineData("/api/workloads?last=0", "last: '0' is not a length of time")]
    [InlineData("/api/workloads?last=5m&until=1", "last: ends now")]
    [InlineData("/api/workloads?since=2&until=1", "since: is not before until")]
    [InlineData("/api/workloads?since=2100-01-01T00:00:00Z", "since: lies ahead")]
    [InlineData("/api/workloads?until=soon", "until: 'soon' is no time")]
    [InlineData("/api/workloads?since=0001-01-01", "since: '0001-01-01' is no time")]
    [InlineData("/api/workloads?points=401", "points: '401' is not allowed; allowed is a number from 1 to 400")]
    [InlineData("/api/workloads?points=", "points: '' is not allowed")]
    [InlineData("/api/workloads?sort=size", "sort: 'size' is not allowed; allowed is rate, errors, error_ratio, p50, p90, p99 or name")]
    [InlineData("/api/workloads?role=both", "role: 'both' is not allowed; allowed is server or client")]
    [InlineData("/api/workloads?namespace=", "namespace: is empty")]
    [InlineData("/api/workloads?offset=-1", "offset: '-1'")]
    [InlineData("/api/workloads?namespaces=a", "namespaces: /api/workloads has no such parameter; it has last, since,")]
    [InlineData("/api/workloads?q=a&q=b", "q: is given 2 times")]
    [InlineData("/api/workload", "workload: is needed")]
    [InlineData("/api/map?limit=1001", "limit: '1001'")]
    [InlineData("/api/map?points=3", "points: /api/map has no such parameter")]
    [InlineData("/api/status?verbose=1", "verbose: /api/status has no such parameter; it has none")]
    [InlineData("/api/transactions/stream?stauts=5xx", "stauts: /api/transactions/stream has no such parameter")]
    [InlineData("/api/transactions?slower=1s", "slower: /api/transactions has no such parameter")]
    public async Task A_parameter_that_is_wrong_is_named(string path, string expected)
    {
        await using ApiFixture api = await StartAsync();
        HttpResponseMessage response = await api.Client.GetAsync(path, Stop);
        string problem = Text(JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop)).RootElement, "error");
        Assert.StartsWith(expected, problem, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    private static Workload Make(string name, string pod, string ns = "shop") => new(name, "cgroup") { Kind = "Deployment", Namespace = ns, Pod = pod };

    private static async Task<ApiFixture> StartAsync()
    {
        ApiFixture api = new() { Time = new ManualTime() };
        api.Recent.Add(NowS - 600, s_cart, requests: 10);
        api.Recent.Add(NowS - 590, s_cart, durationNs: -1, method: "POST", route: "/buy", status: 0);
        api.Recent.Add(NowS - 10, s_cart2, durationNs: 10_000_000, requests: 5, errors: 5, method: "POST", route: "/buy", status: 500);
        api.Recent.Add(NowS - 100, s_pay, durationNs: 70_000_000, requests: 4);
        api.Recent.Add(NowS - 100, s_daemon, durationNs: 500_000);
        api.Recent.Add(NowS - 100, s_front, role: "client", requests: 16);
        api.Recent.AddCall(NowS - 100, s_front, s_cart, "server", requests: 16);
        api.Recent.AddCall(NowS - 100, s_front, s_cart, "client", requests: 15);
        api.Recent.AddCall(NowS - 100, s_cart, s_pay, "client", requests: 4);
        await api.StartAsync();
        return api;
    }

    private static async Task<JsonElement> GetAsync(ApiFixture api, string path) => JsonDocument.Parse(await api.Client.GetStringAsync(path, Stop)).RootElement;

    private static string[] Names(JsonElement answer) => [.. answer.GetProperty("workloads").EnumerateArray().Select(static one => Text(one, "workload"))];

    private static string Text(JsonElement of, string name) => of.GetProperty(name).GetString()!;

    private static string[] Texts(JsonElement of, string name) => [.. of.GetProperty(name).EnumerateArray().Select(static one => one.GetString()!)];

    private static long Number(JsonElement of, string name) => of.GetProperty(name).GetInt64();
}
