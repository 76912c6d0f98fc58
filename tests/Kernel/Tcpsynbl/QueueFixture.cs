using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Plugins.Tcpsynbl;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Tcpsynbl;

/// <summary>Two network namespaces joined by a bridge, and the plugin on a cgroup into which this process has moved: only our own listeners are seen.</summary>
internal sealed partial class QueueFixture : IWorkloadResolver, INodeEventObserver, IDisposable
{
    private const int SocketLevel = 1, ReusePort = 15, InternetFamily = 2, StreamType = 1, MptcpProtocol = 262;

    private readonly TestCgroup _cgroup = new();
    private readonly long _overflowsBefore;
    private readonly List<Socket> _listeners = [];
    private readonly List<Socket> _clients = [];
    private bool _watching = true;

    public QueueFixture(TcpSynBacklogOptions? options = null)
    {
        _cgroup.Enter();
        try
        {
            Net = new BridgeTopology();
            _overflowsBefore = ReadKernelOverflows();
            Plugin = new TcpSynBacklogPlugin((options ?? new() { PollInterval = TimeSpan.FromMilliseconds(100) }) with { CgroupPath = _cgroup.FolderPath }, this, this, Ledger);
            Assert.True(Plugin.Attach(), string.Join("; ", Plugin.Hooks));
            Plugin.Start();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public BridgeTopology Net { get; } = null!;
    public TcpSynBacklogPlugin Plugin { get; } = null!;
    public Ledger Ledger { get; } = new();
    public TestCgroup Cgroup => _cgroup;

    /// <summary>What was reported, in order.</summary>
    public ConcurrentQueue<AcceptQueueOverflowEvent> Events { get; } = [];

    /// <summary>The cgroups, network namespaces and addresses that were to be named.</summary>
    public ConcurrentQueue<(ulong CgroupId, uint Netns, Endpoint Local)> Asked { get; } = [];

    /// <summary>What the kernel counted in the server's namespace since the beginning.</summary>
    public long KernelOverflows => ReadKernelOverflows() - _overflowsBefore;

    /// <summary>What our program counted.</summary>
    public long Counted
    {
        get
        {
            Ledger.Refresh();
            return Ledger.Stages[0].In.Value;
        }
    }

    /// <summary>What the events so far stand for.</summary>
    public long Reported => Events.Sum(static happened => happened.Count);

    /// <summary>A listener in the server's namespace that nobody accepts from.</summary>
    public Socket Listen(IPAddress address, int backlog, int port = 0, bool reusePort = false, Socket? made = null) => Net.Server.Enter(() =>
    {
        Socket listener = made ?? new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.Equals(IPAddress.IPv6Any))
        {
            listener.DualMode = true;
        }
        if (reusePort)
        {
            listener.SetRawSocketOption(SocketLevel, ReusePort, BitConverter.GetBytes(1));
        }
        _listeners.Add(listener);
        listener.Bind(new IPEndPoint(address, port));
        listener.Listen(backlog);
        return listener;
    });

    /// <summary>A socket of Multipath TCP, which .NET has no name for; null where the kernel has none.</summary>
    public static Socket? MakeMptcp()
    {
        int fd = MakeSocket(InternetFamily, StreamType, MptcpProtocol);
        return fd < 0 ? null : new Socket(new SafeSocketHandle(fd, ownsHandle: true));
    }

    public static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    /// <summary>Clients that begin to connect, all at once, from the client's namespace.</summary>
    public List<Socket> Connect(int count, IPAddress address, int port) => Net.Client.Enter(() =>
    {
        List<Socket> clients = [];
        for (int i = 0; i < count; i++)
        {
            Socket client = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false, LingerState = new LingerOption(true, 0) };
            try
            {
                client.Connect(new IPEndPoint(address, port));
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                // On its way.
            }
            clients.Add(client);
        }
        _clients.AddRange(clients);
        return clients;
    });

    /// <summary>Polls; a test that waits in vain fails with <paramref name="what"/>.</summary>
    public void Until(Func<bool> condition, string what, double seconds = 90)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.Null(Plugin.Trouble);
            Assert.True(watch.Elapsed.TotalSeconds < seconds, $"{what}: not within {seconds} s. {Describe()}");
            Thread.Sleep(5);
        }
    }

    /// <summary>Resets all clients, so that nothing more comes; then events, program and kernel must have the same count and the ledger must balance.</summary>
    public void StopAndAssertEqual()
    {
        Settle();
        Stop();
        Assert.True(Reported == KernelOverflows, $"not the same count. {Describe()}");
        LedgerStage stage = Ledger.Stages[0];
        Assert.Equal((stage.In.Value, 0L, 0L), (stage.Out.Value, stage.Held!(), stage.Unaccounted));
        Assert.All(Events, static happened => Assert.InRange(happened.SynCount, 0, happened.Count));
    }

    /// <summary>Closes every client with a reset and waits until the kernel's count stands still.</summary>
    public void Settle()
    {
        _clients.ForEach(static client => client.Dispose());
        long last = -1;
        for (int quiet = 0; quiet < 10; quiet++)
        {
            long now = KernelOverflows;
            quiet = now == last ? quiet : 0;
            last = now;
            Thread.Sleep(20);
        }
    }

    public void Stop()
    {
        _watching = false;
        Plugin.Dispose();
        Ledger.Refresh();
    }

    public string Describe()
    {
        Ledger.Refresh();
        LedgerStage stage = Ledger.Stages[0];
        return $"kernel {KernelOverflows}, program {stage.In.Value}, reported {Reported} (SYN {Events.Sum(static happened => happened.SynCount)}), held {stage.Held!()}, no room {stage.Dropped[0].Value.Value}";
    }

    public ListenerQueue? QueueOf(Socket listener) => Plugin.Listeners.FirstOrDefault(queue => queue.Listener.Port == PortOf(listener));

    public int Generation => 0;

    public Workload Resolve(in OwnerHint hint)
    {
        Asked.Enqueue((hint.CgroupId, hint.NetworkNamespace, hint.Local));
        return new Workload("server", WorkloadSource.Cgroup);
    }

    public Workload ResolveAddress(Endpoint endpoint, uint networkNamespace) => new($"client {endpoint.Address}", WorkloadSource.Address);

    public Workload Refresh(Workload workload) => workload;

    public void OnEvent(NodeEvent happened) => Events.Enqueue(Assert.IsType<AcceptQueueOverflowEvent>(happened));

    public void Dispose()
    {
        _clients.Concat(_listeners).ToList().ForEach(static socket => socket.Dispose());
        if (_watching)
        {
            Plugin?.Dispose();
        }
        Net?.Dispose();
        _cgroup.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "socket")]
    private static partial int MakeSocket(int family, int type, int protocol);

    private long ReadKernelOverflows() => ReadServer("netstat", "TcpExt:", "ListenOverflows");

    /// <summary>A number of /proc/net/netstat or /proc/net/snmp in the server's namespace: a line of names, then one of numbers.</summary>
    public long ReadServer(string file, string prefix, string name) => Net.Server.Enter(() =>
    {
        string[][] lines = [.. File.ReadLines($"/proc/thread-self/net/{file}").Where(line => line.StartsWith(prefix, StringComparison.Ordinal)).Select(static line => line.Split(' '))];
        return long.Parse(lines[1][Array.IndexOf(lines[0], name)], CultureInfo.InvariantCulture);
    });
}
