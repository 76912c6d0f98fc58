using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>What the page is made from.</summary>
public sealed record PrometheusSources
{
    /// <summary>The series.</summary>
    public required RedTable Red { get; init; }

    /// <summary>Counts of events.</summary>
    public Func<IReadOnlyList<EventCount>> Events { get; init; } = static () => [];

    /// <summary>Accept queues.</summary>
    public Func<IReadOnlyList<ListenerQueue>> Listeners { get; init; } = static () => [];

    /// <summary>The stages of the path.</summary>
    public required Ledger Ledger { get; init; }

    /// <summary>How the agent itself is.</summary>
    public required Func<AgentHealth> Health { get; init; }

    /// <summary>Whether traffic is captured.</summary>
    public Func<bool> IsCapturing { get; init; } = static () => true;

    /// <summary>Ways into the kernel.</summary>
    public Func<IReadOnlyList<HookStatus>> Hooks { get; init; } = static () => [];

    /// <summary>The outputs.</summary>
    public Func<IReadOnlyList<ISink>> Sinks { get; init; } = static () => [];

    /// <summary>What works with less than it could.</summary>
    public Func<IReadOnlyList<string>> Degraded { get; init; } = static () => [];

    /// <summary>Revision it was built from; empty when not known.</summary>
    public string Revision { get; init; } = string.Empty;

    /// <summary>The node it runs on; empty when not known.</summary>
    public string NodeName { get; init; } = string.Empty;
}
