using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Plugins.OomKill;
using KubeBpfBox.Plugins.Tcpsynbl;
using KubeBpfBox.Plugins.Traffic;

// Attaches a plugin, named by the first argument, to the cgroup named by the second where it takes one, and sits there until it is killed.
using IDisposable plugin = args[0] switch
{
    "oomkill" => Start(new OomKillPlugin(new Nobody(), new Nobody(), new Ledger())),
    "tcpsynbl" => Start(new TcpSynBacklogPlugin(args[1], new Nobody(), new Nobody(), new Ledger())),
    _ => TapTraffic(args[1]),
};
Console.WriteLine("attached");
Thread.Sleep(Timeout.Infinite);

static TrafficTap TapTraffic(string cgroup)
{
    TrafficOptions options = new() { CgroupPath = cgroup };
    TrafficTap tap = TrafficTap.Load(options);
    tap.Attach(options);
    return tap;
}

static IEventPlugin Start(IEventPlugin plugin)
{
    if (!plugin.Attach())
    {
        throw new InvalidOperationException(string.Join("; ", plugin.Hooks));
    }
    plugin.Start();
    return plugin;
}

internal sealed class Nobody : IWorkloadResolver, INodeEventObserver
{
    public int Generation => 0;

    public Workload Resolve(in OwnerHint hint) => Workload.Unknown;

    public Workload ResolveAddress(Endpoint endpoint, uint networkNamespace) => Workload.Unknown;

    public Workload Refresh(Workload workload) => workload;

    public void OnEvent(NodeEvent happened) => Console.WriteLine(happened);
}
