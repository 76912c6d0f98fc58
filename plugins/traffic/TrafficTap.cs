using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Plugins.Traffic;

/// <summary>The kernel side of the plugin, loaded: programs, maps, links, and what user space tells them.</summary>
/// <remarks>
/// Lifetime: everything in the kernel belongs to this object's descriptors and goes with the process, however it ends.
/// Threads: hints come from the thread that parses; counters may be read by any thread, also after disposal.
/// </remarks>
public sealed class TrafficTap : ITapControl, IDisposable
{
    private const int EgressSlot = 0;
    private const string ReleaseHook = "cgroup/sock_release";

    private static readonly (string Program, string Hook)[] s_programs =
        [("traffic__egress", "cgroup_skb/egress"), ("traffic__ingress", "cgroup_skb/ingress"), ("traffic__release", ReleaseHook)];

    private readonly BpfObject _object;
    private readonly BpfLinks _links = new();
    private readonly List<HookStatus> _hooks = [];
    private readonly MmapArray<TrafficSlot> _slots;
    private readonly MmapArray<TrafficControl> _control;
    private readonly BpfPerCpuArray<TrafficCounters> _counters;
    private readonly Lock _counting = new();
    private TrafficCounters _last;
    private bool _isDisposed;

    private TrafficTap(BpfObject loaded)
    {
        _object = loaded;
        Ring = new RingBufferReader(loaded.Maps["records"]);
        _slots = new MmapArray<TrafficSlot>(loaded.Maps["slots"]);
        _control = new MmapArray<TrafficControl>(loaded.Maps["control"]);
        _counters = new BpfPerCpuArray<TrafficCounters>(loaded.Maps["counters"]);
    }

    /// <summary>The records.</summary>
    internal RingBufferReader Ring { get; }

    /// <summary>What is attached.</summary>
    public IReadOnlyList<HookStatus> Hooks => _hooks;

    /// <summary>Loads the programs; nothing is captured before <see cref="Attach"/>.</summary>
    /// <exception cref="BpfException">The kernel refused; the message says what to do.</exception>
    public static TrafficTap Load(TrafficOptions options)
    {
        try
        {
            return Load(options, withRelease: true);
        }
        catch (BpfException refused)
        {
            // Kernels before 5.10 do not let that hook find a socket's state. What else is wrong shows again in the second try.
            TrafficTap tap = Load(options, withRelease: false);
            tap._hooks.Add(new HookStatus("traffic", ReleaseHook, false,
                $"connections closed by the local end first are remembered until they count as idle: {refused.Message}"));
            return tap;
        }
    }

    private static TrafficTap Load(TrafficOptions options, bool withRelease) => BpfObject.LoadResource(typeof(TrafficTap).Assembly, "traffic.bpf.o", loading =>
    {
        TrafficLayout.Check(loading);
        loading.SetRodata("bytes_per_packet", (uint)options.BytesPerPacket);
        loading.Maps["records"].MaxEntries = options.RingBytes;
        loading.Programs["traffic__release"].AutoLoad = withRelease;
    }, static loaded => new TrafficTap(loaded));

    /// <summary>Starts the capture for every socket of the cgroup and below.</summary>
    /// <exception cref="BpfException">There is no cgroup v2 hierarchy, or the kernel refused.</exception>
    public void Attach(TrafficOptions options)
    {
        string cgroup = options.CgroupPath ?? Cgroup2.FindMountPoint()
            ?? throw new BpfException("no cgroup v2 hierarchy is mounted, and the traffic tap attaches to its root: mount -t cgroup2 none /sys/fs/cgroup/unified (or name a mount in plugins.traffic.cgroup_path)");
        foreach ((string program, string hook) in s_programs)
        {
            if (_object.Programs[program].AutoLoad)
            {
                _links.Add(_object.Programs[program].AttachCgroup(cgroup));
                _hooks.Add(new HookStatus("traffic", hook, true, cgroup));
            }
        }
    }

    /// <summary>Ends the capture; what is in the ring buffer stays readable.</summary>
    public void Detach() => _links.Dispose();

    /// <summary>Packets that could have been records but found the ring buffer full or no memory.</summary>
    public long ReadRefused()
    {
        TrafficCounters now = ReadCounters();
        return (long)(now.RingFull + now.NoStorage);
    }

    /// <summary>The kernel's counters, all CPUs together.</summary>
    internal TrafficCounters ReadCounters()
    {
        lock (_counting)
        {
            return _last = _isDisposed ? _last : _counters.Sum(0);
        }
    }

    /// <summary>Adds the page of the kernel side to the ledger.</summary>
    /// <returns>The stage, whose Out is brought up to date when the ledger is read.</returns>
    public LedgerStage AddTo(Ledger ledger)
    {
        LedgerStage stage = ledger.AddStage("traffic_kernel", "packets");
        Counter ringFull = stage.DropReason("ring_full");
        Counter noSocket = stage.DropReason("no_socket");
        Counter notTcp = stage.DropReason("not_tcp");
        Counter notParsed = stage.DropReason("not_parsed");
        Counter noPayload = stage.DropReason("no_payload");
        Counter ignored = stage.DropReason("ignored");
        Counter unwanted = stage.DropReason("not_wanted");
        Counter overBudget = stage.DropReason("over_budget");
        Counter noStorage = stage.DropReason("no_storage");
        ledger.OnRead(() =>
        {
            TrafficCounters now = ReadCounters();
            stage.In.Value = (long)now.Packets;
            stage.Out.Value = (long)now.Submitted;
            ringFull.Value = (long)now.RingFull;
            noSocket.Value = (long)now.NoSocket;
            notTcp.Value = (long)now.NotTcp;
            notParsed.Value = (long)now.NotParsed;
            noPayload.Value = (long)now.NoPayload;
            ignored.Value = (long)now.Ignored;
            unwanted.Value = (long)now.Unwanted;
            overBudget.Value = (long)now.OverBudget;
            noStorage.Value = (long)now.NoStorage;
        });
        return stage;
    }

    /// <summary>Says whether the agent is about to sleep for long, so that the next record wakes it.</summary>
    internal void SetSleeping(bool sleeping) => Volatile.Write(ref _control[0].Sleeping, sleeping ? 1u : 0u);

    /// <summary>True when the socket was given up: its last records may still be on their way.</summary>
    internal bool IsIgnored(ulong cookie)
    {
        ref TrafficSlot slot = ref SlotOf(cookie);
        return slot.Cookie == cookie && slot.Verdict == TrafficVerdict.Ignore;
    }

    void ITapControl.Capture(Connection connection) => Claim(connection.Id).Verdict = TrafficVerdict.Capture;

    void ITapControl.Ignore(Connection connection) => Claim(connection.Id).Verdict = TrafficVerdict.Ignore;

    void ITapControl.Probe(Connection connection) => Claim(connection.Id).Verdict = TrafficVerdict.Probe;

    void ITapControl.SkipUntil(Connection connection, Side side, uint sequence)
    {
        ref TrafficSlot slot = ref Claim(connection.Id);
        ulong value = (1UL << 32) | sequence;
        Volatile.Write(ref (int)side == EgressSlot ? ref slot.SkipUntilEgress : ref slot.SkipUntilIngress, value);
    }

    /// <summary>The socket's slot, taken from whichever socket had it before.</summary>
    private ref TrafficSlot Claim(ulong cookie)
    {
        ref TrafficSlot slot = ref SlotOf(cookie);
        if (slot.Cookie != cookie)
        {
            // The kernel believes a slot whose cookie fits: no cookie fits while the rest is being written.
            Volatile.Write(ref slot.Cookie, 0);
            slot.SkipUntilEgress = slot.SkipUntilIngress = 0;
            slot.Verdict = TrafficVerdict.Unknown;
            Volatile.Write(ref slot.Cookie, cookie);
        }
        return ref slot;
    }

    private ref TrafficSlot SlotOf(ulong cookie) => ref _slots[(int)(cookie % TrafficLayout.SlotCount)];

    /// <summary>Detaches and unloads.</summary>
    public void Dispose()
    {
        Detach();
        ReadCounters();
        lock (_counting)
        {
            _isDisposed = true;
        }
        _slots.Dispose();
        _control.Dispose();
        Ring.Dispose();
        _object.Dispose();
    }
}
