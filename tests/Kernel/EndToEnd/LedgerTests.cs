using System.Net.Sockets;

namespace KubeBpfBox.Kernel.EndToEnd;

[Collection(SharedAgent.Name)]
public sealed class LedgerTests(AgentFixture fixture)
{
    [Fact]
    public void At_rest_nothing_is_missing_and_what_was_made_was_seen()
    {
        const int Connections = 10, Requests = 50;
        using AgentProcess agent = new(fixture.CgroupPath);
        for (int i = 0; i < Connections; i++)
        {
            using Socket socket = fixture.Inside(() => Traffic.Connect(fixture.Port));
            for (int j = 0; j < Requests; j++)
            {
                Traffic.Exchange(socket, $"GET /made/{j} HTTP/1.1\r\nHost: h\r\n\r\n");
            }
        }
        agent.Until(() => agent.Counted("client") + agent.Counted("server") >= 2 * Connections * Requests, "all transactions");
        LedgerView ledger = agent.LedgerAtRest();
        Assert.Equal(1, ledger.Completeness);
        Assert.Equal((Connections * Requests, Connections * Requests), (agent.Counted("client"), agent.Counted("server")));
        Assert.Equal(2 * Connections * Requests, ledger["red"].In);
        Assert.Equal(2 * Connections * Requests, ledger["sqlite_log"].In);
        Assert.Equal(0, ledger["traffic_kernel"].Dropped("ring_full"));
        Assert.Equal(ledger["traffic_kernel"].Out, ledger["traffic_ring"].In);
    }

    [Fact]
    public void What_a_small_ring_refuses_is_told()
    {
        using Island island = new();
        using AgentProcess agent = new(island.CgroupPath, "plugins.traffic.ring_bytes=64KiB", "sinks.sqlite.enabled=false");
        long before = island.Nginx.ReadRequestCount();
        island.Flood("/10k", connections: 64, seconds: 2);
        long made = island.Nginx.ReadRequestCount() - before;
        LedgerView ledger = agent.LedgerAtRest();
        Assert.True(ledger["traffic_kernel"].Dropped("ring_full") > 0, ledger.Text);
        Assert.InRange(ledger.Completeness, 0, 0.9999);
        Assert.InRange(agent.Counted("server", "GET"), 1, made);
        // Every request that was made and is not counted is known to be missing: that many packets were refused, at least.
        Assert.True(made - agent.Counted("server", "GET") <= ledger["traffic_kernel"].Dropped("ring_full"), $"{made} made, {agent.Counted("server", "GET")} seen: {ledger.Text}");
        // And it goes on as before.
        island.Inside(() => Traffic.Get(island.Port, "/after-the-flood"));
        agent.Until(() => agent.Series().Any(static series => series.GetProperty("route").GetString() == "/after-the-flood"), "a request after the flood");
    }
}
