using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.InfluxDb;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.InfluxDb;

/// <summary>What a real server refuses, and when it is away.</summary>
public sealed class ServerTests
{
    private const long FirstNs = 1_770_000_000_000_000_000;
    private static readonly Workload s_web = new("web", WorkloadSource.Process);

    [Fact]
    public void A_user_may_write_once_it_may()
    {
        using InfluxServer server = new(isClosed: true);
        server.Query("CREATE USER writer WITH PASSWORD 'se cret:'");
        using RunningSink unknown = new(RunningSink.To(server) with { Username = "nobody", Password = "x" });
        using RunningSink sink = new(RunningSink.To(server) with { Username = "writer", Password = "se cret:" });
        unknown.Request(s_web, FirstNs, "/unknown"u8);
        sink.Request(s_web, FirstNs, "/"u8);
        AssertTrouble(unknown, "HTTP 401", "set sinks.influxdb.username");
        AssertTrouble(sink, "HTTP 403", "GRANT WRITE ON \"kubebpfbox\"");
        server.Query("GRANT WRITE ON kubebpfbox TO writer");
        sink.WaitForOut("log", 1);
        Assert.Null(sink.Sink.Trouble);
        Assert.Equal(1, server.Count("traffic", "url"));
        Assert.DoesNotContain(sink.Messages.Concat(unknown.Messages), static message => message.Contains("cret", StringComparison.Ordinal));
    }

    [Fact]
    public void A_database_may_be_made_later()
    {
        using InfluxServer server = new(database: null);
        using RunningSink sink = new(new InfluxDbServer { Url = server.Url + "/", Database = "the \"new\" one", RetentionPolicy = "short & sweet" });
        sink.Request(s_web, FirstNs, "/"u8);
        AssertTrouble(sink, "HTTP 404", "CREATE DATABASE");
        server.Query("CREATE DATABASE \"the \\\"new\\\" one\" WITH DURATION INF NAME \"short & sweet\"");
        sink.WaitForOut("log", 1);
        Assert.Equal(1, server.QueryNumber("SELECT count(url) FROM \"the \\\"new\\\" one\".\"short & sweet\".traffic"));
    }

    [Fact]
    public void A_point_that_the_server_refuses_does_not_cost_the_others()
    {
        using InfluxServer server = new();
        server.Query("CREATE RETENTION POLICY hour ON kubebpfbox DURATION 1h REPLICATION 1 DEFAULT");
        using RunningSink sink = new(server);
        long nowNs = NowNs();
        for (int i = 0; i < 100; i++)
        {
            sink.Request(s_web, i % 3 == 0 ? FirstNs + i : nowNs + i, "/"u8);
        }
        SpinUntil(() => sink.Stage("log") is { } stage && stage.Held!() == 0);
        Assert.Equal(66, server.Count("traffic", "url"));
        Assert.Equal(66, sink.Stage("log").Out.Value);
        Assert.Equal(0, sink.Stage("log").Unaccounted);
        Assert.Contains(sink.Messages, static message => message.Contains("points beyond retention policy dropped=", StringComparison.Ordinal));
    }

    [Fact]
    public void A_restart_under_load_loses_nothing()
    {
        const int Requests = 60_000;
        using TemporaryFolder folder = new();
        using InfluxServer server = new();
        ExportOptions export = new()
        {
            SpoolPath = folder.PathOf("spool"), FirstPause = TimeSpan.FromMilliseconds(50), MaxPause = TimeSpan.FromMilliseconds(200), SpoolBytesPerSecond = 64 << 20,
        };
        using RunningSink sink = new(RunningSink.To(server), export, batchBytes: 64 * 1024);
        Thread operation = new(() =>
        {
            Thread.Sleep(300);
            server.Stop();
            Thread.Sleep(1000);
            server.Start();
        });
        operation.Start();
        // What is older than a day is given up.
        long nowNs = NowNs();
        for (int i = 0; i < Requests; i++)
        {
            sink.Request(s_web, nowNs + (i * 1000L), "/under/load"u8);
            if (i % 300 == 0)
            {
                Thread.Sleep(10);
            }
        }
        operation.Join();
        sink.WaitForOut("log", Requests);
        Assert.Equal(Requests, server.Count("traffic", "url"));
        Assert.Equal(Requests, sink.Stage("log").Out.Value);
        Assert.Null(sink.Sink.Trouble);
    }

    private static long NowNs() => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;

    private static void AssertTrouble(RunningSink sink, params string[] parts)
    {
        SpinUntil(() => sink.Sink.Trouble is not null);
        Assert.All(parts, part => Assert.Contains(part, sink.Sink.Trouble, StringComparison.Ordinal));
    }

    private static void SpinUntil(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)));
}
