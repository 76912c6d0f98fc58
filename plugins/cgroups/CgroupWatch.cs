using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Plugins;

namespace KubeBpfBox.Plugins.Cgroups;

/// <summary>Is told of cgroups v2. Called by the watch's thread and by whoever catches up, one at a time.</summary>
public interface ICgroupObserver
{
    /// <summary>A cgroup was made.</summary>
    /// <param name="id">Its id: the inode of its directory.</param>
    /// <param name="path">From the hierarchy's root; valid during the call.</param>
    void OnCreated(ulong id, ReadOnlySpan<byte> path);

    /// <summary>A cgroup was removed; its id is not given again.</summary>
    void OnRemoved(ulong id);
}

/// <summary>Watches cgroups v2 being made and removed, so that a new container is known before it sends its first byte.</summary>
/// <remarks>
/// Needs CAP_BPF and CAP_PERFMON. Without it the identity falls back to opening or walking the hierarchy. Lifetime: the programs go with the
/// process. Threads: <see cref="CatchUp"/> may be called by any.
/// </remarks>
public sealed class CgroupWatch : IDisposable
{
    /// <summary>Name of the folder.</summary>
    public const string Id = "cgroups";

    private const int BatchRecords = 256;
    private const int SleepMs = 1000;

    private readonly Lock _draining = new();
    private readonly ICgroupObserver _observer;
    private readonly List<HookStatus> _hooks = [];
    private readonly BpfLinks _links = new();
    private BpfObject? _object;
    private RingBufferReader? _ring;
    private BpfArrayMap<ulong>? _refused;
    private Thread? _thread;
    private volatile bool _stopping;
    private long _seen;

    /// <param name="observer">Is told; must not call back.</param>
    public CgroupWatch(ICgroupObserver observer) => _observer = observer;

    /// <summary>What was taken, or why not.</summary>
    public IReadOnlyList<HookStatus> Hooks => _hooks;

    /// <summary>Adds the page of this watch to the ledger.</summary>
    public void AddTo(Ledger ledger)
    {
        LedgerStage stage = ledger.AddStage("cgroups", "cgroup_events");
        Counter full = stage.DropReason("ring_full");
        ledger.OnRead(() =>
        {
            full.Value = _refused is { } refused && !_stopping ? (long)refused[0] : full.Value;
            stage.Out.Value = Volatile.Read(ref _seen);
            stage.In.Value = stage.Out.Value + full.Value;
        });
    }

    /// <summary>Loads and attaches; a refusal is told in <see cref="Hooks"/>.</summary>
    public bool Attach()
    {
        try
        {
            _object = BpfObject.LoadResource(typeof(CgroupWatch).Assembly, "cgroups.bpf.o", CgroupRecord.Check, static loaded => loaded);
            _ring = new RingBufferReader(_object.Maps["records"]);
            _refused = new BpfArrayMap<ulong>(_object.Maps["refused"]);
            foreach (string name in (ReadOnlySpan<string>)["cgroup_mkdir", "cgroup_rmdir"])
            {
                _links.Add(_object.Programs[name.Replace("cgroup_", "cgroups__", StringComparison.Ordinal)].AttachRawTracepoint(name));
                _hooks.Add(new HookStatus(Id, "raw_tp/" + name, true, "new containers are known before their first request"));
            }
            return true;
        }
        catch (BpfException e)
        {
            _links.Dispose();
            _hooks.Clear();
            _hooks.Add(new HookStatus(Id, "raw_tp/cgroup_mkdir", false, $"containers are found by looking through the cgroups instead: {e.Message}"));
            return false;
        }
    }

    /// <summary>Starts the thread.</summary>
    public void Start()
    {
        _thread = new Thread(Run) { Name = Id, IsBackground = true };
        _thread.Start();
    }

    /// <summary>Takes at once what the kernel has told so far.</summary>
    public void CatchUp()
    {
        if (_ring is not { AvailableBytes: > 0 } ring)
        {
            return;
        }
        lock (_draining)
        {
            if (_stopping)
            {
                return;
            }
            Consumer consumer = new(this);
            while (ring.Drain(ref consumer, BatchRecords) == BatchRecords)
            {
            }
        }
    }

    private void Run()
    {
        while (!_stopping)
        {
            CatchUp();
            _ring!.Wait(SleepMs);
        }
    }

    private void OnRecord(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Unsafe.SizeOf<CgroupRecord>())
        {
            return;
        }
        Volatile.Write(ref _seen, _seen + 1);
        ref readonly CgroupRecord record = ref MemoryMarshal.AsRef<CgroupRecord>(bytes);
        if (record.Removed != 0)
        {
            _observer.OnRemoved(record.Id);
            return;
        }
        // A path that fills its room was cut: whoever needs it looks the cgroup up.
        if (record.PathLength < CgroupRecord.PathMax - 1)
        {
            ReadOnlySpan<byte> path = record.Path;
            _observer.OnCreated(record.Id, path[..(int)record.PathLength]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }
        _links.Dispose();
        lock (_draining)
        {
            _stopping = true;
        }
        _ring?.Interrupt();
        _thread?.Join();
        _ring?.Dispose();
        _object?.Dispose();
    }

    private readonly struct Consumer(CgroupWatch watch) : IRingConsumer
    {
        public void OnRecord(ReadOnlySpan<byte> record) => watch.OnRecord(record);
    }
}
