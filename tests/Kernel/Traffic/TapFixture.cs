using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Plugins.Traffic;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Traffic;

/// <summary>The tap, the plugin and an engine, attached to a cgroup into which this process has moved: nobody else's traffic is seen.</summary>
internal sealed class TapFixture : IDisposable
{
    private readonly TestCgroup? _ownCgroup;
    private readonly TrafficOptions _options;
    private readonly Gate _gate = new();
    private bool _started;

    /// <param name="options">Of the tap; the cgroup is filled in when it has none.</param>
    /// <param name="attach">False: call <see cref="Attach"/> later.</param>
    /// <param name="start">False: nobody reads the ring before <see cref="Start"/>.</param>
    public TapFixture(TrafficOptions? options = null, bool attach = true, bool start = true)
    {
        options ??= new TrafficOptions { RingBytes = 16 * 1024 * 1024 };
        if (options.CgroupPath is null)
        {
            _ownCgroup = new TestCgroup();
            _ownCgroup.Enter();
            options = options with { CgroupPath = _ownCgroup.FolderPath };
        }
        _options = options;
        try
        {
            Tap = TrafficTap.Load(options);
            Engine = new StreamEngine(new StreamOptions { MaxBytes = 64 * 1024 * 1024 }, [Recorder], Recorder, Tap, Ledger);
            Plugin = new TrafficPlugin(Tap, Engine, Recorder, _gate, Ledger);
            if (attach)
            {
                Attach();
            }
            if (start)
            {
                Start();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public TrafficTap Tap { get; }
    public StreamEngine Engine { get; }
    public TrafficPlugin Plugin { get; }
    public Recorder Recorder { get; } = new();
    public Ledger Ledger { get; } = new();
    public TrafficCounters Counters => Tap.ReadCounters();
    public string CgroupPath => _options.CgroupPath!;

    public void Attach() => Tap.Attach(_options);

    public void Start()
    {
        _started = true;
        Plugin.Start();
    }

    /// <summary>Reads what was recorded, between two batches of the plugin's thread.</summary>
    public T Read<T>(Func<T> function)
    {
        _gate.Enter();
        try
        {
            return function();
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>Polls until something recorded is so; a test that waits in vain fails with <paramref name="what"/>.</summary>
    public void Until(Func<bool> condition, string what)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (!Read(condition))
        {
            if (Plugin.Failure is { } failure)
            {
                throw new InvalidOperationException("the plugin's thread ended", failure);
            }
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{what}: not within 10 s. {Describe()}");
            Thread.Sleep(2);
        }
    }

    /// <summary>The connection as seen from a socket, once something of it was recognised.</summary>
    public Seen At(Socket socket) => At(EndpointOf(socket.LocalEndPoint), EndpointOf(socket.RemoteEndPoint));

    /// <summary>The connection as seen from its end <paramref name="local"/>, once something of it was recognised.</summary>
    public Seen At(Endpoint local, Endpoint remote)
    {
        Until(() => Find(local, remote) is not null, $"a connection from {local} to {remote}");
        return Read(() => Find(local, remote))!;
    }

    /// <summary>The same, or null when nothing was recognised so far. Under the gate.</summary>
    public Seen? Find(Endpoint local, Endpoint remote) => Recorder.Connections.Find(seen => seen.Local == local && seen.Remote == remote);

    /// <summary>Both sockets of a connection saw exactly these bytes.</summary>
    public void AssertBothSaw(Socket client, Socket server, byte[] fromClient, byte[] fromServer)
    {
        foreach ((Socket socket, byte[] sent, byte[] received) in new[] { (client, fromClient, fromServer), (server, fromServer, fromClient) })
        {
            Seen seen = At(socket);
            Until(() => seen.Count(Side.A) >= sent.Length && seen.Count(Side.B) >= received.Length, "all bytes");
            Assert.Equal(EndpointOf(socket.RemoteEndPoint), seen.Remote);
            Assert.True(seen.FromStart);
            Assert.True(sent.AsSpan().SequenceEqual(Read(() => seen.Bytes(Side.A))));
            Assert.True(received.AsSpan().SequenceEqual(Read(() => seen.Bytes(Side.B))));
        }
    }

    /// <summary>Every packet that the kernel side saw is counted in exactly one way.</summary>
    public void AssertPacketsBalance()
    {
        TrafficCounters c = Counters;
        Assert.Equal(c.Packets, c.Submitted + c.RingFull + c.NoSocket + c.NotTcp + c.NotParsed + c.NoPayload + c.Ignored + c.Unwanted + c.OverBudget + c.NoStorage);
    }

    /// <summary>Ends the plugin's thread: then every stage of the ledger is at rest and its identity must hold.</summary>
    public void StopAndAssertLedger()
    {
        Tap.Detach();
        Plugin.Stop();
        Ledger.Refresh();
        foreach (LedgerStage stage in Ledger.Stages)
        {
            Assert.True(stage.Unaccounted == 0, $"{stage.Name}: {stage.Unaccounted} {stage.Unit} unaccounted. {Describe()}");
        }
        Assert.Equal(0, Engine.ConnectionCount);
        Assert.Equal(0, Engine.BufferedBytes);
    }

    public string Describe()
    {
        Ledger.Refresh();
        return string.Join("; ", Ledger.Stages.Select(static stage =>
            $"{stage.Name}: in {stage.In.Value} out {stage.Out.Value} {string.Join(' ', stage.Dropped.Where(static d => d.Value.Value > 0).Select(static d => $"{d.Key} {d.Value.Value}"))}"));
    }

    public static Endpoint EndpointOf(EndPoint? end)
    {
        IPEndPoint ip = Assert.IsType<IPEndPoint>(end);
        return Endpoint.From((ip.Address.IsIPv4MappedToIPv6 ? ip.Address.MapToIPv4() : ip.Address).GetAddressBytes(), (ushort)ip.Port);
    }

    private sealed class Gate : IBatchGate
    {
        private readonly Lock _lock = new();

        public void Enter() => _lock.Enter();

        public void Exit() => _lock.Exit();
    }

    public void Dispose()
    {
        if (_started)
        {
            Plugin.Stop();
        }
        Tap?.Dispose();
        _ownCgroup?.Dispose();
    }
}
