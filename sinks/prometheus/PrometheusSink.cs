using System.Buffers;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>What the page is made from.</summary>
public sealed record PrometheusSources
{
    /// <summary>The series so far.</summary>
    public required Func<IReadOnlyList<RedSeriesSnapshot>> Red { get; init; }

    /// <summary>Counts of events.</summary>
    public Func<IReadOnlyList<EventCount>> Events { get; init; } = static () => [];

    /// <summary>Accept queues.</summary>
    public Func<IReadOnlyList<ListenerQueue>> Listeners { get; init; } = static () => [];

    /// <summary>The stages of the path.</summary>
    public required Ledger Ledger { get; init; }

    /// <summary>How the agent itself is.</summary>
    public required Func<AgentHealth> Health { get; init; }

    /// <summary>Revision it was built from; empty when not known.</summary>
    public string Revision { get; init; } = string.Empty;
}

/// <summary>Writes the page that Prometheus scrapes.</summary>
/// <remarks>Any thread may call; the page is written from snapshots. Names follow OpenTelemetry's conventions in Prometheus' spelling.</remarks>
public sealed class PrometheusSink(PrometheusSources sources)
{
    /// <summary>Writes the whole page.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        ExpositionWriter writer = new(output);
        AgentHealth health = sources.Health();
        IReadOnlyList<RedSeriesSnapshot> series = sources.Red();
        RedFamilies.Write(ref writer, series);
        EventFamilies.Write(ref writer, sources.Events(), sources.Listeners());
        LedgerFamilies.Write(ref writer, sources.Ledger);

        writer.Family("kubebpfbox_completeness_ratio"u8, "gauge"u8, "Share of the captured traffic that was followed to its end without loss."u8);
        writer.Sample("kubebpfbox_completeness_ratio"u8);
        writer.Value(health.Completeness);

        writer.Family("kubebpfbox_build_info"u8, "gauge"u8, "Version of the agent."u8);
        writer.Sample("kubebpfbox_build_info"u8);
        writer.Label("version"u8, health.Version);
        writer.Label("revision"u8, sources.Revision);
        writer.Value(1);

        ProcessFamilies.Write(ref writer, health);
    }
}
