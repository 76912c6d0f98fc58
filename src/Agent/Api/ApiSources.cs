using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Live;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Sinks.Prometheus;
using KubeBpfBox.Sinks.Sqlite;

namespace KubeBpfBox.Agent.Api;

/// <summary>What the API shows.</summary>
internal sealed record ApiSources
{
    public required LiveHub Hub { get; init; }

    public required Ledger Ledger { get; init; }

    public required Func<double> Completeness { get; init; }

    public required Func<IReadOnlyList<RedSeriesSnapshot>> Red { get; init; }

    public required Func<IReadOnlyList<HookStatus>> Hooks { get; init; }

    /// <summary>Why the agent is broken; null when it is not.</summary>
    public required Func<string?> Sickness { get; init; }

    /// <summary>Why the agent does not capture (yet); null when it does.</summary>
    public required Func<string?> Unreadiness { get; init; }

    /// <summary>How the agent itself is.</summary>
    public required Func<AgentHealth> Health { get; init; }

    /// <summary>How many calls are counted, and how many may be.</summary>
    public required CallTable Calls { get; init; }

    /// <summary>Most series.</summary>
    public required int MaxSeries { get; init; }

    /// <summary>The newest windows, the open one among them.</summary>
    public required IRedHistory Recent { get; init; }

    /// <summary>What they take.</summary>
    public required RecentHistory RecentWindows { get; init; }

    /// <summary>Older windows; null when they are not stored.</summary>
    public IRedHistory? Stored { get; init; }

    /// <summary>The database's file; null when there is none.</summary>
    public StoreFile? Store { get; init; }

    /// <summary>The outputs.</summary>
    public Func<IReadOnlyList<ISink>> Sinks { get; init; } = static () => [];

    /// <summary>The stored request log; null when it is not kept.</summary>
    public RequestLogReader? Log { get; init; }

    /// <summary>The stored events; null when they are not kept.</summary>
    public EventReader? Events { get; init; }

    /// <summary>What works with less than it could, in one line each.</summary>
    public Func<IReadOnlyList<string>> Degraded { get; init; } = static () => [];

    /// <summary>The page for Prometheus; null when it is off.</summary>
    public PrometheusSink? Metrics { get; init; }

    public required string NodeName { get; init; }

    /// <summary>The web page's files.</summary>
    public PageFiles Page { get; init; } = PageFiles.Embedded();

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
