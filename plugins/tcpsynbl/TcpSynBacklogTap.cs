using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Plugins;

namespace KubeBpfBox.Plugins.Tcpsynbl;

/// <summary>The kernel side, attached: programs, maps, links.</summary>
/// <remarks>
/// Lifetime: everything in the kernel belongs to this object's descriptors and goes with the process, however it ends.
/// Threads: for one at a time.
/// </remarks>
internal sealed class TcpSynBacklogTap : IDisposable
{
    private const string PluginId = "tcpsynbl";
    private const string IngressHook = "cgroup_skb/ingress";
    private const string ReleaseHook = "cgroup/sock_release";

    private readonly BpfObject _object;
    private readonly BpfLinks _links = new();
    private readonly BpfPerCpuArray<TcpSynBacklogCounters> _counters;

    private TcpSynBacklogTap(BpfObject loaded)
    {
        _object = loaded;
        _counters = new BpfPerCpuArray<TcpSynBacklogCounters>(loaded.Maps["counters"]);
        Listeners = new BpfHashMap<ulong, ListenerEntry>(loaded.Maps["listeners"]);
        Reader = new BpfBatchReader<ulong, ListenerEntry>(loaded.Maps["listeners"], locked: true);
    }

    /// <summary>The listeners by their sockets' cookies.</summary>
    public BpfHashMap<ulong, ListenerEntry> Listeners { get; }

    /// <summary>Reads all of them.</summary>
    public BpfBatchReader<ulong, ListenerEntry> Reader { get; }

    /// <summary>Loads and attaches.</summary>
    /// <param name="options">Where, and sizes.</param>
    /// <param name="hooks">What was tried, added to.</param>
    /// <returns>Null when the kernel refused; <paramref name="hooks"/> says why.</returns>
    public static TcpSynBacklogTap? TryAttach(TcpSynBacklogOptions options, List<HookStatus> hooks)
    {
        if ((options.CgroupPath ?? Cgroup2.FindMountPoint()) is not { } cgroup)
        {
            hooks.Add(new HookStatus(PluginId, IngressHook, false, "no cgroup v2 hierarchy is mounted: mount -t cgroup2 none /sys/fs/cgroup/unified"));
            return null;
        }
        TcpSynBacklogTap? tap = null;
        try
        {
            tap = Load(options, out string? releaseRefused);
            tap._links.Add(tap._object.Programs["tcpsynbl__ingress"].AttachCgroup(cgroup));
            hooks.Add(new HookStatus(PluginId, IngressHook, true, cgroup));
            hooks.Add(releaseRefused is null ? tap.AttachRelease(cgroup) : Degraded(releaseRefused));
            return tap;
        }
        catch (BpfException refused)
        {
            tap?.Dispose();
            hooks.Add(new HookStatus(PluginId, IngressHook, false, refused.Message));
            return null;
        }
    }

    /// <summary>The kernel's counters, all CPUs together.</summary>
    public TcpSynBacklogCounters ReadCounters() => _counters.Sum(0);

    /// <summary>Ends the watch; maps stay readable.</summary>
    public void Detach() => _links.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        Detach();
        _object.Dispose();
    }

    private static TcpSynBacklogTap Load(TcpSynBacklogOptions options, out string? releaseRefused)
    {
        releaseRefused = null;
        try
        {
            return Load(options, withRelease: true);
        }
        catch (BpfException refused)
        {
            // That hook may be what this kernel lacks. What else is wrong shows again in the second try.
            releaseRefused = refused.Message;
            return Load(options, withRelease: false);
        }
    }

    private static TcpSynBacklogTap Load(TcpSynBacklogOptions options, bool withRelease) => BpfObject.LoadResource(typeof(TcpSynBacklogTap).Assembly, "tcpsynbl.bpf.o", loading =>
    {
        TcpSynBacklogLayout.Check(loading);
        loading.SetRodata("window_ns", (ulong)options.Window.TotalNanoseconds);
        loading.Maps["listeners"].MaxEntries = options.MaxListeners;
        loading.Programs["tcpsynbl__release"].AutoLoad = withRelease;
    }, static loaded => new TcpSynBacklogTap(loaded));

    private HookStatus AttachRelease(string cgroup)
    {
        try
        {
            _links.Add(_object.Programs["tcpsynbl__release"].AttachCgroup(cgroup));
            return new HookStatus(PluginId, ReleaseHook, true, cgroup);
        }
        catch (BpfException refused)
        {
            return Degraded(refused.Message);
        }
    }

    private static HookStatus Degraded(string why) =>
        new(PluginId, ReleaseHook, false, $"listeners that were closed are shown until they count as quiet: {why}");
}
