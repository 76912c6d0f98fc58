using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Plugins.OomKill;
using KubeBpfBox.Plugins.Traffic;

// Attaches "oomkill", or the traffic tap to the cgroup named by the argument, and sits there until it is killed.
if (args is ["oomkill"])
{
    using OomKillPlugin plugin = new(new Nobody(), new Nobody(), new Ledger());
    Console.WriteLine(plugin.Attach() ? "attached" : string.Join('\n', plugin.Hooks));
    plugin.Start();
    Thread.Sleep(Timeout.Infinite);
}
TrafficOptions options = new() { CgroupPath = args[0] };
using TrafficTap tap = TrafficTap.Load(options);
tap.Attach(options);
Console.WriteLine("attached");
Thread.Sleep(Timeout.Infinite);

internal sealed class Nobody : IWorkloadResolver, INodeEventObserver
{
    public int Generation => 0;

    public Workload Resolve(in OwnerHint hint) => Workload.Unknown;

    public Workload ResolveAddress(Endpoint endpoint, uint networkNamespace) => Workload.Unknown;

    public Workload Refresh(Workload workload) => workload;

    public void OnEvent(NodeEvent happened) => Console.WriteLine(happened);
}
