using System.Net.Sockets;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>Whatever clients send: the agent stays, stays small, and says what it dropped.</summary>
[Collection(SharedAgent.Name)]
public sealed class HostileTests(AgentFixture fixture)
{
    private const int MaxGrowthKib = 64 * 1024;

    [Fact]
    public void Memory_is_bounded_whatever_comes()
    {
        using SocketServer sink = new(static socket =>
        {
            byte[] buffer = new byte[64 * 1024];
            while (socket.Receive(buffer) > 0)
            {
            }
        });
        using AgentProcess agent = new(fixture.CgroupPath);
        fixture.Inside(() => Traffic.Get(fixture.Port, "/warm-up"));
        agent.Until(() => agent.Counted("server") > 0, "a first request");
        long before = agent.Process.StatusKib("VmRSS");

        fixture.Inside(() =>
        {
            Garbage(connections: 20_000);
            EndlessHeaders(sink.Port, mebibytes: 32);
            LongTarget(sink.Port, mebibytes: 10);
            return SlowDrip(sink.Port, connections: 500);
        }).ForEach(static socket => socket.Dispose());

        LedgerView ledger = agent.LedgerAtRest();
        long after = agent.Process.StatusKib("VmRSS");
        Assert.True(after - before < MaxGrowthKib, $"{before} KiB before, {after} KiB after");
        Assert.True(ledger["stream"].Dropped("not_recognised") > 0, ledger.Text);
        fixture.Inside(() => Traffic.Get(fixture.Port, "/still-here"));
        agent.Until(() => agent.Series().Any(static series => series.GetProperty("route").GetString() == "/still-here"), "a request after it all");
    }

    private static void Garbage(int connections)
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen(1024);
        int port = ((System.Net.IPEndPoint)listener.LocalEndPoint!).Port;
        byte[] garbage = new byte[512];
        byte[] received = new byte[512];
        for (int i = 0; i < connections; i++)
        {
            Random.Shared.NextBytes(garbage);
            using Socket socket = Traffic.Connect(port);
            // Reset at its end: no port waits for minutes.
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
            using Socket accepted = listener.Accept();
            socket.Send(garbage);
            accepted.Receive(received);
        }
    }

    private static void EndlessHeaders(int port, int mebibytes)
    {
        using Socket socket = Traffic.Connect(port);
        socket.Send("GET /endless HTTP/1.1\r\nHost: h\r\n"u8);
        byte[] lines = [.. Enumerable.Repeat("X-Padding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"u8.ToArray(), 1024).SelectMany(static line => line)];
        for (long sent = 0; sent < mebibytes * 1024L * 1024; sent += lines.Length)
        {
            socket.Send(lines);
        }
    }

    private static void LongTarget(int port, int mebibytes)
    {
        using Socket socket = Traffic.Connect(port);
        socket.Send("GET /"u8);
        byte[] piece = new byte[1024 * 1024];
        piece.AsSpan().Fill((byte)'a');
        for (int i = 0; i < mebibytes; i++)
        {
            socket.Send(piece);
        }
        socket.Send(" HTTP/1.1\r\n\r\n"u8);
    }

    private static List<Socket> SlowDrip(int port, int connections)
    {
        List<Socket> sockets = [.. Enumerable.Range(0, connections).Select(_ => Traffic.Connect(port))];
        foreach (byte one in "GET /drip HTTP/1.1\r\nHost: "u8.ToArray())
        {
            byte[] payload = [one];
            sockets.ForEach(socket => socket.Send(payload));
        }
        return sockets;
    }
}
