using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Plugins.Tcpsynbl;

/// <summary>Reports connections that the kernel refused because a listener's accept queue was full, and how full those queues are.</summary>
/// <remarks>
/// Events come once a second at most for each listener, and stand for all refusals since the one before: none is lost to a burst.
/// Threads: <see cref="Listeners"/> and the ledger from any; the rest from one.
/// </remarks>
public sealed class TcpSynBacklogPlugin : IEventPlugin
{
    private readonly TcpSynBacklogOptions _options;
    private readonly IWorkloadResolver _resolver;
    private readonly INodeEventObserver _observer;
    private readonly List<HookStatus> _hooks = [];
    private readonly LedgerStage _stage;
    private readonly Counter _noRoom;
    private readonly Counter _notParsed;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    // Guards the tap, the table and what is read of them.
    private readonly Lock _gate = new();
    private TcpSynBacklogTap? _tap;
    private ListenerTable? _table;
    private long _held;
    private volatile string? _trouble;

    /// <summary>Makes the plugin; nothing is watched before <see cref="Attach"/>.</summary>
    /// <param name="cgroupPath">Cgroup v2 directory whose sockets are watched, with all below it; null for the root of the hierarchy.</param>
    /// <param name="resolver">Names listeners and clients.</param>
    /// <param name="observer">Gets the events, on the plugin's thread.</param>
    /// <param name="ledger">Gets the stage "tcpsynbl".</param>
    public TcpSynBacklogPlugin(string? cgroupPath, IWorkloadResolver resolver, INodeEventObserver observer, Ledger ledger)
        : this(new TcpSynBacklogOptions { CgroupPath = cgroupPath }, resolver, observer, ledger)
    {
    }

    internal TcpSynBacklogPlugin(TcpSynBacklogOptions options, IWorkloadResolver resolver, INodeEventObserver observer, Ledger ledger)
    {
        _options = options;
        _resolver = resolver;
        _observer = observer;
        _stage = ledger.AddStage("tcpsynbl", "overflows");
        _noRoom = _stage.DropReason("no_room");
        _stage.Held = () => Volatile.Read(ref _held);
        _notParsed = ledger.AddNote("tcpsynbl_not_parsed", "Packets for a full accept queue whose headers are longer than the watch follows.");
        ledger.OnRead(UpdateLedger);
        _thread = new Thread(Run) { Name = Id, IsBackground = true };
    }

    /// <inheritdoc/>
    public string Id => "tcpsynbl";

    /// <inheritdoc/>
    public IReadOnlyList<HookStatus> Hooks => _hooks;

    /// <inheritdoc/>
    public string? Trouble => _trouble;

    /// <summary>Every listener that a packet met of late, as of the last second. A copy.</summary>
    public IReadOnlyList<ListenerQueue> Listeners
    {
        get
        {
            lock (_gate)
            {
                return _table?.Snapshot() ?? [];
            }
        }
    }

    /// <inheritdoc/>
    public bool Attach()
    {
        lock (_gate)
        {
            _tap = TcpSynBacklogTap.TryAttach(_options, _hooks);
            _table = _tap is null ? null : new ListenerTable(_tap, _options, _resolver, _observer);
            return _tap is not null;
        }
    }

    /// <inheritdoc/>
    public void Start() => _thread.Start();

    private void Run()
    {
        while (!_stop.Wait(_options.PollInterval))
        {
            WithTable(static (_, table) => table.Poll());
        }
    }

    private void UpdateLedger() => WithTable((tap, table) =>
    {
        Volatile.Write(ref _held, table.CountHeld());
        TcpSynBacklogCounters counters = tap.ReadCounters();
        _stage.In.Value = (long)counters.Overflows;
        _noRoom.Value = (long)counters.NoRoom;
        _notParsed.Value = (long)counters.NotParsed;
        _stage.Out.Value = table.Reported;
    });

    private void WithTable(Action<TcpSynBacklogTap, ListenerTable> action)
    {
        lock (_gate)
        {
            if (_tap is null)
            {
                return;
            }
            try
            {
                action(_tap, _table!);
                _trouble = null;
            }
            catch (BpfException e)
            {
                // A kernel short of memory refuses to copy a batch; the next time it may not.
                _trouble = e.Message;
            }
        }
    }

    /// <summary>Ends the watch, reports what is left, and unloads.</summary>
    public void Dispose()
    {
        _stop.Set();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
        WithTable(static (tap, table) =>
        {
            tap.Detach();
            table.Poll();
        });
        UpdateLedger();
        lock (_gate)
        {
            _tap?.Dispose();
            _tap = null;
        }
    }
}
