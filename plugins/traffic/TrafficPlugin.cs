using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Plugins.Traffic;

/// <summary>Reads the tap's records and feeds the stream engine: one thread from the ring buffer to the transactions.</summary>
public sealed partial class TrafficPlugin : IDisposable
{
    private const int BatchRecords = 4096;
    private const int PauseMs = 5;
    private const int PausesBeforeSleep = 20;
    private const int SleepMs = 500;
    private const long TickNs = 1_000_000_000;
    private const int PrioProcess = 0;
    private const int CallingThread = 0;
    private const int ThreadNiceness = -10;

    private readonly TrafficTap _tap;
    private readonly StreamEngine _engine;
    private readonly IWorkloadResolver _resolver;
    private readonly IBatchGate _gate;
    private readonly ISocketDirectory? _sockets;
    private readonly Dictionary<ulong, Connection> _connections = [];
    private readonly HandshakePayloads _handshakes = new();
    private readonly LedgerStage _ring;
    private readonly Counter _late;
    private readonly Counter _closing;
    private readonly Counter _malformed;
    private readonly Counter _unclaimed;
    private readonly Thread _thread;
    private readonly MonotonicClock _clock = new();
    private long _nextTickNs;
    private volatile bool _stopping;

    /// <summary>Makes the plugin; <see cref="Start"/> begins.</summary>
    /// <param name="tap">The loaded tap, owned by the caller.</param>
    /// <param name="engine">Fed by this plugin's thread only, under the gate.</param>
    /// <param name="resolver">Names the sockets' owners.</param>
    /// <param name="gate">Held while a batch of records is worked on, so that others see the aggregates between batches.</param>
    /// <param name="ledger">Gets the stages "traffic_kernel" and "traffic_ring".</param>
    /// <param name="sockets">Is told of connections; null for nobody.</param>
    public TrafficPlugin(TrafficTap tap, StreamEngine engine, IWorkloadResolver resolver, IBatchGate gate, Ledger ledger, ISocketDirectory? sockets = null)
    {
        _tap = tap;
        _engine = engine;
        _resolver = resolver;
        _gate = gate;
        LedgerStage kernel = tap.AddTo(ledger);
        _ring = ledger.AddStage("traffic_ring", "records");
        _late = _ring.DropReason("ignored_late");
        _closing = _ring.DropReason("connection_unknown");
        _malformed = _ring.DropReason("malformed");
        _unclaimed = _ring.DropReason("handshake_unclaimed");
        _ring.Held = () => _handshakes.Count;
        ledger.OnRead(() => _ring.In.Value = kernel.Out.Value);
        _sockets = sockets;
        engine.Closed = OnClosed;
        _thread = new Thread(Run) { Name = "traffic", IsBackground = true };
    }

    /// <summary>What ended the thread, if anything but <see cref="Stop"/> did.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Called when <see cref="Failure"/> is set.</summary>
    public Action? Failed { get; set; }

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Drains what is in the ring, ends all connections and waits for the thread.</summary>
    public void Stop()
    {
        if (_stopping)
        {
            return;
        }
        _stopping = true;
        _tap.Ring.Interrupt();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
    }

    private void Run()
    {
        try
        {
            // Ahead of the workloads that fill the ring buffer on a busy machine. Without the right to it, records may be refused sooner.
            _ = SetPriority(PrioProcess, CallingThread, ThreadNiceness);
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
        Consumer consumer = new(this);
        int quietPauses = 0;
        while (true)
        {
            bool last = _stopping;
            int drained = DrainBatch(ref consumer);
            if (drained == BatchRecords)
            {
                continue;
            }
            if (last)
            {
                _gate.Enter();
                _engine.CloseAll(EndReason.CaptureEnded, _clock.ToUnixNs(MonotonicClock.NowNs));
                _gate.Exit();
                return;
            }
            quietPauses = drained > 0 ? 0 : quietPauses + 1;
            if (quietPauses < PausesBeforeSleep)
            {
                Thread.Sleep(PauseMs);
                continue;
            }
            _tap.SetSleeping(true);
            _tap.Ring.Wait(SleepMs);
            _tap.SetSleeping(false);
        }
    }

    private int DrainBatch(ref Consumer consumer)
    {
        _gate.Enter();
        try
        {
            int drained = _tap.Ring.Drain(ref consumer, BatchRecords);
            long now = MonotonicClock.NowNs;
            if (now >= _nextTickNs)
            {
                _nextTickNs = now + TickNs;
                _clock.Adjust();
                _engine.Tick(_clock.ToUnixNs(now));
                _unclaimed.Add(_handshakes.Expire(now));
            }
            return drained;
        }
        finally
        {
            _gate.Exit();
        }
    }

    private readonly struct Consumer(TrafficPlugin plugin) : IRingConsumer
    {
        public void OnRecord(ReadOnlySpan<byte> record) => plugin.OnRecord(record);
    }

    private void OnRecord(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Unsafe.SizeOf<TrafficRecord>())
        {
            _malformed.Add(1);
            return;
        }
        ref readonly TrafficRecord record = ref MemoryMarshal.AsRef<TrafficRecord>(bytes);
        ReadOnlySpan<byte> payload = bytes[Unsafe.SizeOf<TrafficRecord>()..];
        if (record.CapturedLength > payload.Length)
        {
            _malformed.Add(1);
            return;
        }
        payload = payload[..record.CapturedLength];
        if ((record.Flags & TrafficFlags.Listener) != 0)
        {
            _unclaimed.Add(_handshakes.Keep(in record, payload));
            return;
        }
        if ((record.Flags & TrafficFlags.Released) != 0)
        {
            OnReleased(in record);
            return;
        }
        if (!_connections.TryGetValue(record.Socket.Cookie, out Connection? connection) && (connection = Join(in record)) is null)
        {
            return;
        }
        if (ReferenceEquals(connection.Workload, Workload.Unknown) && record.PayloadLength > 0)
        {
            // Whoever looks owners up may have learnt of a new one since.
            Name(connection, in record.Socket);
        }
        _ring.Out.Add(1);
        Feed(connection, in record, payload);
    }

    private void OnReleased(in TrafficRecord record)
    {
        if (!_connections.TryGetValue(record.Socket.Cookie, out Connection? connection))
        {
            _closing.Add(1);
            return;
        }
        _ring.Out.Add(1);
        _engine.Release(connection, _clock.ToUnixNs((long)record.KtimeNs));
    }

    private void Feed(Connection connection, in TrafficRecord record, ReadOnlySpan<byte> payload) =>
        _engine.OnSegment(connection, (record.Flags & TrafficFlags.Ingress) != 0 ? Side.B : Side.A, new TcpSegment
        {
            TimestampNs = _clock.ToUnixNs((long)record.KtimeNs),
            Sequence = record.Sequence,
            Acknowledgment = record.Acknowledgment,
            Flags = (TcpFlags)record.TcpFlags,
            PayloadLength = (int)record.PayloadLength,
            Payload = payload,
        });

    private void OnClosed(Connection connection, EndReason reason)
    {
        _connections.Remove(connection.Id);
        _sockets?.Remove(connection);
    }

    /// <summary>Makes a connection known; null when the record says nothing worth remembering.</summary>
    private Connection? Join(in TrafficRecord record)
    {
        ref readonly TrafficSocket socket = ref record.Socket;
        if (_tap.IsIgnored(socket.Cookie))
        {
            _late.Add(1);
            return null;
        }
        if (record.PayloadLength == 0 && ((TcpFlags)record.TcpFlags & TcpFlags.Syn) == 0)
        {
            _closing.Add(1);
            return null;
        }
        Endpoint local = Endpoint.From(socket.LocalAddress, socket.LocalPort);
        Endpoint remote = Endpoint.From(socket.RemoteAddress, socket.RemotePort);
        bool hasHandshake = _handshakes.Contains(local, remote);
        bool fromStart = hasHandshake || (record.Flags & TrafficFlags.FromStart) != 0;
        Connection connection = _engine.Open(socket.Cookie, local, remote, fromStart, isLocalSocket: true, _clock.ToUnixNs((long)record.KtimeNs));
        _connections[socket.Cookie] = connection;
        connection.NetworkNamespace = socket.Netns;
        SetOpener(connection, in record);
        Name(connection, in socket);
        _sockets?.Add(connection);
        if (hasHandshake)
        {
            ReplayHandshake(connection);
        }
        else if ((record.Flags & TrafficFlags.StartKnown) != 0)
        {
            StreamEngine.StartAt(connection, Side.B, socket.StartSequence);
        }
        return connection;
    }

    private static void SetOpener(Connection connection, in TrafficRecord record)
    {
        bool isConnecting = (record.Flags & TrafficFlags.Ingress) == 0 && ((TcpFlags)record.TcpFlags & (TcpFlags.Syn | TcpFlags.Ack)) == TcpFlags.Syn;
        if (isConnecting)
        {
            // The SYN itself takes one number (RFC 9293 section 3.4).
            connection.OpenerSequence = unchecked(record.Sequence + 1);
            connection.OpenedBy = Side.A;
        }
        else if ((record.Flags & TrafficFlags.StartKnown) != 0)
        {
            connection.OpenerSequence = record.Socket.StartSequence;
            connection.OpenedBy = Side.B;
        }
    }

    private void Name(Connection connection, in TrafficSocket socket) => connection.Workload = _resolver.Resolve(new OwnerHint
    {
        CgroupId = socket.CgroupId,
        NetworkNamespace = socket.Netns,
        ProcessId = (int)socket.Pid,
        ProcessName = NameOf(in socket),
        Local = connection.A,
        Remote = connection.B,
    });

    private void ReplayHandshake(Connection connection)
    {
        foreach (byte[] kept in _handshakes.Take(connection.A, connection.B))
        {
            ref readonly TrafficRecord record = ref MemoryMarshal.AsRef<TrafficRecord>(kept);
            _ring.Out.Add(1);
            Feed(connection, in record, kept.AsSpan(Unsafe.SizeOf<TrafficRecord>(), record.CapturedLength));
        }
    }

    private static ReadOnlySpan<byte> NameOf(in TrafficSocket socket)
    {
        ReadOnlySpan<byte> name = socket.Comm;
        int end = name.IndexOf((byte)0);
        return end < 0 ? name : name[..end];
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int niceness);

    /// <inheritdoc/>
    public void Dispose() => Stop();
}
