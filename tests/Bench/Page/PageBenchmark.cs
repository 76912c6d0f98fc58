using System.Diagnostics;
using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Page;

/// <summary>What an open page costs the agent, and whether the browser keeps up, with many workloads and many requests.</summary>
internal static class PageBenchmark
{
    public static void Run(BenchOptions options, CancellationToken stop)
    {
        OpenPage.Require();
        Console.WriteLine();
        Console.WriteLine("== page");
        using ServerCrowd crowd = new(options.Workloads, options.PageRate, options.CgroupPath);
        using AgentProcess agent = new(options with { CgroupPath = crowd.CgroupPath }, stop);
        // Charts need some windows of ten seconds, and workloads their names.
        AgentProcess.Pause(TimeSpan.FromSeconds(30), stop);
        Table table = new("page open", "requests/s", "agent CPU, % of one", "RSS, MiB", "longest task, ms", "tasks over 50 ms", "longest gap between frames, ms", "frames/s", "rows", "KiB received");
        table.Add(["none", .. Measure(agent, crowd, () => AgentProcess.Pause(TimeSpan.FromSeconds(options.Seconds), stop)), "", "", "", "", "", ""]);
        foreach ((string name, string path) in ((string, string)[])[("overview", "/"), ("requests, live", "/requests"), ("map", "/map")])
        {
            using ChildProcess browser = OpenPage.Start(new Uri(agent.Address, path), options.Seconds);
            string[] cost = Measure(agent, crowd, () => browser.WaitForExit(TimeSpan.FromSeconds(options.Seconds + 60)));
            if (browser.ExitCode != 0)
            {
                throw new InvalidOperationException($"the browser failed: {browser.Errors}");
            }
            using JsonDocument seen = JsonDocument.Parse(browser.Output.Split('\n')[1]);
            double Of(string key) => seen.RootElement.GetProperty(key).GetDouble();
            table.Add([name, .. cost, Of("longestTaskMs").Text(0), Of("longTasks").Text(0), Of("longestFrameGapMs").Text(0), Of("framesPerSecond").Text(1), Of("rows").Text(0), (Of("receivedBytes") / 1024).Text(0)]);
        }
        table.Print($"{((long)options.Workloads).Text()} workloads, {options.Seconds} s each; a browser that stalls shows it in the longest task and gap");
        agent.ReadLedger().Print("ledger");
    }

    /// <summary>Requests a second, the agent's CPU and memory while something goes on.</summary>
    private static string[] Measure(AgentProcess agent, ServerCrowd crowd, Action during)
    {
        (long answered, TimeSpan cpu) before = (crowd.Answered, agent.CpuTime);
        Stopwatch watch = Stopwatch.StartNew();
        during();
        double elapsed = watch.Elapsed.TotalSeconds;
        return [((crowd.Answered - before.answered) / elapsed).Text(0), (100 * (agent.CpuTime - before.cpu).TotalSeconds / elapsed).Text(1), agent.Kib("VmRSS").Mib()];
    }
}
