using System.Diagnostics;
using KubeBpfBox.Bench.Page;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Overhead;

/// <summary>
/// nginx and wrk, each in a namespace, over a bridge: both ends of every request are local sockets, as of two pods of a node. Runs without and
/// with the agent alternate, so that what changes slowly on the machine meets both.
/// </summary>
internal static class OverheadBenchmark
{
    private const int Connections = 64;

    public static void Run(BenchOptions options, CancellationToken stop)
    {
        if (options.OpenPage is not null)
        {
            OpenPage.Require();
        }
        using TemporaryFolder folder = new();
        string script = folder.PathOf("realistic.lua");
        WrkRun.WriteRealisticScript(script);
        using BridgeTopology topology = new();
        using NginxServer nginx = new(topology.Server);
        foreach (string unknown in options.Variants.Where(static name => Variant.All.All(v => v.Name != name)))
        {
            throw new InvalidOperationException($"--variant {unknown}: there are {string.Join(", ", Variant.All.Select(static v => v.Name))}");
        }
        foreach (Variant variant in Variant.All.Where(v => options.Variants.Count == 0 || options.Variants.Contains(v.Name)))
        {
            RunVariant(new Bed(topology, nginx, variant, variant.IsRealistic ? script : null, options), stop);
        }
    }

    /// <summary>Where a variant is measured.</summary>
    private sealed record Bed(BridgeTopology Topology, NginxServer Nginx, Variant Variant, string? Script, BenchOptions Options);

    private static void RunVariant(Bed bed, CancellationToken stop)
    {
        Console.WriteLine();
        Console.WriteLine($"== overhead, {bed.Variant.Name}: wrk -t1 -c{Connections}, {bed.Options.Seconds} s a run, {Environment.ProcessorCount} CPUs");
        WrkRun.Run(bed.Topology, bed.Variant.Path, Connections, 1, bed.Script, stop); // warms nginx, caches and neighbours
        List<Measurement> without = [], with = [];
        Table table = new("pair", "req/s without", "req/s with", "ratio", "us/req without", "us/req with", "agent us/req", "steal %");
        for (int pair = 0; pair < bed.Options.Pairs; pair++)
        {
            for (int half = 0; half < 2; half++)
            {
                bool isWith = (pair + half) % 2 == 1;
                (isWith ? with : without).Add(isWith ? MeasureWith(bed, stop) : Measure(bed, null, stop));
            }
            Measurement a = without[^1], b = with[^1];
            table.Add($"{pair + 1}", a.Wrk.PerSecond.Text(0), b.Wrk.PerSecond.Text(0), (b.Wrk.PerSecond / a.Wrk.PerSecond).Text(3), a.MachineUsPerRequest.Text(), b.MachineUsPerRequest.Text(),
                (b.Agent!.CpuUs / b.ServedByNginx).Text(), $"{a.StealPercent.Text(1)}/{b.StealPercent.Text(1)}");
            Console.Error.Write($"\r{bed.Variant.Name}: pair {pair + 1} of {bed.Options.Pairs} ");
        }
        Console.Error.Write('\r');
        table.Print("Cost");
        PrintSummary(bed, without, with);
        PrintSeen(with);
        PrintMemory(with);
        with[^1].Agent!.Ledger.Print("Ledger of the last run, drained (a few records in flight are those of the question for the ledger itself)");
        MeasureKernel(bed, stop);
    }

    private static Measurement MeasureWith(Bed bed, CancellationToken stop)
    {
        using AgentProcess agent = new(bed.Options, stop);
        AgentProcess.Pause(TimeSpan.FromMilliseconds(300), stop);
        // Long enough for the run; it is closed with it.
        using ChildProcess? browser = bed.Options.OpenPage is { } page ? OpenPage.Start(new Uri(agent.Address, page), bed.Options.Seconds * 2) : null;
        return Measure(bed, agent, stop);
    }

    private static Measurement Measure(Bed bed, AgentProcess? agent, CancellationToken stop)
    {
        long served = bed.Nginx.ReadRequestCount();
        double cpuBefore = agent is null ? 0 : agent.CpuTime.TotalMicroseconds;
        MachineTime before = ProcFiles.ReadMachineTime();
        WrkRun wrk = WrkRun.Run(bed.Topology, bed.Variant.Path, Connections, bed.Options.Seconds, bed.Script, stop);
        if (agent is not null)
        {
            AgentProcess.Pause(TimeSpan.FromMilliseconds(50), stop); // what is in the ring is its work too
        }
        MachineTime machine = ProcFiles.ReadMachineTime() - before;
        double cpuUs = agent is null ? 0 : agent.CpuTime.TotalMicroseconds - cpuBefore;
        served = bed.Nginx.ReadRequestCount() - served;
        if (agent is null)
        {
            return new Measurement(wrk, served, machine, null);
        }
        (long server, long client) = agent.DrainedRequests(stop);
        AgentUse use = new(cpuUs, server, client, agent.Kib("VmRSS"), agent.Kib("VmHWM"), agent.Kib("RssAnon"), agent.Kib("RssFile"), agent.Kib("RssShmem"), agent.ReadLedger());
        return new Measurement(wrk, served, machine, use);
    }

    private static void PrintSummary(Bed bed, List<Measurement> without, List<Measurement> with)
    {
        double usWithout = Figures.Median(without.Select(static m => m.MachineUsPerRequest)), usWith = Figures.Median(with.Select(static m => m.MachineUsPerRequest));
        double agentUs = Figures.Median(with.Select(static m => m.Agent!.CpuUs / m.ServedByNginx));
        double ratio = Figures.Median(with.Zip(without, static (b, a) => b.Wrk.PerSecond / a.Wrk.PerSecond));
        // Each request is observed at two sockets, nginx's and wrk's.
        Table table = new("median", "value", "goal");
        table.Add("throughput with / without", ratio.Text(3), "0.88");
        table.Add("added CPU of the machine, us/request (both ends observed)", (usWith - usWithout).Text(), "");
        table.Add("added CPU of the machine, us/observation", ((usWith - usWithout) / 2).Text(), "3");
        double paired = Figures.Median(with.Zip(without, static (b, a) => b.MachineUsPerRequest - a.MachineUsPerRequest));
        table.Add("the same from the differences within pairs, us/observation", (paired / 2).Text(), "3");
        table.Add("of which the agent's process, us/request", agentUs.Text(), "");
        table.Add("failures (not 2xx/3xx, socket errors)", with.Concat(without).Sum(static m => m.Wrk.Failures).Text(), "0");
        table.Print($"Summary of {bed.Variant.Name} (whatever else runs on the machine counts too: trust pairs whose runs without the agent agree)");
    }

    private static void PrintSeen(List<Measurement> with)
    {
        Table table = new("run", "wrk", "nginx", "seen as server", "seen / nginx", "seen as client", "seen / nginx", "completeness", "unaccounted");
        for (int i = 0; i < with.Count; i++)
        {
            Measurement m = with[i];
            table.Add($"{i + 1}", m.Wrk.Requests.Text(), m.ServedByNginx.Text(), m.Agent!.SeenByServer.Text(), ((double)m.Agent.SeenByServer / m.ServedByNginx).Text(6),
                m.Agent.SeenByClient.Text(), ((double)m.Agent.SeenByClient / m.ServedByNginx).Text(6), m.Agent.Ledger.Completeness.Text(4), m.Agent.Ledger.Stages.Sum(static s => Math.Abs(s.Unaccounted)).Text());
        }
        table.Print($"Requests made and seen (wrk leaves up to {Connections} unfinished at its end; nginx counts them)");
    }

    private static void PrintMemory(List<Measurement> with)
    {
        Table table = new("agent's memory, MiB", "RSS", "peak", "anonymous", "file", "shared (ring, maps)");
        for (int i = 0; i < with.Count; i++)
        {
            AgentUse use = with[i].Agent!;
            table.Add($"run {i + 1}", use.RssKib.Mib(), use.PeakRssKib.Mib(), use.AnonKib.Mib(), use.FileKib.Mib(), use.ShmemKib.Mib());
        }
        table.Print("Memory");
    }

    private static void MeasureKernel(Bed bed, CancellationToken stop)
    {
        using KernelRunTime statistics = new();
        using AgentProcess agent = new(bed.Options, stop);
        long served = bed.Nginx.ReadRequestCount();
        Dictionary<string, (long Ns, long Runs)> before = KernelRunTime.Read(agent.Id).ToDictionary(static p => p.Name, static p => (p.RunNs, p.Runs));
        long started = Stopwatch.GetTimestamp();
        WrkRun.Run(bed.Topology, bed.Variant.Path, Connections, Math.Min(bed.Options.Seconds, 10), bed.Script, stop);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        IReadOnlyList<(string Name, long RunNs, long Runs)> after = KernelRunTime.Read(agent.Id);
        served = bed.Nginx.ReadRequestCount() - served;
        Table table = new("program", "runs/s", "ns/run", "runs/request", "us/request");
        foreach ((string name, long runNs, long runs) in after)
        {
            (long beforeNs, long beforeRuns) = before.GetValueOrDefault(name);
            long ns = runNs - beforeNs, count = runs - beforeRuns;
            table.Add(name, (count / seconds).Text(0), ((double)ns / Math.Max(1, count)).Text(0), ((double)count / served).Text(), (ns / 1000.0 / served).Text());
        }
        table.Print("Kernel programs, in a run of their own with kernel.bpf_stats_enabled=1 (which costs some itself)");
    }
}
