using System.Net;
using System.Net.Sockets;
using System.Text;

namespace KubeBpfBox.Demo.Services;

/// <summary>A program of the old kind: one connection after the other, and hardly any room for those that wait.</summary>
internal static class Search
{
    private const int Backlog = 2;

    /// <summary>Serves until it is told to stop.</summary>
    public static async Task RunAsync(IPAddress address, CancellationToken stop)
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(address, ShopWorkload.Port));
        listener.Listen(Backlog);
        byte[] buffer = new byte[4096];
        while (!stop.IsCancellationRequested)
        {
            using Socket client = await listener.AcceptAsync(stop);
            try
            {
                if (await client.ReceiveAsync(buffer, stop) > 0)
                {
                    await Chance.WorkAsync(12, 0.5, stop);
                    string body = """{"hits":[4711,815,42]}""";
                    await client.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"), stop);
                }
                client.Shutdown(SocketShutdown.Both);
            }
            catch (SocketException)
            {
                // The client gave up; the next one waits.
            }
        }
    }
}
