using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Page;

/// <summary>Many workloads that serve so many requests a second together, over kept-alive connections, until it is disposed.</summary>
/// <remarks>
/// A workload is a listening socket that was made while this process was in a cgroup of its own, w0000.service and so on: connections that it accepts stay in
/// that cgroup wherever the process goes. Clients are outside of the watched cgroup, so each request is observed once.
/// </remarks>
internal sealed class ServerCrowd : IDisposable
{
    private static readonly byte[] s_answer = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n");
    private static readonly byte[] s_failure = Encoding.ASCII.GetBytes("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");

    private readonly TestCgroup _cgroup;
    private readonly NetworkNamespace _network = new();
    private readonly List<Socket> _servers = [];
    private readonly List<Socket> _clients = [];
    private readonly Thread _pacer;
    private long _answered;
    private volatile bool _isOver;

    public ServerCrowd(int workloads, int perSecond, string? parentCgroup)
    {
        ProcFiles.RaiseOpenFiles((3 * workloads) + 1000);
        _cgroup = new TestCgroup(parentCgroup);
        _network.Enter(() =>
        {
            for (int i = 0; i < workloads; i++)
            {
                _cgroup.Enter($"w{i:0000}.service");
                Socket listener = New();
                listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                listener.Listen(4);
                _servers.Add(listener);
            }
            _cgroup.Leave();
            _servers.ForEach(listener => _clients.Add(Connect(listener)));
        });
        _pacer = new Thread(() => Pace(perSecond));
        _pacer.Start();
    }

    /// <summary>The cgroup that holds all of them.</summary>
    public string CgroupPath => _cgroup.FolderPath;

    /// <summary>Answers so far.</summary>
    public long Answered => Interlocked.Read(ref _answered);

    public void Dispose()
    {
        _isOver = true;
        _pacer.Join();
        _clients.Concat(_servers).ToList().ForEach(static socket => socket.Dispose());
        _cgroup.Dispose();
        _network.Dispose();
    }

    private static Socket New() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private Socket Connect(Socket listener)
    {
        Socket client = New();
        client.Connect(listener.LocalEndPoint!);
        Socket server = listener.Accept();
        _ = EachReceivedAsync(server, received => server.Send(received.IndexOf("/broken/"u8) >= 0 ? s_failure : s_answer));
        _ = EachReceivedAsync(client, _ => Interlocked.Increment(ref _answered));
        return client;
    }

    /// <summary>Messages are small and never pipelined: each comes whole.</summary>
    private static async Task EachReceivedAsync(Socket socket, ReceivedHandler handle)
    {
        using (socket)
        {
            byte[] buffer = new byte[1024];
            try
            {
                int count;
                while ((count = await socket.ReceiveAsync(buffer).ConfigureAwait(false)) > 0)
                {
                    handle(buffer.AsSpan(0, count));
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The run is over.
            }
        }
    }

    private void Pace(int perSecond)
    {
        Stopwatch watch = Stopwatch.StartNew();
        for (long n = 0; !_isOver; n++)
        {
            double early = ((double)n / perSecond) - watch.Elapsed.TotalSeconds;
            if (early > 0.002)
            {
                Thread.Sleep(TimeSpan.FromSeconds(early));
            }
            string path = n % 97 == 0 ? "broken" : n % 5 == 0 ? "users" : "items";
            _clients[(int)(n % _clients.Count)].Send(Encoding.ASCII.GetBytes($"GET /{path}/{n} HTTP/1.1\r\nHost: crowd.example\r\n\r\n"));
        }
    }

    private delegate void ReceivedHandler(ReadOnlySpan<byte> received);
}
