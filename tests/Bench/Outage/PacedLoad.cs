using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Outage;

/// <summary>So many requests a second on some keep-alive connections, each with a URL of its own, until it is disposed.</summary>
internal sealed class PacedLoad : IDisposable
{
    private const int Connections = 8;

    private readonly List<Thread> _threads = [];
    private long _answered;
    private volatile bool _isOver;
    private volatile string? _failure;

    /// <summary>Starts it.</summary>
    public PacedLoad(BridgeTopology topology, int perSecond)
    {
        Socket[] sockets = new Socket[Connections];
        topology.Client.Enter(() =>
        {
            for (int i = 0; i < Connections; i++)
            {
                sockets[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 10_000 };
                sockets[i].Connect(BridgeTopology.ServerIPv4, 80);
            }
        });
        for (int i = 0; i < Connections; i++)
        {
            int lane = i;
            Thread thread = new(() => Run(sockets[lane], lane, (double)perSecond / Connections));
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Answers so far.</summary>
    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Why it ended by itself; null when it did not.</summary>
    public string? Failure => _failure;

    /// <summary>Ends it; nothing is under way afterwards.</summary>
    public void Dispose()
    {
        _isOver = true;
        _threads.ForEach(static thread => thread.Join());
    }

    private void Run(Socket socket, int lane, double perSecond)
    {
        using (socket)
        {
            byte[] buffer = new byte[16 * 1024];
            Stopwatch watch = Stopwatch.StartNew();
            try
            {
                for (long n = 0; !_isOver; n++)
                {
                    double early = (n / perSecond) - watch.Elapsed.TotalSeconds;
                    if (early > 0.001)
                    {
                        Thread.Sleep(TimeSpan.FromSeconds(early));
                    }
                    socket.Send(Encoding.ASCII.GetBytes($"GET /items/{lane}-{n}?at={n} HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: kubebpfbox-bench\r\n\r\n"));
                    Read(socket, buffer);
                    Interlocked.Increment(ref _answered);
                }
            }
            catch (SocketException e)
            {
                _failure = e.Message;
            }
        }
    }

    /// <summary>One answer: the server's page has a known length.</summary>
    private static void Read(Socket socket, byte[] buffer)
    {
        int length = 0, end = -1;
        while (end < 0 || length < end + 4 + NginxServer.PageBytes)
        {
            int count = socket.Receive(buffer.AsSpan(length));
            if (count == 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }
            length += count;
            end = end < 0 ? buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) : end;
        }
    }
}
