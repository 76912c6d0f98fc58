using System.Globalization;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Replay;

/// <summary>CPU per transaction of a capture file, which the benchmark records itself, beside what others need for the same file.</summary>
internal static class ReplayBenchmark
{
    private const int CutTransactions = 10_000;
    private const int Rounds = 3;

    public static void Run(BenchOptions options, CancellationToken stop)
    {
        using TemporaryFolder folder = new();
        string capture = folder.PathOf("http.pcap"), cut = folder.PathOf("cut.pcap");
        Console.WriteLine();
        Console.WriteLine("== replay");
        Record(options, folder, capture, stop);
        long transactions = CountLines(options.AgentPath, capture, folder, "json");
        Console.WriteLine($"{transactions.Text()} transactions in {(new FileInfo(capture).Length / 1024).Mib()} MiB");

        Table table = new("program", "transactions", "CPU s", "us/transaction", "times ours");
        double ours = Add(table, "kubebpfbox replay -o json", transactions, options.AgentPath, ["replay", capture, "-o", "json"], double.NaN, stop);
        Add(table, "kubebpfbox replay -o summary", transactions, options.AgentPath, ["replay", capture, "-o", "summary"], ours, stop);
        if (AptPackages.Find("suricata") is { } suricata)
        {
            Add(table, "suricata (whole capture)", transactions, suricata, ["-r", capture, "-l", folder.FolderPath, "-k", "none"], ours, stop);
        }
        if (AptPackages.Find("tshark") is { } tshark && AptPackages.Find("editcap") is { } editcap)
        {
            // tshark keeps every packet it has seen: a cut shows its cost per transaction without hours and gigabytes.
            long packets = Math.Max(1, Packets(capture) * CutTransactions / Math.Max(CutTransactions, transactions));
            ChildProcess.Run(editcap, "-F", "pcap", "-r", capture, cut, $"1-{packets}");
            long inCut = CountLines(options.AgentPath, cut, folder, "json");
            Add(table, $"kubebpfbox replay -o json (cut, start included)", inCut, options.AgentPath, ["replay", cut, "-o", "json"], ours, stop);
            Add(table, "tshark -Y http -T fields (cut, start included)", inCut, tshark,
                ["-n", "-r", cut, "-Y", "http", "-T", "fields", "-e", "frame.time_epoch", "-e", "ip.src", "-e", "http.request.method", "-e", "http.request.uri", "-e", "http.response.code"], ours, stop);
        }
        table.Print($"CPU (user and system) per transaction, median of {Rounds} runs, output to /dev/null; goal 1.5 us");
    }

    /// <summary>Realistic heads over a few connections, until there are enough of them.</summary>
    private static void Record(BenchOptions options, TemporaryFolder folder, string capture, CancellationToken stop)
    {
        string tcpdump = AptPackages.Require("tcpdump", "tcpdump"), script = folder.PathOf("realistic.lua");
        WrkRun.WriteRealisticScript(script);
        using BridgeTopology topology = new();
        using NginxServer nginx = new(topology.Server);
        using ChildProcess recorder = topology.Client.Start(tcpdump, "-i", "eth0", "-w", capture, "-s", "0", "-B", "131072", "-Z", "root", "tcp", "port", "80");
        recorder.WaitForText("listening on", TimeSpan.FromSeconds(10));
        long made = 0;
        while (made < options.Transactions)
        {
            made += WrkRun.Run(topology, "/", 8, 2, script, stop).Requests;
        }
        AgentProcess.Pause(TimeSpan.FromSeconds(1), stop);
        recorder.Stop(TimeSpan.FromSeconds(20));
        string dropped = recorder.Errors.Split('\n').FirstOrDefault(static line => line.Contains("dropped by kernel", StringComparison.Ordinal)) ?? "";
        Console.WriteLine($"recorded {made.Text()} requests of wrk; tcpdump: {dropped}");
    }

    /// <summary>Runs a program several times and adds the median of its CPU time to the table.</summary>
    /// <returns>Microseconds per transaction.</returns>
    private static double Add(Table table, string name, long transactions, string program, string[] arguments, double ours, CancellationToken stop)
    {
        List<double> seconds = [];
        for (int round = 0; round < Rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            TimeSpan before = ProcFiles.EndedChildrenCpuTime();
            RunQuietly(program, arguments, "/dev/null", stop);
            seconds.Add((ProcFiles.EndedChildrenCpuTime() - before).TotalSeconds);
        }
        double median = Figures.Median(seconds), us = median * 1e6 / transactions;
        table.Add(name, transactions.Text(), median.Text(3), us.Text(), (us / (double.IsNaN(ours) ? us : ours)).Text(1));
        return us;
    }

    /// <summary>Starts through a shell that becomes the program, so that no reader of ours stands at the other end of its output.</summary>
    private static void RunQuietly(string program, string[] arguments, string output, CancellationToken stop)
    {
        using ChildProcess child = ChildProcess.Start("/bin/sh", ["-c", "out=$1; shift; exec \"$@\" >\"$out\"", "sh", output, program, .. arguments]);
        while (!child.HasExited)
        {
            AgentProcess.Pause(TimeSpan.FromMilliseconds(20), stop);
        }
        child.WaitForExit(TimeSpan.FromSeconds(5));
        if (child.ExitCode != 0)
        {
            throw new InvalidOperationException($"'{program} {string.Join(' ', arguments)}' exited with {child.ExitCode}: {child.Errors}");
        }
    }

    private static long CountLines(string agent, string capture, TemporaryFolder folder, string format)
    {
        if (!File.Exists(agent))
        {
            throw new InvalidOperationException($"{agent} is not there: make build, or name it with --agent");
        }
        string lines = folder.PathOf("lines");
        RunQuietly(agent, ["replay", capture, "-o", format], lines, CancellationToken.None);
        long count = File.ReadLines(lines).LongCount();
        File.Delete(lines);
        return count;
    }

    private static long Packets(string capture)
    {
        // "Number of packets:   12345" with -M, -c.
        string output = ChildProcess.Run(AptPackages.Require("capinfos", "wireshark-common"), "-M", "-c", capture);
        string number = output.Split('\n').First(static line => line.StartsWith("Number of packets", StringComparison.Ordinal)).Split(':')[1];
        return long.Parse(number, NumberStyles.Integer | NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
    }
}
