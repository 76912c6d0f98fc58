using System.Net.Sockets;
using System.Text.Json;
using KubeBpfBox.Kernel.EndToEnd;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.InfluxDb;

/// <summary>The agent as users start it, in front of a real server.</summary>
[Collection(SharedAgent.Name)]
public sealed class AgentTests(AgentFixture fixture)
{
    [Fact]
    public void Requests_are_points_within_seconds_and_agree_with_the_ledger()
    {
        const int Requests = 40;
        using InfluxServer server = new();
        using TemporaryFolder spool = new();
        using AgentProcess agent = WithAddress(server.Url, () => new(fixture.CgroupPath, "sinks.influxdb.database=kubebpfbox", "node.name=node one", $"spool.path={spool.PathOf("spool")}"));
        fixture.Inside(() => ChildProcess.Run(AptPackages.Require("curl", "curl"), "-s", $"http://127.0.0.1:{fixture.Port}/by/curl?secret=1", "-o", "/dev/null"));
        using (Socket socket = fixture.Inside(() => EndToEnd.Traffic.Connect(fixture.Port)))
        {
            for (int i = 0; i < Requests; i++)
            {
                EndToEnd.Traffic.Exchange(socket, $"GET /made/{i} HTTP/1.1\r\nHost: h\r\n\r\n");
            }
        }
        agent.Until(() => server.Count("traffic", "url") == 2 * (Requests + 1), "points of all requests");
        Assert.Equal(2 * (Requests + 1), agent.LedgerAtRest()["influxdb_log"].Out);
        IReadOnlyDictionary<string, JsonElement> curl = server.Query("SELECT * FROM traffic WHERE url = '/by/curl' AND flow = 'ingress'").Single();
        Assert.Equal(("node one", "http", "GET", 200), (curl["nodename"].GetString(), curl["type"].GetString(), curl["method"].GetString(), curl["code"].GetInt32()));
        Assert.Equal(("127.0.0.1", fixture.Port), (curl["dstip"].GetString(), curl["dstport"].GetInt32()));
        Assert.InRange(curl["duration"].GetDouble(), 0.001, 10_000);
        Assert.Equal(0, agent.Stop());
        // What the open window has is written at the end.
        Assert.Equal(2 * (Requests + 1), server.QueryNumber("SELECT sum(requests) FROM red"));
        Assert.Equal(2 * (Requests + 1), server.QueryNumber("SELECT sum(requests) FROM red_workload"));
        Assert.Equal(Requests, server.QueryNumber("SELECT sum(requests) FROM red WHERE route = '/made/{id}' AND flow = 'egress'"));
        Assert.True(server.Count("agent", "completeness") > 0);
        Assert.Contains(server.Query("SHOW TAG VALUES FROM agent_ledger WITH KEY = stage"), static row => row["value"].GetString() == "influxdb_log");
    }

    [Fact]
    public void The_queries_of_the_readme_are_answered()
    {
        using InfluxServer server = new();
        string[] lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "influxdb.README.md"));
        string[] queries = [.. lines.Where(static line => line.StartsWith("SELECT ", StringComparison.Ordinal))];
        Assert.InRange(queries.Length, 5, 20);
        Assert.All(queries, query => Assert.Empty(server.Query(query)));
    }

    [Fact]
    public void Settings_that_make_no_address_are_told_in_one_line()
    {
        (int exitCode, _, string errors) = AgentProcess.Run("run", "--set", "sinks.influxdb.url=http://127.0.0.1:1", "--set", "sinks.sqlite.enabled=false", "--set", "sinks.influxdb.token=SECRET");
        Assert.NotEqual(0, exitCode);
        Assert.Contains("sinks.influxdb.bucket: is not set", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", errors, StringComparison.Ordinal);
    }

    /// <summary>A process has the environment of the one that starts it.</summary>
    private static AgentProcess WithAddress(string url, Func<AgentProcess> start)
    {
        Environment.SetEnvironmentVariable("INFLUX_ADDR", url);
        try
        {
            return start();
        }
        finally
        {
            Environment.SetEnvironmentVariable("INFLUX_ADDR", null);
        }
    }
}
