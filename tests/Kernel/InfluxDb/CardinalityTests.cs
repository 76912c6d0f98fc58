using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.InfluxDb;

/// <summary>What makes the server's memory grow is the number of series: nothing that clients choose may add to it.</summary>
public sealed class CardinalityTests
{
    private const long FirstNs = 1_770_000_000_000_000_000;

    [Fact]
    public void A_hundred_thousand_urls_and_ports_are_as_many_points_and_one_series_for_each_pod()
    {
        const int Requests = 100_000, Pods = 4;
        using InfluxServer server = new();
        using RunningSink sink = new(server);
        Workload[] pods = [.. Enumerable.Range(0, Pods).Select(static i => new Workload("web", WorkloadSource.Cgroup) { Namespace = "shop", Pod = $"web-{i}", Container = "server" })];
        RedTable red = new();
        for (int i = 0; i < Requests; i++)
        {
            sink.Request(pods[i % Pods], FirstNs + i, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/items/{i}/{Guid.NewGuid()}?q={i}")), clientPort: (ushort)i, red: red);
            if (i % 1000 == 0)
            {
                sink.Pace();
            }
        }
        sink.WaitForOut("log", Requests);
        sink.Sink.OnWindow(new RedWindow(FirstNs, 10_000_000_000, red.TakeWindow()));
        sink.WaitForOut("red", sink.Stage("red").In.Value);
        Assert.Equal(Requests, server.Count("traffic", "url"));
        Assert.Equal(Pods, server.Cardinality("traffic"));
        Assert.Equal((Pods, Requests), (server.Cardinality("red"), server.QueryNumber("SELECT sum(requests) FROM red")));
        Assert.Equal(65_536, server.QueryNumber("SELECT count(distinct(srcport)) FROM traffic"));
    }

    [Fact]
    public void Requests_of_one_nanosecond_are_all_kept()
    {
        const int Requests = 5000;
        using InfluxServer server = new();
        using RunningSink sink = new(server);
        Workload workload = new("web", WorkloadSource.Process);
        // One by one at their time, among those that were moved on from the time before.
        for (int i = 0; i < Requests; i++)
        {
            sink.Request(workload, FirstNs + (i % 3), "/pipelined"u8);
            // Another object of the same names is the same series to the server.
            sink.Request(workload with { ProcessId = 7 }, FirstNs, "/pipelined"u8);
        }
        sink.WaitForOut("log", 2 * Requests);
        Assert.Equal(2 * Requests, server.Count("traffic", "url"));
        Assert.Equal(1, server.Cardinality("traffic"));
    }

    [Fact]
    public void Series_that_differ_in_what_is_no_tag_are_added_up()
    {
        using InfluxServer server = new();
        using RunningSink sink = new(server);
        RedSeriesSnapshot one = Series("Deployment", 200, 3), other = Series("StatefulSet", 200, 4), error = Series("Deployment", 503, 1);
        sink.Sink.OnWindow(new RedWindow(FirstNs, 10_000_000_000, [one, other, error]));
        sink.Sink.OnWindow(new RedWindow(FirstNs + 10_000_000_000, 10_000_000_000, []));
        sink.Dispose();
        Assert.Equal(2, server.Cardinality("red"));
        Assert.Equal(7, server.QueryNumber("SELECT requests FROM red WHERE code = '200'"));
        foreach (string measurement in new[] { "red", "red_pod", "red_workload", "red_route", "red_namespace" })
        {
            Assert.Equal(8, server.QueryNumber($"SELECT sum(requests) FROM {measurement}"));
            Assert.Equal(1, server.QueryNumber($"SELECT sum(errors) FROM {measurement}"));
        }
        Assert.Equal(0.8, server.Query("SELECT qps FROM red_namespace")[0]["qps"].GetDouble());
        Assert.Equal(0.125, server.Query("SELECT errrate FROM red_pod")[0]["errrate"].GetDouble());
        // Both windows tell of the agent, and of each stage of its ledger; none counts itself out of it.
        Assert.Equal(2, server.Count("agent", "completeness"));
        Assert.Equal(3 * 2, server.Count("agent_ledger", "in"));
        Assert.Equal(sink.Stage("red").In.Value, sink.Stage("red").Out.Value);
    }

    private static RedSeriesSnapshot Series(string kind, int status, int requests)
    {
        DurationHistogram duration = new();
        for (int i = 0; i < requests; i++)
        {
            duration.Record(1_000_000 * (i + 1));
        }
        return new RedSeriesSnapshot
        {
            Workload = new Workload("web", WorkloadSource.Cgroup) { Kind = kind, Namespace = "shop", Pod = "web-1" }, Role = "server", Protocol = "http", Method = "GET", Route = "/a b", Status = status,
            ErrorType = status >= 500 ? "503" : null, Count = requests, Errors = status >= 500 ? requests : 0, RequestBytes = 10, ResponseBytes = 20, Duration = duration, IsOverflow = false,
        };
    }
}
