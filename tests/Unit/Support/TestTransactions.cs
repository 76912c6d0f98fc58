using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Support;

/// <summary>Transactions to feed observers with.</summary>
internal static class TestTransactions
{
    public static readonly Endpoint Local = Endpoint.From([10, 0, 0, 1], 8080);
    public static readonly Endpoint Remote = Endpoint.From([10, 0, 0, 2], 40000);

    public static Transaction Make(
        int status = 200, string method = "GET", string target = "/items/1", string? role = "server", long durationNs = 1_000_000, long startNs = 1_769_860_800_000_000_000,
        string? error = null, string workload = "nginx.service", string protocol = "http")
    {
        Connection connection = Connection.Create(Local, Remote, isLocalSocket: role is not null);
        connection.Workload = new Workload(workload, "cgroup");
        return new Transaction
        {
            Connection = connection,
            Protocol = protocol,
            ClientSide = role == "client" ? Side.A : Side.B,
            StartNs = startNs,
            DurationNs = durationNs,
            TimeToFirstByteNs = durationNs < 0 ? -1 : durationNs / 2,
            Method = Encoding.ASCII.GetBytes(method),
            Target = Encoding.ASCII.GetBytes(target),
            Host = "example.test"u8,
            Version = "1.1",
            Status = status,
            RequestBytes = 100,
            ResponseBytes = 200,
            RequestBodyBytes = 0,
            ResponseBodyBytes = 50,
            Error = error,
        };
    }
}
