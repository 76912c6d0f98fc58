using System.CommandLine;
using KubeBpfBox.Bench;
using KubeBpfBox.Bench.Connections;
using KubeBpfBox.Bench.InfluxDb;
using KubeBpfBox.Bench.Micro;
using KubeBpfBox.Bench.Outage;
using KubeBpfBox.Bench.Overhead;
using KubeBpfBox.Bench.Page;
using KubeBpfBox.Bench.Replay;
using KubeBpfBox.Bench.Scrape;
using KubeBpfBox.Support;

Option<int> seconds = new("--seconds") { Description = "How long each run lasts.", DefaultValueFactory = static _ => 10 };
Option<int> pairs = new("--pairs") { Description = "Pairs of runs without and with the agent.", DefaultValueFactory = static _ => 5 };
Option<string> agent = new("--agent") { Description = "The agent's binary.", DefaultValueFactory = static _ => "bin/kubebpfbox" };
Option<string[]> set = new("--set") { Description = "Setting passed on to the agent (KEY=VALUE); may be given several times.", DefaultValueFactory = static _ => [] };
Option<string[]> variants = new("--variant") { Description = $"Which traffic (overhead): {string.Join(", ", Variant.All.Select(static v => v.Name))}; all unless given.", DefaultValueFactory = static _ => [] };
Option<int> transactions = new("--transactions") { Description = "Transactions recorded at least (replay).", DefaultValueFactory = static _ => 100_000 };
Option<int> idle = new("--idle") { Description = "Keep-alive connections (connections).", DefaultValueFactory = static _ => 10_000 };
Option<int> garbage = new("--garbage") { Description = "Connections that send garbage (connections).", DefaultValueFactory = static _ => 100_000 };
Option<int> outage = new("--outage") { Description = "Seconds that the database is away (outage).", DefaultValueFactory = static _ => 600 };
Option<int> rate = new("--rate") { Description = "Requests a second (outage).", DefaultValueFactory = static _ => 2000 };
Option<int> series = new("--series") { Description = "Series of rate, errors and duration (scrape).", DefaultValueFactory = static _ => 10_000 };
Option<int> workloads = new("--workloads") { Description = "Workloads (page).", DefaultValueFactory = static _ => 1000 };
Option<int> pageRate = new("--page-rate") { Description = "Requests a second, all workloads together (page).", DefaultValueFactory = static _ => 5000 };
Option<string?> openPage = new("--open-page") { Description = "A page of the agent that a real Chromium has open meanwhile, such as /requests (overhead).", HelpName = "PATH" };
Option<bool> isolate = new("--isolate") { Description = "Watch a cgroup made for the benchmark instead of the whole machine, where others make traffic too." };

RootCommand root = new("Benchmarks of kubebpfbox. Needs root; traffic stays in network namespaces of its own.") { seconds, pairs, agent, set, variants, transactions, idle, garbage, series, outage, rate, workloads, pageRate, openPage, isolate };
foreach (Option option in root.Options)
{
    option.Recursive = true;
}

(string Name, string Description, Action<BenchOptions, CancellationToken> Run)[] benchmarks =
[
    ("overhead", "Cost and completeness of the agent beside nginx under wrk.", OverheadBenchmark.Run),
    ("replay", "CPU per transaction of a capture, beside other programs.", ReplayBenchmark.Run),
    ("micro", "Parser, streams and output, one call at a time.", static (_, stop) => MicroBenchmarks.Run(stop)),
    ("scrape", "Cost of a page for Prometheus with many series.", static (options, stop) => ScrapeBenchmark.Run(options.Series, stop)),
    ("influxdb", "A million requests into a real InfluxDB: cost, what arrives, series.", static (_, stop) => InfluxDbBenchmark.Run(stop)),
    ("page", "What an open page costs the agent, and whether the browser keeps up.", PageBenchmark.Run),
    ("connections", "Memory with many connections, idle and hostile.", ConnectionsBenchmark.Run),
    ("outage", "What is in InfluxDB after it was away and the agent was killed meanwhile.", OutageBenchmark.Run),
];
foreach ((string name, string description, Action<BenchOptions, CancellationToken> run) in benchmarks)
{
    Command command = new(name, description);
    command.SetAction((parsed, stop) => Task.Run(() => Guard(Options(parsed), options => run(options, stop)), CancellationToken.None));
    root.Add(command);
}
// But for the outage, which takes a quarter of an hour.
Command all = new("all", "All of them but the outage.");
all.SetAction((parsed, stop) => Task.Run(() => Guard(Options(parsed), options => Array.ForEach(benchmarks[..^1], one => one.Run(options, stop))), CancellationToken.None));
root.Add(all);
// Ctrl-C and SIGTERM cancel; what was made is then taken down by the ordinary way out.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });

BenchOptions Options(ParseResult parsed) => new(
    parsed.GetValue(seconds),
    parsed.GetValue(pairs),
    Path.GetFullPath(parsed.GetValue(agent)!),
    parsed.GetValue(set)!,
    parsed.GetValue(variants)!,
    parsed.GetValue(transactions),
    parsed.GetValue(idle),
    parsed.GetValue(garbage),
    parsed.GetValue(outage),
    parsed.GetValue(rate),
    parsed.GetValue(series),
    parsed.GetValue(workloads),
    parsed.GetValue(pageRate),
    parsed.GetValue(openPage),
    parsed.GetValue(isolate));

static int Guard(BenchOptions options, Action<BenchOptions> action)
{
    try
    {
        if (!options.IsIsolated)
        {
            action(options);
            return 0;
        }
        // All that is started from here on is born in it.
        using TestCgroup cgroup = new();
        cgroup.Enter();
        action(options with { CgroupPath = cgroup.FolderPath });
        return 0;
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("stopped; everything was taken down");
        return 1;
    }
    catch (Exception e) when (e is InvalidOperationException or TimeoutException or IOException)
    {
        Console.Error.WriteLine($"bench: {e.Message}");
        return 1;
    }
}
