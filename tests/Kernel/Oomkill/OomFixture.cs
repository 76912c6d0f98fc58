using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Plugins.OomKill;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Oomkill;

/// <summary>The plugin on one way in, cgroups of a pod, and what was reported of its processes.</summary>
internal sealed class OomFixture : IDisposable
{
    public const string Tracepoint = "raw_tp/mark_victim", Fentry = "fentry/oom_kill_process", Kprobe = "kprobe/oom_kill_process";
    public const string PodUid = "3f2a91c4-5b7d-4e0f-8a16-d2c94be07713";
    public const string ContainerId = "9c1d0e7f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5";
    public const long Mib = 1024 * 1024;

    private static readonly ConcurrentDictionary<string, string?> s_reasons = new();
    private static readonly string s_hungry = Path.Combine(AppContext.BaseDirectory, "hungry");

    private readonly Recorder _recorder = new();
    private readonly Ledger _ledger = new();
    private readonly OomKillPlugin _plugin;
    private readonly TestMemoryCgroup _top = new();
    private readonly TestCgroup? _version2;

    /// <param name="hook">The way in; the test is skipped where the kernel lacks it.</param>
    /// <param name="start">False: nobody reads the records before <see cref="Start"/>.</param>
    /// <param name="ringBytes">0 for the usual size.</param>
    public OomFixture(string hook, bool start = true, int ringBytes = 0)
    {
        _plugin = new OomKillPlugin(_recorder, _recorder, _ledger) { OnlyHook = hook, RingBytes = ringBytes };
        try
        {
            Assert.SkipUnless(WhyNot(hook) is null, WhyNot(hook) ?? "");
            Assert.True(_plugin.Attach(), string.Join("; ", _plugin.Hooks));
            _version2 = TestMemoryCgroup.IsVersion2 ? null : new TestCgroup();
            Pod = _top.Make($"kubepods/burstable/pod{PodUid}");
            Container = _top.Make($"kubepods/burstable/pod{PodUid}/{ContainerId}");
            if (start)
            {
                Start();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Cgroup of the pod.</summary>
    public string Pod { get; } = "";

    /// <summary>Cgroup of its container.</summary>
    public string Container { get; } = "";

    /// <summary>Path of the container's cgroup below the root.</summary>
    public string ContainerPath => $"{_top.Name}/kubepods/burstable/pod{PodUid}/{ContainerId}";

    /// <summary>Path of the pod's.</summary>
    public string PodPath => $"{_top.Name}/kubepods/burstable/pod{PodUid}";

    /// <summary>Id of the version 2 cgroup that the container's processes are in.</summary>
    public ulong CgroupId => ulong.Parse(ChildProcess.Run("stat", "-c", "%i", _version2?.FolderPath ?? Container));

    /// <summary>What the plugin asked about each process.</summary>
    public IReadOnlyList<Owner> Owners => _recorder.Owners;

    public static TheoryData<string> Hooks => [Tracepoint, Fentry, Kprobe];

    /// <summary>Why a kernel has no such way; null when it has. Asked once: in an emulated machine it takes seconds.</summary>
    public static string? WhyNot(string hook) => s_reasons.GetOrAdd(hook, static hook => hook switch
    {
        Fentry => KernelFeatures.Fentry().Reason,
        Kprobe => KernelFeatures.Kprobe().Reason,
        _ => WhyNoTracepoint(),
    });

    private static string? WhyNoTracepoint()
    {
        using Btf kernel = Btf.LoadKernel();
        return kernel.TryGetTracepointArguments("mark_victim", out IReadOnlyList<BtfParameter>? arguments) && arguments[0].TypeName == "struct task_struct *"
            ? null : "this kernel's tracepoint passes no task";
    }

    public void Start() => _plugin.Start();

    /// <summary>Starts a process that takes the given steps in the container; see hungry.c.</summary>
    public ChildProcess Feed(params string[] steps) => FeedIn(Container, steps);

    /// <summary>The same in a cgroup of its own.</summary>
    public ChildProcess FeedIn(string folder, params string[] steps)
    {
        List<string> all = [$"join:{folder}/cgroup.procs"];
        if (_version2 is not null)
        {
            all.Add($"join:{_version2.FolderPath}/cgroup.procs");
        }
        return ChildProcess.Start(s_hungry, [.. all, .. steps]);
    }

    /// <summary>Makes another cgroup below this test's.</summary>
    public string Make(string path) => _top.Make(path);

    /// <summary>Removes all cgroups at once.</summary>
    public void RemoveCgroups() => _top.Dispose();

    /// <summary>Waits for that many kills to be reported.</summary>
    public IReadOnlyList<OomKillEvent> WaitForKills(int count)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (Ours().Count < count)
        {
            Assert.True(_plugin.Trouble is null, _plugin.Trouble);
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{Ours().Count} kills reported, not {count}: {Describe()}");
            Thread.Sleep(5);
        }
        return Ours();
    }

    /// <summary>Ends the plugin: all that was seen has been reported then, and the ledger must hold.</summary>
    /// <returns>The kills of this test's cgroups.</returns>
    public IReadOnlyList<OomKillEvent> Stop()
    {
        _plugin.Dispose();
        _ledger.Refresh();
        Assert.True(Stage.Unaccounted == 0, Describe());
        Assert.Null(_plugin.Trouble);
        return Ours();
    }

    public long Dropped(string reason)
    {
        _ledger.Refresh();
        return Stage.Dropped.Single(pair => pair.Key == reason).Value.Value;
    }

    public LedgerStage Stage => _ledger.Stages.Single(static stage => stage.Name == "oomkill");

    public string Describe() =>
        $"in {Stage.In.Value} out {Stage.Out.Value} {string.Join(' ', Stage.Dropped.Select(static d => $"{d.Key} {d.Value.Value}"))}; {string.Join('\n', _recorder.Events)}";

    /// <summary>Somebody else's kills on this machine are not ours to count.</summary>
    private List<OomKillEvent> Ours() => [.. _recorder.Events.Where(happened => happened.Workload.Name.StartsWith(_top.Name + "/", StringComparison.Ordinal))];

    public void Dispose()
    {
        _plugin.Dispose();
        _top.Dispose();
        _version2?.Dispose();
    }

    /// <summary>A question of the plugin.</summary>
    internal sealed record Owner(ulong CgroupId, string CgroupPath, int ProcessId, string ProcessName);

    /// <summary>Writes down what it is told; a workload's name is its cgroup's path.</summary>
    private sealed class Recorder : IWorkloadResolver, INodeEventObserver
    {
        private readonly Lock _gate = new();
        private readonly List<OomKillEvent> _events = [];
        private readonly List<Owner> _owners = [];

        public int Generation => 0;

        public IReadOnlyList<OomKillEvent> Events
        {
            get
            {
                lock (_gate)
                {
                    return [.. _events];
                }
            }
        }

        public IReadOnlyList<Owner> Owners
        {
            get
            {
                lock (_gate)
                {
                    return [.. _owners];
                }
            }
        }

        public Workload Resolve(in OwnerHint hint)
        {
            Owner owner = new(hint.CgroupId, Encoding.UTF8.GetString(hint.CgroupPath), hint.ProcessId, Encoding.UTF8.GetString(hint.ProcessName));
            lock (_gate)
            {
                _owners.Add(owner);
            }
            return new Workload(owner.CgroupPath, WorkloadSource.Cgroup);
        }

        public Workload ResolveAddress(Endpoint endpoint, uint networkNamespace) => Workload.Unknown;

        public Workload Refresh(Workload workload) => workload;

        public void OnEvent(NodeEvent happened)
        {
            lock (_gate)
            {
                _events.Add(Assert.IsType<OomKillEvent>(happened));
            }
        }
    }
}
