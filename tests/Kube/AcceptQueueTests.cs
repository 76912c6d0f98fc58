using System.Globalization;
using KubeBpfBox.Kube.Cluster;

namespace KubeBpfBox.Kube;

/// <summary>A server that does not accept: what the kernel refuses is reported, as often as the kernel counts it.</summary>
public sealed class AcceptQueueTests : IDisposable
{
    private const int Port = 9999;
    private const int Backlog = 4;

    private readonly TestNamespace _namespace = new("kbb-queue");
    public void Dispose() => _namespace.Dispose();

    [Fact]
    public void Overflows_name_the_pod_and_add_up_to_what_the_kernel_counted()
    {
        _namespace.Apply(
            Manifests.Pod("listener", "server", ["listener", Text(Port), Text(Backlog)]),
            Manifests.Pod("crowd", "client", Manifests.Idle));
        Pod server = _namespace.Ready("listener").Single();
        Pod client = _namespace.Ready("crowd").Single();
        int processId = server.FindProcess();
        long before = ListenOverflows(processId);
        using Observer observer = _namespace.Observe("no requests");

        client.Exec("connector", server.Address!, Text(Port), "50", "5");

        // Handshakes that were half done go on for a moment.
        long refused = 0, reported = 0;
        Kubectl.Until(
            () =>
            {
                Thread.Sleep(1000);
                long was = refused;
                refused = ListenOverflows(processId) - before;
                reported = observer.Events("tcpsynbl", "listener").Sum(static one => one.GetProperty("count").GetInt64());
                return refused == was && refused == reported && refused > 0;
            },
            () => $"{refused} refusals of the kernel reported, {reported} were: {observer.AllEvents}",
            TimeSpan.FromSeconds(60));
        Assert.InRange(refused, 50 - Backlog - 1, long.MaxValue);
        Assert.All(
            observer.Events("tcpsynbl", "listener"),
            happened =>
            {
                Assert.Equal(Backlog, happened.GetProperty("queue_limit").GetInt64());
                Assert.Equal(Backlog + 1, happened.GetProperty("queue_length").GetInt64());
                Assert.EndsWith(":" + Text(Port), happened.GetProperty("listener").GetString(), StringComparison.Ordinal);
                Assert.Equal("server", happened.GetProperty("workload").GetProperty("container").GetString());
                Assert.Equal("crowd", happened.GetProperty("client_workload").GetProperty("pod").GetString());
            });
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The counter of a process's network namespace (net/ipv4/proc.c).</summary>
    private static long ListenOverflows(int processId)
    {
        string[][] lines = [.. File.ReadLines($"/proc/{processId}/net/netstat").Where(static line => line.StartsWith("TcpExt:", StringComparison.Ordinal)).Select(static line => line.Split(' '))];
        return long.Parse(lines[1][Array.IndexOf(lines[0], "ListenOverflows")], CultureInfo.InvariantCulture);
    }
}
