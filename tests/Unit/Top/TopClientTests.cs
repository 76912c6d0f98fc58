using KubeBpfBox.Agent;
using KubeBpfBox.Agent.Top;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Unit.Api;
using KubeBpfBox.Unit.InfluxDb;
using KubeBpfBox.Unit.Support;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Unit.Top;

/// <summary>The client of <c>top</c> against the real host, and against one that answers what no agent does.</summary>
public sealed class TopClientTests
{
    /// <summary>What <see cref="ManualTime"/> begins with.</summary>
    private const long NowS = 1_769_860_800;

    private static readonly Workload s_cart = new("cart", "cgroup") { Namespace = "shop", Kind = "Deployment", Pod = "cart-1" };
    private static readonly Workload s_front = new("front", "cgroup") { Namespace = "shop", Kind = "Deployment", Pod = "front-1" };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_api_s_answers_are_read()
    {
        await using ApiFixture api = new() { Time = new ManualTime() };
        api.Recent.Add(NowS - 20, s_cart, durationNs: 2_000_000, requests: 8);
        api.Recent.Add(NowS - 10, s_cart, durationNs: 9_000_000, requests: 2, errors: 2, method: "POST", route: "/buy", status: 500);
        api.Recent.Add(NowS - 10, new Workload("nginx.service", "cgroup"));
        api.Recent.AddCall(NowS - 20, s_front, s_cart, "server", requests: 8);
        await api.StartAsync();
        using TopClient client = new(api.Url, null);
        TopQuery query = new() { Sort = "error_ratio" };

        TopData table = await client.WorkloadsAsync(query, 100, 60, Stop);
        Assert.Equal("node-1", table.Status.Node);
        Assert.Equal((2, "shop"), (table.Workloads!.Total, Assert.Single(table.Workloads.Namespaces)));
        Assert.Equal(["cart", "nginx.service"], table.Workloads.Workloads.Select(static row => row.Workload));
        TopRow cart = table.Workloads.Workloads[0];
        Assert.Equal(("shop/cart", "Deployment", 10L, 2L, 0.2), (cart.Who.FullName, cart.Kind, cart.Requests, cart.Errors, cart.ErrorRatio));
        Assert.InRange(cart.P50Ns, 1_800_000, 2_200_000);
        Assert.Equal(10, cart.Spark!.Requests.Sum());
        Assert.Equal(11, table.Workloads.Totals.Requests);

        TopDetail detail = (await client.WorkloadAsync(query, cart.Who, 60, Stop)).Detail!;
        Assert.Equal(["GET /", "POST /buy"], detail.Workload.Routes.Select(static route => $"{route.Method} {route.Route}").Order());
        Assert.Equal("cart-1", Assert.Single(detail.Workload.Pods).Pod);
        Assert.Equal("shop/front", Assert.Single(detail.Workload.Callers).Source.FullName);
        Assert.Equal((10, 2), (detail.Workload.Points.Requests.Sum(), detail.Workload.Points.Errors.Sum()));
        // No store here: no events are kept.
        Assert.Null(detail.Events);

        Assert.Equal(2, (await client.RawWorkloadsAsync(query, 100, 60, Stop)).Count);
    }

    [Fact]
    public async Task Every_key_asks_what_the_api_takes()
    {
        await using ApiFixture api = new() { Time = new ManualTime() };
        api.Recent.Add(NowS - 20, s_cart);
        await api.StartAsync();
        using TopClient client = new(api.Url, null);
        TopModel model = TopSamples.Model(TopSamples.Row("cart"));
        foreach (char key in "sssssss<rncc+++++++-----/a%&é")
        {
            model.Press(new TerminalKey(TerminalKeyKind.Character, new System.Text.Rune(key)));
            Assert.NotNull((await client.WorkloadsAsync(model.Query, model.WantedRows, TopScreen.Points, Stop)).Workloads);
        }
    }

    [Fact]
    public async Task A_missing_token_and_what_is_no_agent_are_told_in_one_line()
    {
        await using ApiFixture api = new();
        await api.StartAsync("0.0.0.0:0");
        using TopClient stranger = new(api.Url, null);
        Assert.Contains("asks for a token; give it with --token", (await Assert.ThrowsAsync<AgentException>(() => stranger.WorkloadsAsync(new TopQuery(), 1, 1, Stop))).Message, StringComparison.Ordinal);
        using TopClient known = new(api.Url, ApiFixture.Token);
        Assert.NotNull((await known.WorkloadsAsync(new TopQuery(), 1, 1, Stop)).Workloads);

        AgentException refused = await Assert.ThrowsAsync<AgentException>(() => known.WorkloadsAsync(new TopQuery { Role = "both" }, 1, 1, Stop));
        Assert.Contains("role: ", refused.Message, StringComparison.Ordinal);

        await using ScriptedServer server = await ScriptedServer.StartAsync();
        using TopClient lost = new(new Uri(server.Url), null);
        foreach (string answer in (string[])["", "null", "[]", "{", "{\"node\":1}", "<html>", """{"node":"n","uptime_s":1}"""])
        {
            server.Say(200, answer);
            Assert.EndsWith("is that a kubebpfbox agent of this version?", (await Assert.ThrowsAsync<AgentException>(() => lost.WorkloadsAsync(new TopQuery(), 1, 1, Stop))).Message, StringComparison.Ordinal);
        }
        server.Say(404);
        Assert.Contains("answers 404 to /api/", (await Assert.ThrowsAsync<AgentException>(() => lost.WorkloadsAsync(new TopQuery(), 1, 1, Stop))).Message, StringComparison.Ordinal);
        server.Say(503);
        await Assert.ThrowsAsync<HttpRequestException>(() => lost.WorkloadsAsync(new TopQuery(), 1, 1, Stop));
        // Control characters of a refusal do not reach the terminal either.
        server.Answer = static context =>
        {
            context.Response.StatusCode = 400;
            return context.Response.WriteAsync("{\"error\":\"\\u001b[2J no\"}");
        };
        Assert.EndsWith(" refuses: ?[2J no", (await Assert.ThrowsAsync<AgentException>(() => lost.WorkloadsAsync(new TopQuery(), 1, 1, Stop))).Message, StringComparison.Ordinal);
    }
}
