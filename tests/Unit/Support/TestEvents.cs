using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Unit.Support;

/// <summary>Events to feed observers with.</summary>
internal static class TestEvents
{
    public static Workload Pod(string pod) => new("web", WorkloadSource.Cgroup)
    {
        Kind = "Deployment", Namespace = "shop", Pod = pod, PodUid = "79b74499-0514-4575-8962-d28ec9d84c5b", Container = "server", ContainerId = "8b534f7f", Node = "node1",
    };

    public static OomKillEvent Kill(long timeNs, string pod) => new()
    {
        TimeNs = timeNs, Workload = Pod(pod), ProcessId = 4711, ContainerProcessId = 1, ProcessName = "java", TriggerProcessId = 4712, TriggerProcessName = "GC\u001b[2J",
        Trigger = Pod(pod), Scope = OomScope.Container, LimitCgroup = "kubepods/burstable/pod1/8b534f7f", LimitBytes = 64 << 20, UsageBytes = 64 << 20, AnonRssBytes = 60 << 20,
        FileRssBytes = 1 << 20, ShmemRssBytes = 0, OomScoreAdj = -997, Message = "Memory cgroup out of memory", Hook = "raw_tp/mark_victim", UserId = 1000,
    };

    public static AcceptQueueOverflowEvent Overflow(long timeNs, string pod) => new()
    {
        TimeNs = timeNs, Workload = Pod(pod), Listener = Endpoint.From([10, 244, 0, 9], 8080), NetworkNamespace = 4026532500, QueueLength = 5, QueueLimit = 4,
        Client = Endpoint.From([10, 244, 0, 7], 40000), ClientWorkload = Workload.Unknown, Count = 17, SynCount = 16,
    };
}
