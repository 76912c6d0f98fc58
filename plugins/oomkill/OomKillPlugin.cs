using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Plugins.OomKill;

/// <summary>Reports each process that the kernel kills to get its memory, with its pod, its memory and the limit that was hit.</summary>
public sealed class OomKillPlugin : IEventPlugin
{
    internal const string PluginId = "oomkill";

    private const int BatchRecords = 64;
    private const int Forever = -1;

    private readonly IWorkloadResolver _resolver;
    private readonly INodeEventObserver _observer;
    private readonly List<HookStatus> _hooks = [];
    private readonly RecentVictims _victims = new();
    private readonly MonotonicClock _clock = new();
    private readonly LedgerStage _stage;
    private readonly Counter _ringFull;
    private readonly Counter _alreadyExiting;
    private readonly Counter _duplicate;
    private readonly Counter _malformed;
    private readonly Thread _thread;
    private OomKillProgram? _program;
    private volatile string? _trouble;
    private volatile bool _stopping;

    /// <summary>Makes the plugin; nothing reaches the kernel before <see cref="Attach"/>.</summary>
    /// <param name="resolver">Names victims and triggers.</param>
    /// <param name="observer">Gets the events, on the plugin's thread.</param>
    /// <param name="ledger">Gets the stage "oomkill".</param>
    public OomKillPlugin(IWorkloadResolver resolver, INodeEventObserver observer, Ledger ledger)
    {
        _resolver = resolver;
        _observer = observer;
        _stage = ledger.AddStage(PluginId, "kills");
        _ringFull = _stage.DropReason("ring_full");
        _alreadyExiting = _stage.DropReason("already_exiting");
        _duplicate = _stage.DropReason("duplicate");
        _malformed = _stage.DropReason("malformed");
        ledger.OnRead(ReadKernelCounters);
        _thread = new Thread(Run) { Name = PluginId, IsBackground = true };
    }

    /// <inheritdoc/>
    public string Id => PluginId;

    /// <inheritdoc/>
    public IReadOnlyList<HookStatus> Hooks => _hooks;

    /// <inheritdoc/>
    public string? Trouble => _trouble;

    /// <summary>The one way in to try; null for all, best first.</summary>
    internal string? OnlyHook { get; init; }

    /// <summary>Size of the ring buffer; 0 for the usual one.</summary>
    internal int RingBytes { get; init; }

    /// <inheritdoc/>
    public bool Attach()
    {
        _program = OomKillProgram.TryAttach(_hooks, OnlyHook, RingBytes);
        return _program is not null;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Not attached.</exception>
    public void Start()
    {
        if (_program is null)
        {
            throw new InvalidOperationException($"{PluginId} is not attached");
        }
        _thread.Start();
    }

    private void ReadKernelCounters()
    {
        if (_program is { } program)
        {
            OomKillCounters now = program.ReadCounters();
            _stage.In.Value = (long)now.Seen;
            _ringFull.Value = (long)now.RingFull;
            _alreadyExiting.Value = (long)now.AlreadyExiting;
        }
    }

    private void Run()
    {
        try
        {
            RingBufferReader ring = _program!.Ring;
            Consumer consumer = new(this);
            while (true)
            {
                bool last = _stopping;
                _clock.Adjust();
                if (ring.Drain(ref consumer, BatchRecords) == BatchRecords)
                {
                    continue;
                }
                if (last)
                {
                    return;
                }
                ring.Wait(Forever);
            }
        }
        catch (Exception e)
        {
            // The agent goes on without this plugin, whatever it was.
            _trouble = e.Message;
        }
    }

    private readonly struct Consumer(OomKillPlugin plugin) : IRingConsumer
    {
        public void OnRecord(ReadOnlySpan<byte> record) => plugin.OnRecord(record);
    }

    private void OnRecord(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Unsafe.SizeOf<OomKillRecord>())
        {
            _malformed.Add(1);
            return;
        }
        ref readonly OomKillRecord record = ref MemoryMarshal.AsRef<OomKillRecord>(bytes);
        if (!_victims.TryAdd(record.Victim.Tgid, record.StartTimeNs, (long)record.KtimeNs))
        {
            _duplicate.Add(1);
            return;
        }
        _stage.Out.Add(1);
        _observer.OnEvent(Describe(in record));
    }

    private OomKillEvent Describe(in OomKillRecord record)
    {
        Workload victim = Resolve(in record.Victim);
        return new OomKillEvent
        {
            TimeNs = _clock.ToUnixNs((long)record.KtimeNs),
            Workload = victim,
            ProcessId = (int)record.Victim.Tgid,
            ContainerProcessId = (int)record.ContainerTgid,
            ProcessName = OomKillText.Name(record.Victim.Comm),
            UserId = record.Uid,
            TriggerProcessId = (int)record.Trigger.Tgid,
            TriggerProcessName = OomKillText.Name(record.Trigger.Comm),
            Trigger = record.Trigger.Tgid == record.Victim.Tgid ? victim : Resolve(in record.Trigger),
            Scope = (OomScope)record.Scope,
            LimitCgroup = OomKillText.Path(in record.LimitCgroup),
            LimitBytes = Bytes(record.LimitPages),
            UsageBytes = Bytes(record.UsagePages),
            AnonRssBytes = Bytes(record.AnonPages),
            FileRssBytes = Bytes(record.FilePages),
            ShmemRssBytes = Bytes(record.ShmemPages),
            SwapBytes = Bytes(record.SwapPages),
            PageTableBytes = record.PageTableBytes,
            OomScoreAdj = record.OomScoreAdj,
            Message = OomKillText.Name(record.Message),
            Hook = _program!.Hook,
        };
    }

    private Workload Resolve(in OomKillProcess process)
    {
        Span<byte> path = stackalloc byte[OomKillText.MaxPathBytes];
        return _resolver.Resolve(new OwnerHint
        {
            CgroupId = process.CgroupId,
            CgroupPath = path[..OomKillText.WritePath(in process.Cgroup, path)],
            ProcessId = (int)process.Tgid,
            ProcessName = OomKillText.UntilNul(process.Comm),
        });
    }

    private static long Bytes(long pages) => pages < 0 ? -1 : pages * Environment.SystemPageSize;

    /// <summary>Sees no more kills, reports those that were seen, unloads.</summary>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }
        _program?.Detach();
        _stopping = true;
        _program?.Ring.Interrupt();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
        _program?.Dispose();
    }
}
