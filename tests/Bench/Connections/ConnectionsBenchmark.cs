using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Connections;

/// <summary>The agent's memory with many connections: idle ones that are kept, and ones that mean harm.</summary>
internal static class ConnectionsBenchmark
{
    private const int SlowConnections = 2_000;
    private static readonly byte[] Request = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: idle.example.com\r\nUser-Agent: kubebpfbox-bench\r\n\r\n");

    public static void Run(BenchOptions options, CancellationToken stop)
    {
        ProcFiles.RaiseOpenFiles(options.IdleConnections + SlowConnections + 1000);
        using BridgeTopology topology = new();
        topology.Client.Sysctl("ipv4/ip_local_port_range", "1024 65535");
        topology.Server.Sysctl("core/somaxconn", "4096");
        // nginx is born in a cgroup of its own, so that an agent can be told to watch its sockets alone.
        using TestCgroup servers = new(options.CgroupPath);
        servers.Enter();
        using NginxServer nginx = new(topology.Server, maxConnections: options.IdleConnections + SlowConnections + 1000);
        servers.Leave();
        Console.WriteLine();
        Console.WriteLine("== connections");
        Scenario($"{options.IdleConnections.Text()} idle keep-alive connections, a trickle of requests; only the servers' sockets watched (goal: RSS 48 MiB)",
            options with { CgroupPath = servers.FolderPath }, snapshot => Idle(topology, options, snapshot, stop), stop);
        Scenario($"the same, both ends watched: {(2 * options.IdleConnections).Text()} sockets", options,
            snapshot => Idle(topology, options, snapshot, stop), stop);
        Scenario($"{options.GarbageConnections.Text()} connections one after the other that send garbage", options,
            snapshot => Garbage(topology, options.GarbageConnections, snapshot, stop), stop);
        Scenario($"one connection that sends header bytes without end for {options.Seconds} s", options,
            snapshot => EndlessHeader(topology, options.Seconds, snapshot, stop), stop);
        Scenario($"{SlowConnections.Text()} connections that send a header byte by byte for {options.Seconds} s", options,
            snapshot => SlowHeaders(topology, options.Seconds, snapshot, stop), stop);
    }

    private static string Text(this int value) => ((long)value).Text();

    /// <summary>Runs something beside a fresh agent and prints what became of the agent.</summary>
    private static void Scenario(string title, BenchOptions options, Func<Action, string> load, CancellationToken stop)
    {
        using AgentProcess agent = new(options, stop);
        long atStart = agent.Kib("VmRSS"), maxKib = 0, full = 0, anon = 0, file = 0, shared = 0;
        TimeSpan cpuBefore = agent.CpuTime;
        using CancellationTokenSource over = new();
        Thread watcher = new(() =>
        {
            while (!over.Token.WaitHandle.WaitOne(100))
            {
                maxKib = Math.Max(maxKib, agent.Kib("VmRSS"));
            }
        });
        watcher.Start();
        Stopwatch watch = Stopwatch.StartNew();
        string done;
        try
        {
            done = load(() => (full, anon, file, shared) = (agent.Kib("VmRSS"), agent.Kib("RssAnon"), agent.Kib("RssFile"), agent.Kib("RssShmem")));
        }
        finally
        {
            over.Cancel();
            watcher.Join();
        }
        AgentProcess.Pause(TimeSpan.FromSeconds(2), stop); // the ledger's identity is one of stages at rest
        double seconds = watch.Elapsed.TotalSeconds;
        Table table = new("agent", "");
        table.Add("load", done);
        table.Add("alive", agent.IsAlive ? "yes" : $"NO: {agent.Messages}");
        table.Add("RSS at start, MiB", atStart.Mib());
        table.Add("RSS under load, MiB", full.Mib());
        table.Add("of it anonymous / file / shared, MiB", $"{anon.Mib()} / {file.Mib()} / {shared.Mib()}");
        table.Add("RSS max, MiB", Math.Max(maxKib, agent.Kib("VmHWM")).Mib());
        table.Add("CPU, % of one", (100 * (agent.CpuTime - cpuBefore).TotalSeconds / seconds).Text(1));
        table.Print(title);
        if (agent.IsAlive)
        {
            agent.ReadLedger().Print("Ledger");
        }
    }

    private static Socket Connect(bool blocking = true)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 5000, SendTimeout = 5000 };
        socket.Connect(BridgeTopology.ServerIPv4, 80);
        socket.Blocking = blocking;
        return socket;
    }

    private static string Idle(BridgeTopology topology, BenchOptions options, Action snapshot, CancellationToken stop)
    {
        List<Socket> sockets = [];
        try
        {
            byte[] buffer = new byte[4096];
            topology.Client.Enter(() =>
            {
                for (int i = 0; i < options.IdleConnections; i++)
                {
                    stop.ThrowIfCancellationRequested();
                    sockets.Add(Connect());
                    Ask(sockets[^1], buffer);
                }
            });
            Random random = new(1);
            int trickle = 0;
            Stopwatch watch = Stopwatch.StartNew();
            while (watch.Elapsed.TotalSeconds < options.Seconds)
            {
                Ask(sockets[random.Next(sockets.Count)], buffer);
                trickle++;
                AgentProcess.Pause(TimeSpan.FromMilliseconds(10), stop);
            }
            snapshot();
            return $"{sockets.Count.Text()} connections open, a request on each, {trickle.Text()} more";
        }
        finally
        {
            sockets.ForEach(static socket => socket.Dispose());
        }
    }

    private static void Ask(Socket socket, byte[] buffer)
    {
        socket.Send(Request);
        int have = 0;
        int headEnd;
        while ((headEnd = buffer.AsSpan(0, have).IndexOf("\r\n\r\n"u8)) < 0 || have < headEnd + 4 + NginxServer.PageBytes)
        {
            int count = socket.Receive(buffer, have, buffer.Length - have, SocketFlags.None);
            if (count == 0)
            {
                throw new InvalidOperationException("nginx closed a keep-alive connection");
            }
            have += count;
        }
    }

    private static string Garbage(BridgeTopology topology, int connections, Action snapshot, CancellationToken stop)
    {
        // A client that resets leaves no time-wait behind: ports do not run out.
        int made = 0;
        topology.Client.Enter(() =>
        {
            Random random = new(1);
            byte[] garbage = new byte[1400];
            for (; made < connections; made++)
            {
                stop.ThrowIfCancellationRequested();
                using Socket socket = Connect();
                random.NextBytes(garbage);
                // Some of it begins as a request would and goes on as none.
                if (made % 2 == 0)
                {
                    "GET /"u8.CopyTo(garbage);
                }
                socket.LingerState = new LingerOption(true, 0);
                try
                {
                    socket.Send(garbage.AsSpan(0, 1 + random.Next(garbage.Length)));
                }
                catch (SocketException)
                {
                    // nginx answers garbage by closing, now and then before all of it was sent.
                }
            }
        });
        snapshot();
        return $"{made.Text()} connections";
    }

    private static string EndlessHeader(BridgeTopology topology, int seconds, Action snapshot, CancellationToken stop)
    {
        // nginx would refuse after some KiB; this server reads whatever comes.
        using Socket listener = topology.Server.Enter(static () =>
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Any, 8080));
            socket.Listen();
            return socket;
        });
        using Socket client = topology.Client.Enter(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { SendTimeout = 5000 });
        client.Connect(BridgeTopology.ServerIPv4, 8080);
        using Socket server = listener.Accept();
        Thread reader = new(() =>
        {
            byte[] sink = new byte[256 * 1024];
            try
            {
                while (server.Receive(sink) > 0)
                {
                }
            }
            catch (SocketException)
            {
            }
        });
        reader.Start();
        long sent = client.Send("GET / HTTP/1.1\r\nHost: x\r\n"u8);
        byte[] line = Encoding.ASCII.GetBytes("X-Header: " + new string('a', 1000) + "\r\n");
        Stopwatch watch = Stopwatch.StartNew();
        while (watch.Elapsed.TotalSeconds < seconds && !stop.IsCancellationRequested)
        {
            sent += client.Send(line);
        }
        snapshot();
        client.Dispose();
        reader.Join();
        stop.ThrowIfCancellationRequested();
        return $"{(sent / 1024).Mib()} MiB of header";
    }

    private static string SlowHeaders(BridgeTopology topology, int seconds, Action snapshot, CancellationToken stop)
    {
        List<Socket> sockets = [];
        long sent = 0;
        try
        {
            topology.Client.Enter(() =>
            {
                for (int i = 0; i < SlowConnections; i++)
                {
                    sockets.Add(Connect());
                    sockets[^1].Send("GET / HTTP/1.1\r\nX-Slow: "u8);
                }
            });
            Stopwatch watch = Stopwatch.StartNew();
            while (watch.Elapsed.TotalSeconds < seconds)
            {
                foreach (Socket socket in sockets)
                {
                    sent += socket.Send("a"u8);
                }
                AgentProcess.Pause(TimeSpan.FromMilliseconds(20), stop);
            }
            snapshot();
            return $"{sockets.Count.Text()} connections, {sent.Text()} bytes one at a time";
        }
        finally
        {
            sockets.ForEach(static socket => socket.Dispose());
        }
    }
}
