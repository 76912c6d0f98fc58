using System.Globalization;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Oomkill;

/// <summary>Real kills of real processes in cgroups named like a pod's, on each way in that this kernel has.</summary>
public sealed class KillTests
{
    private const long Mib = OomFixture.Mib;
    private const int Killed = 128 + 9;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Hooks => OomFixture.Hooks;

    [Theory]
    [MemberData(nameof(Hooks))]
    public void A_container_that_outgrows_its_limit(string hook)
    {
        using OomFixture fixture = new(hook);
        TestMemoryCgroup.SetLimit(fixture.Container, 32 * Mib);
        ulong cgroup = fixture.CgroupId;
        DateTimeOffset before = DateTimeOffset.UtcNow;
        using ChildProcess process = fixture.Feed("name:greedy", "adj:123", "uid:4321", "grow");
        fixture.WaitForKills(1);
        DateTimeOffset after = DateTimeOffset.UtcNow;
        process.WaitForExit(s_patience);
        Assert.Equal(Killed, process.ExitCode);

        OomKillEvent kill = Assert.Single(fixture.Stop());
        Assert.Equal(1, TestMemoryCgroup.KillsOf(fixture.Container));
        Assert.Equal(hook, kill.Hook);
        Assert.Equal((process.Id, "greedy", 4321L, 123), (kill.ProcessId, kill.ProcessName, kill.UserId, kill.OomScoreAdj));
        Assert.Equal((process.Id, "greedy"), (kill.TriggerProcessId, kill.TriggerProcessName));
        Assert.Same(kill.Workload, kill.Trigger);
        Assert.Equal(process.Id, kill.ContainerProcessId);
        Assert.Equal(OomScope.Cgroup, kill.Scope);
        Assert.Equal(fixture.ContainerPath, kill.LimitCgroup);
        Assert.Equal(32 * Mib, kill.LimitBytes);
        Assert.InRange(kill.UsageBytes, 31 * Mib, 32 * Mib);
        // The kernel's sums lag by a batch for each CPU, and page tables count against the limit, too.
        Assert.InRange(kill.AnonRssBytes, 26 * Mib, 32 * Mib);
        Assert.Equal(0, kill.SwapBytes);
        Assert.Contains(Figures(kill), ChildProcess.Run("dmesg"), StringComparison.Ordinal);
        Assert.Equal(hook == OomFixture.Tracepoint ? "" : "Memory cgroup out of memory", kill.Message);
        Assert.InRange(kill.TimeNs, before.ToUnixTimeMilliseconds() * 1_000_000, (after.ToUnixTimeMilliseconds() + 1) * 1_000_000);
        Assert.Contains(new OomFixture.Owner(cgroup, fixture.ContainerPath, process.Id, "greedy"), fixture.Owners);
    }

    /// <summary>The kernel's own line of a kill, but for the size of the address space (__oom_kill_process in mm/oom_kill.c).</summary>
    private static string Figures(OomKillEvent kill) => string.Create(CultureInfo.InvariantCulture,
        $" anon-rss:{kill.AnonRssBytes / 1024}kB, file-rss:{kill.FileRssBytes / 1024}kB, shmem-rss:{kill.ShmemRssBytes / 1024}kB, UID:{kill.UserId} pgtables:{kill.PageTableBytes / 1024}kB oom_score_adj:{kill.OomScoreAdj}");

    [Theory]
    [MemberData(nameof(Hooks))]
    public void A_child_is_killed_and_the_containers_main_process_lives_on(string hook)
    {
        using OomFixture fixture = new(hook);
        TestMemoryCgroup.SetLimit(fixture.Container, 24 * Mib);
        using ChildProcess main = fixture.Feed("name:main", "fork", "name:child", "grow");
        main.WaitForText("ended: 9", s_patience);
        OomKillEvent kill = Assert.Single(fixture.Stop());
        Assert.Equal($"{kill.ProcessId} ended: 9\n", main.Output);
        Assert.Equal("child", kill.ProcessName);
        Assert.Equal(fixture.ContainerPath, kill.Workload.Name);
        Assert.False(main.HasExited);
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void The_limit_of_the_pod_is_told_from_that_of_its_container(string hook)
    {
        using OomFixture fixture = new(hook);
        TestMemoryCgroup.SetLimit(fixture.Pod, 24 * Mib);
        TestMemoryCgroup.SetLimit(fixture.Container, 64 * Mib);
        using ChildProcess process = fixture.Feed("grow");
        process.WaitForExit(s_patience);
        OomKillEvent kill = Assert.Single(fixture.Stop());
        Assert.Equal((OomScope.Cgroup, fixture.PodPath, 24 * Mib), (kill.Scope, kill.LimitCgroup, kill.LimitBytes));
        Assert.Equal(fixture.ContainerPath, kill.Workload.Name);
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void Names_are_there_though_the_cgroups_are_gone_before_anybody_reads(string hook)
    {
        using OomFixture fixture = new(hook, start: false);
        TestMemoryCgroup.SetLimit(fixture.Container, 16 * Mib);
        using ChildProcess process = fixture.Feed("name:gone", "grow");
        process.WaitForExit(s_patience);
        fixture.RemoveCgroups();
        Assert.False(Directory.Exists(fixture.Container));
        fixture.Start();
        OomKillEvent kill = Assert.Single(fixture.WaitForKills(1));
        Assert.Equal(("gone", fixture.ContainerPath, fixture.ContainerPath), (kill.ProcessName, kill.Workload.Name, kill.LimitCgroup));
        fixture.Stop();
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void Two_kills_in_a_row_are_two_events(string hook)
    {
        using OomFixture fixture = new(hook);
        TestMemoryCgroup.SetLimit(fixture.Container, 16 * Mib);
        List<int> killed = [];
        for (int i = 0; i < 2; i++)
        {
            using ChildProcess process = fixture.Feed($"name:victim {i}", "grow");
            process.WaitForExit(s_patience);
            killed.Add(process.Id);
        }
        IReadOnlyList<OomKillEvent> kills = fixture.Stop();
        Assert.Equal(killed, kills.Select(static kill => kill.ProcessId));
        Assert.Equal(["victim 0", "victim 1"], kills.Select(static kill => kill.ProcessName));
        Assert.Equal(2, TestMemoryCgroup.KillsOf(fixture.Container));
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void A_process_of_many_threads_is_one_event(string hook)
    {
        using OomFixture fixture = new(hook);
        TestMemoryCgroup.SetLimit(fixture.Container, 32 * Mib);
        using ChildProcess process = fixture.Feed("name:threaded", "threads:16");
        process.WaitForExit(s_patience);
        OomKillEvent kill = Assert.Single(fixture.Stop());
        Assert.Equal((process.Id, "threaded"), (kill.ProcessId, kill.ProcessName));
        Assert.Equal((process.Id, "threaded"), (kill.TriggerProcessId, kill.TriggerProcessName));
        Assert.Equal(process.Id, kill.ContainerProcessId);
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void The_process_id_inside_of_the_container_is_told(string hook)
    {
        using OomFixture fixture = new(hook);
        TestMemoryCgroup.SetLimit(fixture.Container, 16 * Mib);
        using ChildProcess process = fixture.Feed("pidns", "name:inner", "grow");
        process.WaitForText("ended: 9", s_patience);
        OomKillEvent kill = Assert.Single(fixture.Stop());
        Assert.Equal(("inner", 2), (kill.ProcessName, kill.ContainerProcessId));
        Assert.NotEqual(2, kill.ProcessId);
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void Who_asked_for_the_memory_is_told_from_who_was_killed(string hook)
    {
        using OomFixture fixture = new(hook);
        TestMemoryCgroup.SetLimit(fixture.Pod, 32 * Mib);
        string sidecar = fixture.Make($"kubepods/burstable/pod{OomFixture.PodUid}/sidecar");
        using ChildProcess victim = fixture.Feed("name:big", "take:20", "say:full", "wait");
        victim.WaitForText("full", s_patience);
        using ChildProcess trigger = fixture.FeedIn(sidecar, "name:small", "take:16", "leave");
        trigger.WaitForExit(s_patience);
        victim.WaitForExit(s_patience);
        Assert.Equal(Killed, victim.ExitCode);
        // On a busy machine the kernel may not wait for the first victim's memory and go on to the next process: then it counts two, too.
        IReadOnlyList<OomKillEvent> kills = fixture.Stop();
        Assert.Equal(TestMemoryCgroup.KillsOf(fixture.Container) + TestMemoryCgroup.KillsOf(sidecar), kills.Count);
        OomKillEvent kill = kills[0];
        Assert.Equal((victim.Id, "big", fixture.ContainerPath), (kill.ProcessId, kill.ProcessName, kill.Workload.Name));
        Assert.Equal((trigger.Id, "small", $"{fixture.PodPath}/sidecar"), (kill.TriggerProcessId, kill.TriggerProcessName, kill.Trigger.Name));
        Assert.Equal((OomScope.Cgroup, fixture.PodPath), (kill.Scope, kill.LimitCgroup));
        Assert.InRange(kill.AnonRssBytes, 19 * Mib, 22 * Mib);
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void Memory_is_told_by_kind(string hook)
    {
        using OomFixture fixture = new(hook);
        TestMemoryCgroup.SetLimit(fixture.Container, 32 * Mib);
        string file = typeof(object).Assembly.Location;
        long fileBytes = new FileInfo(file).Length;
        using ChildProcess process = fixture.Feed("name:mapped", "shared:12", $"file:{file}", "grow");
        process.WaitForExit(s_patience);
        OomKillEvent kill = Assert.Single(fixture.Stop());
        Assert.InRange(kill.AnonRssBytes, 14 * Mib, 20 * Mib);
        // The kernel counts what is mapped of a file on tmpfs as shared memory.
        bool isShared = new DriveInfo(Path.GetDirectoryName(file)!).DriveFormat is "tmpfs" or "rootfs";
        Assert.InRange(kill.ShmemRssBytes - (isShared ? fileBytes : 0), 11 * Mib, 13 * Mib);
        Assert.InRange(kill.FileRssBytes - (isShared ? 0 : fileBytes), -Mib, Mib);
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void Who_was_exiting_anyway_is_counted_but_not_reported(string hook)
    {
        using OomFixture fixture = new(hook);
        TestMemoryCgroup.SetLimit(fixture.Container, 32 * Mib);
        // Older kernels take a process of one thread for exiting only later (do_group_exit), hence the second one.
        using ChildProcess debugger = fixture.Feed("name:debugger", "traced", "name:leaving", "take:20", "idle", "leave");
        debugger.WaitForText("exits", s_patience);
        using ChildProcess other = fixture.Feed("name:other", "take:16", "leave");
        other.WaitForExit(s_patience);
        Assert.Equal(0, other.ExitCode);
        Assert.Empty(fixture.Stop());
        Assert.Equal(0, TestMemoryCgroup.KillsOf(fixture.Container));
        Assert.True(fixture.Dropped("already_exiting") >= 1, fixture.Describe());
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void A_full_ring_refuses_and_is_counted(string hook)
    {
        using OomFixture fixture = new(hook, start: false, ringBytes: 4096);
        TestMemoryCgroup.SetLimit(fixture.Container, 16 * Mib);
        for (int i = 0; i < 3; i++)
        {
            using ChildProcess process = fixture.Feed("grow");
            process.WaitForExit(s_patience);
        }
        fixture.Start();
        Assert.Single(fixture.Stop());
        Assert.True(fixture.Dropped("ring_full") >= 2, fixture.Describe());
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void A_group_that_dies_as_one_is_an_event_for_each_process(string hook)
    {
        Assert.SkipUnless(TestMemoryCgroup.IsVersion2, "memory.oom.group is of cgroup version 2");
        using OomFixture fixture = new(hook);
        TestMemoryCgroup.SetLimit(fixture.Container, 24 * Mib);
        File.WriteAllText(Path.Combine(fixture.Container, "memory.oom.group"), "1");
        using ChildProcess one = fixture.Feed("name:one", "say:here", "wait"), two = fixture.Feed("name:two", "say:here", "wait");
        one.WaitForText("here", s_patience);
        two.WaitForText("here", s_patience);
        using ChildProcess greedy = fixture.Feed("name:greedy", "grow");
        foreach (ChildProcess each in (ChildProcess[])[one, two, greedy])
        {
            each.WaitForExit(s_patience);
            Assert.Equal(Killed, each.ExitCode);
        }
        IReadOnlyList<OomKillEvent> kills = fixture.Stop();
        Assert.Equal(new[] { one.Id, two.Id, greedy.Id }.Order(), kills.Select(static kill => kill.ProcessId).Order());
        Assert.All(kills, kill => Assert.Equal((OomScope.Cgroup, fixture.ContainerPath, greedy.Id), (kill.Scope, kill.LimitCgroup, kill.TriggerProcessId)));
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void A_limit_lowered_below_what_is_used_is_that_cgroups(string hook)
    {
        Assert.SkipUnless(TestMemoryCgroup.IsVersion2, "version 1 refuses such a limit");
        using OomFixture fixture = new(hook);
        using ChildProcess process = fixture.Feed("name:squeezed", "take:32", "say:full", "wait");
        process.WaitForText("full", s_patience);
        TestMemoryCgroup.SetLimit(fixture.Container, 16 * Mib);
        process.WaitForExit(s_patience);
        OomKillEvent kill = Assert.Single(fixture.Stop());
        Assert.Equal((OomScope.Cgroup, fixture.ContainerPath, 16 * Mib), (kill.Scope, kill.LimitCgroup, kill.LimitBytes));
        Assert.Equal(Environment.ProcessId, kill.TriggerProcessId);
    }

    [Theory]
    [InlineData(OomFixture.Tracepoint)]
    [InlineData(OomFixture.Fentry)] // the kprobe runs the same code
    public void The_memory_of_the_node_runs_out(string hook)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("KUBEBPFBOX_TEST_MAY_EXHAUST_NODE") == "1", "it would kill processes of this machine; tests/Vm runs it");
        using OomFixture fixture = new(hook);
        // A limit that is not reached must not be taken for the cause.
        TestMemoryCgroup.SetLimit(fixture.Container, 64L << 30);
        using ChildProcess process = fixture.Feed("name:greedy", "adj:1000", "grow:64");
        process.WaitForExit(TimeSpan.FromSeconds(200));
        OomKillEvent kill = Assert.Single(fixture.Stop());
        Assert.Equal((process.Id, OomScope.Node, ""), (kill.ProcessId, kill.Scope, kill.LimitCgroup));
        Assert.Equal((-1L, -1L), (kill.LimitBytes, kill.UsageBytes));
        Assert.Equal(fixture.ContainerPath, kill.Workload.Name);
        Assert.True(kill.AnonRssBytes > 200 * Mib, $"{kill.AnonRssBytes} bytes");
        Assert.Equal(hook == OomFixture.Tracepoint ? "" : "Out of memory", kill.Message);
    }
}
