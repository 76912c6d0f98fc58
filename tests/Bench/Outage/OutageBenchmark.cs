using System.Diagnostics;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Outage;

/// <summary>InfluxDB goes away under load, the agent is killed meanwhile: what is in the database afterwards, and what it cost.</summary>
internal static class OutageBenchmark
{
    private static readonly TimeSpan s_before = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_recovery = TimeSpan.FromMinutes(10);

    public static void Run(BenchOptions options, CancellationToken stop)
    {
        TimeSpan outage = TimeSpan.FromSeconds(options.OutageSeconds);
        using TemporaryFolder folder = new();
        using BridgeTopology topology = new();
        using NginxServer nginx = new(topology.Server);
        using InfluxServer influx = new();
        BenchOptions settings = options with
        {
            Settings = [$"sinks.influxdb.url={influx.Url}", $"sinks.influxdb.database={influx.Database}", $"spool.path={folder.PathOf("spool")}", .. options.Settings],
        };
        Console.WriteLine();
        Console.WriteLine("== outage");
        Table story = new("at", "requests answered", "what", "RSS of the agent, MiB", "spool, MiB");
        Stopwatch watch = Stopwatch.StartNew();
        long maxKib = 0, maxSpool = 0;
        using PacedLoad load = new(topology, options.Rate);
        long unseen = load.Answered;
        AgentProcess agent = new(settings, stop);
        unseen = load.Answered - unseen;
        void Tell(string what) => story.Add($"{watch.Elapsed.TotalSeconds:F0} s", load.Answered.Text(), what, agent.Kib("VmRSS").Mib(), (Size(folder.PathOf("spool")) / 1024).Mib());
        void Wait(TimeSpan time, Func<bool>? isOver = null)
        {
            for (Stopwatch waited = Stopwatch.StartNew(); waited.Elapsed < time && isOver?.Invoke() != true;)
            {
                AgentProcess.Pause(TimeSpan.FromMilliseconds(500), stop);
                maxKib = Math.Max(maxKib, agent.Kib("VmRSS"));
                maxSpool = Math.Max(maxSpool, Size(folder.PathOf("spool")));
                if (load.Failure is { } failure)
                {
                    throw new InvalidOperationException($"the load ended: {failure}");
                }
            }
        }
        try
        {
            Tell("the agent is there");
            Wait(s_before);
            influx.Process!.Signal(9);
            influx.Stop();
            Tell("InfluxDB killed");
            Wait(outage / 2);
            Tell("half of the outage is over");
            LedgerReport first = agent.ReadLedger();
            long before = load.Answered;
            agent.Kill();
            agent.Dispose();
            agent = new(settings, stop);
            long gap = load.Answered - before;
            Tell($"agent killed with SIGKILL and started again; {gap.Text()} requests without one");
            Wait(outage / 2);
            Tell("InfluxDB starts again");
            influx.Start();
            Stopwatch recovery = Stopwatch.StartNew();
            Wait(s_recovery, () => Size(folder.PathOf("spool")) < 64 << 10 && Held(agent) < 3 * options.Rate);
            Tell($"the spool is sent, after {recovery.Elapsed.TotalSeconds:F0} s");
            load.Dispose();
            Wait(TimeSpan.FromSeconds(15));
            LedgerReport last = agent.ReadLedger();
            maxKib = Math.Max(maxKib, agent.Kib("VmHWM"));
            agent.Terminate();
            Tell("the agent ended in order");
            story.Print($"InfluxDB away for {outage.TotalMinutes:F1} minutes at {((long)options.Rate).Text()} requests a second, both ends observed");
            first.Print("Ledger before the agent was killed");
            last.Print("Ledger at the end");
            Report(influx, load.Answered, unseen + gap, maxKib, maxSpool);
        }
        finally
        {
            agent.Dispose();
        }
    }

    private static void Report(InfluxServer influx, long answered, long withoutAgent, long maxKib, long maxSpool)
    {
        long expected = answered - withoutAgent;
        Table table = new("", "server's end", "client's end");
        table.Add("requests answered", answered.Text(), answered.Text());
        table.Add("of them while no agent ran", withoutAgent.Text(), withoutAgent.Text());
        long[] log = [.. s_flows.Select(flow => influx.QueryNumber($"SELECT count(\"duration\") FROM traffic WHERE flow = '{flow}' AND url =~ /^\\/items/"))];
        long[] red = [.. s_flows.Select(flow => influx.QueryNumber($"SELECT sum(requests) FROM red WHERE flow = '{flow}' AND route =~ /^\\/items/"))];
        table.Add(["in the request log", .. log.Select(static n => n.Text())]);
        table.Add(["share of what an agent could see", .. log.Select(n => ((double)n / expected).Text(6))]);
        table.Add(["in the series (sum of requests)", .. red.Select(static n => n.Text())]);
        table.Add(["share of what an agent could see", .. red.Select(n => ((double)n / expected).Text(6))]);
        table.Add("series of traffic / red in the database", influx.Cardinality("traffic").Text(), influx.Cardinality("red").Text());
        table.Add("highest RSS, MiB / largest spool, MiB", maxKib.Mib(), (maxSpool / 1024).Mib());
        table.Print("In the database");
    }

    private static readonly string[] s_flows = ["ingress", "egress"];

    private static long Held(AgentProcess agent) => agent.ReadLedger().Stages.Where(static stage => stage.Name.StartsWith("influxdb_", StringComparison.Ordinal)).Sum(static stage => stage.Held);

    private static long Size(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(static file => file.Length) : 0;
        }
        catch (IOException)
        {
            // A segment went while it was looked at.
            return 0;
        }
    }
}
