using System.Text;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Writes how the agent itself is, and what each stage took in, passed on, dropped and holds.</summary>
/// <remarks>The names translate to those on /metrics. Source: semantic conventions for process metrics.</remarks>
internal sealed class AgentMetrics(ProtoWriter writer, MetricWriter metrics, long startNs)
{
    public void Write(AgentHealth health, Ledger ledger, long nowNs)
    {
        metrics.OpenGauge("kubebpfbox.completeness"u8, "1"u8, "Share of the captured traffic that was followed to its end without loss."u8);
        metrics.Point(0, nowNs, health.Completeness);
        metrics.Close();
        metrics.OpenGauge("kubebpfbox.red.series"u8, default, "Series of rate, errors and duration in use."u8);
        metrics.Point(0, nowNs, (long)health.RedSeries);
        metrics.Close();
        metrics.OpenCounter("process.cpu.time"u8, "s"u8, "User and system CPU time of the agent."u8);
        metrics.Point(startNs, nowNs, health.CpuSeconds);
        metrics.Close();
        if (health.ResidentBytes > 0)
        {
            metrics.OpenUpDownCounter("process.memory.usage"u8, "By"u8, "Resident memory of the agent."u8);
            metrics.Point(startNs, nowNs, health.ResidentBytes);
            metrics.Close();
            metrics.OpenUpDownCounter("process.memory.virtual"u8, "By"u8, "Virtual memory of the agent."u8);
            metrics.Point(startNs, nowNs, health.VirtualBytes);
            metrics.Close();
        }
        Write(ledger, nowNs);
    }

    private void Write(Ledger ledger, long nowNs)
    {
        ledger.Refresh();
        IReadOnlyList<LedgerStage> stages = ledger.Stages;
        metrics.OpenCounter("kubebpfbox.ledger.in"u8, default, "What came into a stage."u8);
        Points(stages, startNs, nowNs, static stage => stage.In.Value);
        metrics.OpenCounter("kubebpfbox.ledger.out"u8, default, "What a stage passed on."u8);
        Points(stages, startNs, nowNs, static stage => stage.Out.Value);
        metrics.OpenGauge("kubebpfbox.ledger.held"u8, default, "What is inside a stage now."u8);
        Points(stages, 0, nowNs, static stage => stage.Held?.Invoke() ?? 0);
        if (stages.Any(static stage => stage.Dropped.Count > 0))
        {
            Dropped(stages, nowNs);
        }
        foreach (LedgerNote note in ledger.Notes)
        {
            metrics.OpenCounter(Encoding.UTF8.GetBytes("kubebpfbox." + note.Name), default, Encoding.UTF8.GetBytes(note.Help));
            metrics.Point(startNs, nowNs, note.Counter.Value);
            metrics.Close();
        }
    }

    private void Points(IReadOnlyList<LedgerStage> stages, long sinceNs, long nowNs, Func<LedgerStage, long> value)
    {
        foreach (LedgerStage stage in stages)
        {
            Point(stage, reason: null, sinceNs, nowNs, value(stage));
        }
        metrics.Close();
    }

    private void Dropped(IReadOnlyList<LedgerStage> stages, long nowNs)
    {
        metrics.OpenCounter("kubebpfbox.ledger.dropped"u8, default, "What a stage dropped, by reason."u8);
        foreach (LedgerStage stage in stages)
        {
            foreach ((string reason, Counter count) in stage.Dropped)
            {
                Point(stage, reason, startNs, nowNs, count.Value);
            }
        }
        metrics.Close();
    }

    private void Point(LedgerStage stage, string? reason, long sinceNs, long nowNs, long value)
    {
        int point = metrics.OpenPoint(sinceNs, nowNs);
        metrics.Value(value);
        writer.Attribute(MetricWriter.PointAttribute, "stage"u8, stage.Name);
        writer.Attribute(MetricWriter.PointAttribute, "unit"u8, stage.Unit);
        writer.Attribute(MetricWriter.PointAttribute, "reason"u8, reason);
        writer.Close(point);
    }
}
