using System.Globalization;
using System.Net;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Plugins.Traffic;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Traffic;

/// <summary>The programs, maps and links themselves.</summary>
public sealed class KernelSideTests
{
    [Fact]
    public void The_structs_are_those_of_the_object()
    {
        using BpfObject obj = BpfObject.OpenResource(typeof(TrafficTap).Assembly, "traffic.bpf.o");
        TrafficLayout.Check(obj);
    }

    [Fact]
    public void Flags_and_verdicts_are_those_of_the_header()
    {
        Dictionary<string, long> c = File.ReadLines(HeaderPath()).Select(static line => line.Trim().Split([' ', ','], 4))
            .Where(static words => words.Length > 2 && words[0].StartsWith("TRAFFIC_", StringComparison.Ordinal) && words[1] == "=")
            .ToDictionary(static words => words[0], static words => long.Parse(words[2], CultureInfo.InvariantCulture));
        Assert.Equal((long)TrafficFlags.Ingress, c["TRAFFIC_INGRESS"]);
        Assert.Equal((long)TrafficFlags.FromStart, c["TRAFFIC_FROM_START"]);
        Assert.Equal((long)TrafficFlags.Listener, c["TRAFFIC_LISTENER"]);
        Assert.Equal((long)TrafficFlags.StartKnown, c["TRAFFIC_START_KNOWN"]);
        Assert.Equal((long)TrafficFlags.Released, c["TRAFFIC_RELEASED"]);
        Assert.Equal((long)TrafficVerdict.Unknown, c["TRAFFIC_UNKNOWN"]);
        Assert.Equal((long)TrafficVerdict.Capture, c["TRAFFIC_CAPTURE"]);
        Assert.Equal((long)TrafficVerdict.Ignore, c["TRAFFIC_IGNORE"]);
        Assert.Equal((long)TrafficVerdict.Probe, c["TRAFFIC_PROBE"]);
    }

    [Fact]
    public void A_full_ring_refuses_is_counted_and_shows_as_a_gap()
    {
        using TapFixture fixture = new(new() { RingBytes = 64 * 1024 }, start: false);
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        List<byte> sent = [];
        for (int i = 0; i < 60; i++) // stays below what a socket may cost before its protocol is known
        {
            byte[] message = TcpPair.Message(1000, seed: i);
            sent.AddRange(message);
            TcpPair.Transfer(pair.Client, pair.Server, message);
        }
        TrafficCounters full = fixture.Counters;
        Assert.InRange(full.RingFull, 50ul, 80ul);
        Assert.Equal(full.RingFull * 1000, full.RingFullBytes);
        fixture.AssertPacketsBalance();

        fixture.Start();
        Seen client = fixture.At(pair.Client), server = fixture.At(pair.Server);
        byte[] last = TcpPair.Message(500, seed: 1000);
        sent.AddRange(last);
        TcpPair.Transfer(pair.Client, pair.Server, last);
        // Bytes missing at the receiver could still come late: the answer that acknowledges them says that they will not.
        TcpPair.Transfer(pair.Server, pair.Client, TcpPair.Message(10));
        byte[] all = [.. sent];
        foreach ((Seen seen, Side side) in new[] { (client, Side.A), (server, Side.B) })
        {
            fixture.Until(() => seen.DataOf(side).Any(run => run.Bytes.AsSpan().EndsWith(last)), "the last message");
            Assert.True(fixture.Read(() => seen.AssertCovers(side, all)) > 0);
        }
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void Two_taps_see_the_same_traffic()
    {
        using TapFixture one = new();
        using TapFixture other = new(new() { RingBytes = 4 * 1024 * 1024, CgroupPath = one.CgroupPath });
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        byte[] request = TcpPair.Message(3000), answer = TcpPair.Message(2000);
        TcpPair.Transfer(pair.Client, pair.Server, request);
        TcpPair.Transfer(pair.Server, pair.Client, answer);
        one.AssertBothSaw(pair.Client, pair.Server, request, answer);
        other.AssertBothSaw(pair.Client, pair.Server, request, answer);
        one.StopAndAssertLedger();
        TcpPair.Transfer(pair.Client, pair.Server, request);
        other.AssertBothSaw(pair.Client, pair.Server, [.. request, .. request], answer);
        other.StopAndAssertLedger();
    }

    [Fact]
    public void The_default_is_the_root_of_the_hierarchy_and_sees_every_socket()
    {
        using TestCgroup elsewhere = new();
        TrafficOptions options = new() { CgroupPath = Cgroup2.FindMountPoint() };
        using TapFixture fixture = new(options);
        Assert.All(fixture.Tap.Hooks, hook => Assert.True(hook.Attached));
        Assert.Equal(["cgroup_skb/egress", "cgroup_skb/ingress", "cgroup/sock_release"], fixture.Tap.Hooks.Select(static hook => hook.Hook));
        elsewhere.Enter();
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        byte[] request = TcpPair.Message(100);
        TcpPair.Transfer(pair.Client, pair.Server, request);
        fixture.AssertBothSaw(pair.Client, pair.Server, request, []);
    }

    [Fact]
    public void Killing_the_process_leaves_nothing_in_the_kernel_and_traffic_goes_on()
    {
        using TestCgroup cgroup = new();
        string holder = Path.Combine(AppContext.BaseDirectory, "KubeBpfBox.TapHolder.dll");
        using ChildProcess child = ChildProcess.Start("dotnet", holder, "traffic", cgroup.FolderPath);
        child.WaitForText("attached", TimeSpan.FromSeconds(30));
        List<uint> programs = BpfIds(child, "prog_id"), maps = BpfIds(child, "map_id"), links = BpfIds(child, "link_id");
        Assert.True(programs.Count >= 3 && maps.Count >= 5 && links.Count >= 3, $"{programs.Count} programs, {maps.Count} maps, {links.Count} links");
        Assert.Superset(programs.ToHashSet(), KernelIds.Programs().ToHashSet());
        Assert.Superset(links.ToHashSet(), KernelIds.Links().ToHashSet());

        cgroup.Enter();
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(1000));
        child.Signal(9);
        for (int i = 0; i < 100; i++)
        {
            TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(1000));
        }
        child.WaitForExit(TimeSpan.FromSeconds(5));
        Assert.Equal(128 + 9, child.ExitCode);
        // The kernel frees them after a grace period.
        Eventually(() => !KernelIds.Links().Intersect(links).Any(), "no link");
        Eventually(() => !KernelIds.Programs().Intersect(programs).Any(), "no program");
        Eventually(() => !KernelIds.Maps().Intersect(maps).Any(), "no map");
        TcpPair.Transfer(pair.Server, pair.Client, TcpPair.Message(1000));
    }

    private static void Eventually(Func<bool> condition, string what)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 500, $"{what} of the killed process is left: not within 5 s");
            Thread.Sleep(10);
        }
    }

    private static List<uint> BpfIds(ChildProcess child, string key) => [.. ProcFiles.BpfIdsOf(child.Id, key)];

    private static string HeaderPath()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "KubeBpfBox.slnx")))
        {
            folder = folder.Parent;
        }
        return Path.Combine(folder!.FullName, "plugins/traffic/traffic.h");
    }
}
