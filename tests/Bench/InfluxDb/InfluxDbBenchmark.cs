using System.Buffers.Text;
using System.Diagnostics;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Sinks.InfluxDb;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.InfluxDb;

/// <summary>Requests of many pods, each with a URL and a port of its own, as fast as a real InfluxDB takes them: what they cost, how many arrive, how many series they make.</summary>
internal static class InfluxDbBenchmark
{
    private const int Lines = 1_000_000;
    private const int Pods = 200;
    private const int Windows = 20;
    private const int Chunk = 500;

    // A server that is on the same two processors is slower than we are: more than this is not sent ahead.
    private const int MaxAhead = 12_000;

    private static readonly string[] s_roles = ["ingress", "egress"];
    private static readonly byte[][] s_targets = ["/items/"u8.ToArray(), "/users/7/orders/"u8.ToArray(), "/search?q="u8.ToArray()];

    public static void Run(CancellationToken stop)
    {
        using InfluxServer server = new();
        Ledger ledger = new();
        RedTable red = new(maxSeries: 4096);
        InfluxDbSinkOptions options = new()
        {
            Server = new InfluxDbServer { Url = server.Url, Database = server.Database, Timeout = TimeSpan.FromMinutes(1) }, NodeName = "node1", Version = "bench", Url = ExportedUrl.Full,
        };
        InfluxDbSink sink = new(options, ledger, new ExportLog(Console.Error.WriteLine, Console.Error.WriteLine), () => AgentHealth.Read(1, red.SeriesCount, "bench"));
        using (sink)
        {
            sink.Start();
            LedgerStage log = Stage(ledger, "influxdb_log");
            long started = Stopwatch.GetTimestamp();
            TimeSpan cpuBefore = Environment.CpuUsage.TotalTime;
            (List<double> ns, long allocated) = Write(sink, red, log, stop);
            while (log.Held!() > 0)
            {
                AgentProcess.Pause(TimeSpan.FromMilliseconds(20), stop);
            }
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            double cpuUs = (Environment.CpuUsage.TotalTime - cpuBefore).TotalMicroseconds / Lines;
            Print(seconds, cpuUs, ns, allocated);
        }
        PrintDatabase(server, ledger);
    }

    /// <summary>Passes all transactions; what the waits for the server take is not measured.</summary>
    private static (List<double> Ns, long Allocated) Write(InfluxDbSink sink, RedTable red, LedgerStage log, CancellationToken stop)
    {
        Connection[] ends = [.. Enumerable.Range(0, Pods).Select(static i => EndOf(i))];
        byte[][] targets = [.. s_targets.Select(static target => (byte[])[.. target, .. new byte[10]])];
        long nowNs = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        List<double> ns = [];
        long allocated = 0;
        int at = 0;
        for (int window = 0; window < Windows; window++)
        {
            for (int end = (window + 1) * (Lines / Windows); at < end;)
            {
                stop.ThrowIfCancellationRequested();
                while (log.Held!() > MaxAhead)
                {
                    Thread.Sleep(2);
                }
                red.Enter();
                CountChunk(red, ends, targets, at, nowNs);
                red.Exit();
                long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
                long before = Stopwatch.GetTimestamp();
                CountChunk(sink, ends, targets, at, nowNs);
                ns.Add(Stopwatch.GetElapsedTime(before).TotalNanoseconds / Chunk);
                allocated += GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
                at += Chunk;
            }
            long startNs = (nowNs / 10_000_000_000 * 10_000_000_000) + (window * 10_000_000_000L);
            sink.OnWindow(new RedWindow(startNs, 10_000_000_000, red.TakeWindow()));
        }
        return (ns, allocated);
    }

    private static void CountChunk(ITransactionObserver observer, Connection[] ends, byte[][] targets, int from, long nowNs)
    {
        for (int i = from; i < from + Chunk; i++)
        {
            Connection end = ends[i % Pods];
            int route = i / Pods % s_targets.Length;
            byte[] target = targets[route];
            _ = Utf8Formatter.TryFormat(1_000_000_000 + i, target.AsSpan(target.Length - 10), out _);
            Transaction transaction = new()
            {
                Connection = end,
                Protocol = "http",
                ClientSide = i / (Pods * s_targets.Length) % 2 == 0 ? Side.B : Side.A,
                StartNs = nowNs + (i * 1000L),
                DurationNs = 1_000_000 + (i % 1000 * 1000L),
                TimeToFirstByteNs = 900_000,
                Method = "GET"u8,
                Target = target,
                Host = "shop.example.test"u8,
                Version = "1.1",
                Status = i % 50 == 0 ? 500 : 200,
                RequestBytes = 120,
                ResponseBytes = 2000,
            };
            observer.OnTransaction(in transaction);
        }
    }

    private static Connection EndOf(int i)
    {
        Connection connection = Connection.Create(Endpoint.From([10, 244, 0, (byte)i], 8080), Endpoint.From([10, 244, 1, (byte)i], (ushort)(30_000 + i)), isLocalSocket: true);
        connection.Workload = Pod($"web-{i / 10}", i);
        connection.Peer = Pod($"front-{i / 10}", i);
        return connection;
    }

    private static Workload Pod(string name, int i) => new(name, WorkloadSource.Cgroup)
    {
        Kind = "Deployment", Namespace = "shop", Pod = $"{name}-7f9c5d-{i}", Container = "server", Service = name,
    };

    private static void Print(double seconds, double cpuUs, List<double> ns, long allocated)
    {
        Console.WriteLine();
        Console.WriteLine($"== influxdb, {Lines:N0} requests of {Pods} pods into a real InfluxDB on the same machine");
        Table table = new("what", "value");
        table.Add("lines a second, to the last answer", (Lines / seconds).Text(0));
        table.Add("ns a line on the parse thread, median of 500 each", Figures.Median(ns).Text(0));
        table.Add("the fastest tenth of them", ns.Order().ElementAt(ns.Count / 10).Text(0));
        table.Add("bytes allocated a line on the parse thread", ((double)allocated / Lines).Text(2));
        table.Add("CPU of this process a line, us (compression and series too)", cpuUs.Text(2));
        table.Print("Cost");
    }

    private static void PrintDatabase(InfluxServer server, Ledger ledger)
    {
        Table counts = new("stage", "in", "out", "dropped", "in the database");
        foreach ((string stage, Func<long> count) in new (string, Func<long>)[]
        {
            ("influxdb_log", () => server.Count("traffic", "url")),
            ("influxdb_red", () => PointsOf(server)),
        })
        {
            LedgerStage found = Stage(ledger, stage);
            counts.Add(stage, found.In.Value.Text(), found.Out.Value.Text(), found.Dropped.Sum(static reason => reason.Value.Value).Text(), count().Text());
        }
        counts.Print("Ledger and database");
        long status = 2, flows = s_roles.Length, routes = s_targets.Length;
        Table series = new("measurement", "series", "bound");
        series.Add("traffic: pods x flows", server.Cardinality("traffic").Text(), (Pods * flows).Text());
        series.Add("red: pods x flows x routes x status", server.Cardinality("red").Text(), (Pods * flows * routes * status).Text());
        foreach (string measurement in new[] { "red_pod", "red_workload", "red_route", "red_namespace", "agent", "agent_ledger", "agent_dropped" })
        {
            series.Add(measurement, server.Cardinality(measurement).Text(), "");
        }
        series.Add("sum of requests in red", server.QueryNumber("SELECT sum(requests) FROM red").Text(), ((long)Lines).Text());
        series.Print("Series");
    }

    private static long PointsOf(InfluxServer server) =>
        new[] { "red", "red_pod", "red_workload", "red_route", "red_namespace" }.Sum(measurement => server.Count(measurement, "requests"))
        + server.Count("agent", "completeness") + server.Count("agent_ledger", "in") + server.Count("agent_dropped", "dropped");

    private static LedgerStage Stage(Ledger ledger, string name) => ledger.Stages.Single(stage => stage.Name == name);
}
