using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Support;

/// <summary>Transactions between two workloads.</summary>
internal static class TestCalls
{
    public const long SecondNs = 1_000_000_000;

    public static Workload Deployment(string name, string pod = "1") =>
        new(name, WorkloadSource.Cgroup) { Kind = "Deployment", Namespace = "shop", Pod = $"{name}-{pod}", Container = "app" };

    /// <summary>A connection of a local socket of <paramref name="workload"/>.</summary>
    public static Connection Between(Workload workload, Workload peer)
    {
        Connection connection = Connection.Create(TestTransactions.Local, TestTransactions.Remote, isLocalSocket: true);
        (connection.Workload, connection.Peer) = (workload, peer);
        return connection;
    }

    /// <summary>A request over it, as the server sees it unless told otherwise.</summary>
    public static Transaction Request(Connection connection, string role = "server", int status = 200, string? error = null, long startNs = 0, long durationNs = 1_000_000) => new()
    {
        Connection = connection,
        Protocol = "http",
        ClientSide = role == "client" ? Side.A : Side.B,
        StartNs = startNs,
        DurationNs = durationNs,
        Method = "GET"u8,
        Target = "/items/1"u8,
        Status = status,
        Error = error,
        RequestBytes = 100,
        ResponseBytes = 200,
    };
}
