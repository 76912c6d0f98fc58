using System.Threading.Channels;
using KubeBpfBox.Agent.Identity;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>Takes events from the plugins, waits a moment for names that are on their way, and hands them to whoever shows or stores them.</summary>
/// <remarks>
/// The event of a pod that Kubernetes has not told of yet is held for at most <see cref="MaxWaitMs"/>. Events are few; a flood is bounded by
/// <see cref="Capacity"/>, and what is beyond is dropped and counted. Any thread may pass events; observers are called on one of this class.
/// </remarks>
internal sealed class EventPipeline : INodeEventObserver, IAsyncDisposable
{
    /// <summary>Events held at most.</summary>
    public const int Capacity = 4096;

    /// <summary>How long an event waits for its pod's name.</summary>
    public const int MaxWaitMs = 3000;

    private const int LookAgainMs = 100;

    private readonly IWorkloadResolver _resolver;
    private readonly INodeEventObserver[] _observers;
    private readonly Channel<(NodeEvent Happened, long SinceMs)> _events = Channel.CreateBounded<(NodeEvent, long)>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly LedgerStage _stage;
    private readonly Counter _full;
    private readonly Task _pump;

    /// <param name="resolver">Names what was not known when it happened.</param>
    /// <param name="ledger">Gets the stage "events".</param>
    /// <param name="observers">Are called in this order.</param>
    public EventPipeline(IWorkloadResolver resolver, Ledger ledger, params INodeEventObserver[] observers)
    {
        _resolver = resolver;
        _observers = observers;
        _stage = ledger.AddStage("events", "events");
        _full = _stage.DropReason("queue_full");
        _stage.Held = () => _stage.In.Value - _stage.Out.Value - _full.Value;
        _pump = Task.Run(PumpAsync);
    }

    /// <inheritdoc/>
    public void OnEvent(NodeEvent happened)
    {
        _stage.In.AddShared(1);
        if (!_events.Writer.TryWrite((happened, Environment.TickCount64)))
        {
            _full.AddShared(1);
        }
    }

    /// <summary>Hands on what waits, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _events.Writer.TryComplete();
        await _pump.ConfigureAwait(false);
    }

    private async Task PumpAsync()
    {
        await foreach ((NodeEvent happened, long sinceMs) in _events.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            NodeEvent named = Name(happened);
            // In order: what came later waits behind it, but no event waits longer than the time since it came.
            while (IsWaiting(named) && Environment.TickCount64 - sinceMs < MaxWaitMs && !_events.Reader.Completion.IsCompleted)
            {
                await Task.Delay(LookAgainMs).ConfigureAwait(false);
                named = Name(happened);
            }
            foreach (INodeEventObserver observer in _observers)
            {
                observer.OnEvent(named);
            }
            _stage.Out.AddShared(1);
        }
    }

    private static bool IsWaiting(NodeEvent happened) => happened.Workload is { IsProvisional: true, Pod: null };

    private NodeEvent Name(NodeEvent happened) => happened switch
    {
        OomKillEvent kill => kill with { Workload = _resolver.Refresh(kill.Workload), Trigger = _resolver.Refresh(kill.Trigger), Scope = ScopeOf(kill) },
        AcceptQueueOverflowEvent overflow => overflow with { Workload = _resolver.Refresh(overflow.Workload), ClientWorkload = _resolver.Refresh(overflow.ClientWorkload) },
        _ => happened,
    };

    /// <summary>What kind of cgroup the limit's path names.</summary>
    private static OomScope ScopeOf(OomKillEvent kill)
    {
        if (kill.Scope != OomScope.Cgroup)
        {
            return kill.Scope;
        }
        CgroupPath path = CgroupPath.Parse(System.Text.Encoding.UTF8.GetBytes(kill.LimitCgroup));
        return path.Kind == CgroupKind.Container ? OomScope.Container : path.PodUid is not null ? OomScope.Pod : OomScope.Cgroup;
    }
}
