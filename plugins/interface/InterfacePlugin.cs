using System.Diagnostics;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Capture;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Plugins.Interface;

/// <summary>Reads the packets of one interface and feeds the flow table: one thread from the ring to the transactions.</summary>
/// <remarks>
/// An interface that is not there, or down, is waited for: it is looked for each second, and what was found is told. One that comes back under
/// another number is taken anew.
/// </remarks>
public sealed class InterfacePlugin : IDisposable
{
    private const int BatchBlocks = 8;
    private const int WaitMs = 200;
    private const int LookMs = 1000;
    private const int UnfinishedBlockMs = 20;
    private const long TickNs = 1_000_000_000;
    private const int ThreadNiceness = -10;

    private readonly InterfaceTap _tap;
    private readonly FlowTable _flows;
    private readonly InterfaceOptions _options;
    private readonly IBatchGate _gate;
    private readonly PacketDecoder _decoder = new();
    private readonly LedgerStage _stage;
    private readonly Counter[] _dropped = new Counter[Enum.GetValues<DecodeStatus>().Length];
    private readonly Counter _refused;
    private readonly Counter _unread;
    private readonly Lock _ringLock = new();
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private PacketRing? _ring;
    private long _refusedBefore;
    private long _nextLookNs;
    private long _nextTickNs;
    private volatile HookStatus _hook;

    /// <summary>Makes the plugin; <see cref="Start"/> begins.</summary>
    /// <param name="tap">The loaded filter, owned by the caller.</param>
    /// <param name="flows">Fed by this plugin's thread only, under the gate.</param>
    /// <param name="options">Which interface.</param>
    /// <param name="gate">Held while a batch of packets is worked on, so that others see the aggregates between batches.</param>
    /// <param name="ledger">Gets the stages "interface_kernel" and "interface".</param>
    public InterfacePlugin(InterfaceTap tap, FlowTable flows, InterfaceOptions options, IBatchGate gate, Ledger ledger)
    {
        (_tap, _flows, _options, _gate) = (tap, flows, options, gate);
        LedgerStage kernel = tap.AddTo(ledger);
        _stage = ledger.AddStage("interface", "packets");
        _refused = _stage.DropReason("ring_full");
        _unread = _stage.DropReason("closed");
        foreach ((DecodeStatus status, string reason) in DecodeStatusNames.Reasons)
        {
            _dropped[(int)status] = _stage.DropReason(reason);
        }
        ledger.OnRead(() =>
        {
            _refused.Value = ReadRefused();
            _stage.In.Value = kernel.Out.Value;
        });
        _hook = Status(false, "not started");
        _thread = new Thread(Run) { Name = "interface", IsBackground = true };
    }

    /// <summary>What ended the thread, if anything but <see cref="Stop"/> did.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Called when <see cref="Failure"/> is set.</summary>
    public Action? Failed { get; set; }

    /// <summary>Whether it captures now; if not, why.</summary>
    public HookStatus Hook => _hook;

    /// <summary>Called, on the plugin's thread, when <see cref="Hook"/> has changed.</summary>
    public Action<HookStatus>? Changed { get; set; }

    /// <summary>Takes the interface, if it is there, and starts the thread.</summary>
    public void Start()
    {
        _hook = Follow();
        _thread.Start();
    }

    /// <summary>Drains what is in the ring, ends all connections and waits for the thread.</summary>
    public void Stop()
    {
        _stop.Set();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
    }

    /// <summary>Packets that found the ring full.</summary>
    public long ReadRefused()
    {
        lock (_ringLock)
        {
            return _refusedBefore + (_ring?.ReadRefused() ?? 0);
        }
    }

    private void Run()
    {
        try
        {
            // Ahead of the workloads that fill the ring on a busy machine. Without the right to it, packets may be refused sooner.
            _ = Native.setpriority(Native.PrioProcess, Native.CallingThread, ThreadNiceness);
            Loop();
        }
        catch (Exception e)
        {
            Failure = e;
            Failed?.Invoke();
        }
    }

    private void Loop()
    {
        while (!_stop.IsSet)
        {
            long now = Stopwatch.GetTimestamp();
            if (now >= _nextLookNs)
            {
                _nextLookNs = now + (LookMs * 1_000_000L);
                Tell(Follow());
            }
            int drained = DrainBatch();
            if (_ring is null)
            {
                _stop.Wait(WaitMs);
            }
            else if (drained < BatchBlocks && !_ring.Wait(WaitMs))
            {
                _nextLookNs = 0;
            }
        }
        CloseRing();
        _gate.Enter();
        _flows.Engine.CloseAll(EndReason.CaptureEnded, UnixNowNs());
        _gate.Exit();
    }

    /// <summary>Tries whether it would capture: loads the filter and opens the socket for a moment.</summary>
    public static HookStatus Probe(InterfaceOptions options)
    {
        try
        {
            using InterfaceTap tap = InterfaceTap.Load(options);
            HookStatus found = Look(options.Name, out int index);
            if (index == 0)
            {
                return found;
            }
            using PacketRing ring = PacketRing.Open(index, tap.Filter, options.RingBytes);
            return ring.IsUp(options.Name) ? found : Down(options.Name);
        }
        catch (BpfException e)
        {
            return Status(false, $"{options.Name}: {e.Message}");
        }
    }

    private void Tell(HookStatus found)
    {
        if (found != _hook)
        {
            _hook = found;
            Changed?.Invoke(found);
        }
    }

    /// <summary>Takes the interface when it is there, and lets go of one that is gone.</summary>
    private HookStatus Follow()
    {
        HookStatus found = Look(_options.Name, out int index);
        if (_ring is not null && _ring.InterfaceIndex != index)
        {
            CloseRing();
        }
        if (index != 0 && _ring is null)
        {
            found = TryOpen(index) ?? found;
        }
        if (_ring is not null && !_ring.IsUp(_options.Name))
        {
            found = Down(_options.Name);
        }
        return found;
    }

    /// <summary>Opens the ring.</summary>
    /// <returns>What is wrong; null when nothing is.</returns>
    private HookStatus? TryOpen(int index)
    {
        try
        {
            PacketRing ring = PacketRing.Open(index, _tap.Filter, _options.RingBytes);
            lock (_ringLock)
            {
                _ring = ring;
            }
            return null;
        }
        catch (BpfException e)
        {
            return Status(false, $"{_options.Name}: {e.Message}");
        }
    }

    private static HookStatus Look(string name, out int index)
    {
        index = InterfaceNames.IndexOf(name);
        return index != 0
            ? Status(true, $"interface '{name}', number {index}")
            : Status(false, $"interface '{name}' (Cluster.NetInterface) does not exist; the agent waits for it. There are {InterfaceNames.List()}");
    }

    private static HookStatus Down(string name) => Status(false, $"interface '{name}' (Cluster.NetInterface) is down; the agent waits for it: ip link set {name} up");

    private static HookStatus Status(bool attached, string detail) => new("interface", "socket_filter", attached, detail);

    /// <summary>Reads what is left in the ring and closes it; what comes meanwhile is counted as unread.</summary>
    private void CloseRing()
    {
        if (_ring is null)
        {
            return;
        }
        Thread.Sleep(UnfinishedBlockMs);
        while (DrainBatch() == BatchBlocks)
        {
        }
        lock (_ringLock)
        {
            _refusedBefore += _ring.ReadRefused();
            _ring.Dispose();
            _ring = null;
        }
        // With the socket gone the filter runs no more, so the count stands.
        _unread.Value = _tap.Read(InterfaceCount.Passed) - _refusedBefore - _stage.Out.Value - _dropped.Sum(static one => one?.Value ?? 0);
    }

    private int DrainBatch()
    {
        _gate.Enter();
        try
        {
            Consumer consumer = new(this);
            int drained = _ring?.Drain(ref consumer, BatchBlocks) ?? 0;
            long now = Stopwatch.GetTimestamp();
            if (now >= _nextTickNs)
            {
                _nextTickNs = now + TickNs;
                _flows.Engine.Tick(UnixNowNs());
            }
            return drained;
        }
        finally
        {
            _gate.Exit();
        }
    }

    private readonly struct Consumer(InterfacePlugin plugin) : PacketRing.IConsumer
    {
        public void OnPacket(in CapturedPacket packet) => plugin.OnPacket(in packet);
    }

    private void OnPacket(in CapturedPacket packet)
    {
        DecodeStatus status = _decoder.Decode(in packet, out TcpSegmentView view);
        if (status != DecodeStatus.Tcp)
        {
            _dropped[(int)status].Add(1);
            return;
        }
        _stage.Out.Add(1);
        _flows.OnSegment(view.Source, view.Destination, view.Segment);
    }

    private static long UnixNowNs() => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _stop.Dispose();
    }
}
