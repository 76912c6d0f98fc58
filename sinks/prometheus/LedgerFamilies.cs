using System.Text;
using KubeBpfBox.Core.Accounting;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>What each stage took in, passed on, dropped and holds.</summary>
internal static class LedgerFamilies
{
    public static void Write(ref ExpositionWriter writer, Ledger ledger)
    {
        ledger.Refresh();
        Family(ref writer, ledger, MetricType.Counter, "kubebpfbox_ledger_in"u8, "What came into a stage."u8, static stage => stage.In.Value);
        Family(ref writer, ledger, MetricType.Counter, "kubebpfbox_ledger_out"u8, "What a stage passed on."u8, static stage => stage.Out.Value);
        Family(ref writer, ledger, MetricType.Gauge, "kubebpfbox_ledger_held"u8, "What is inside a stage now."u8, static stage => stage.Held?.Invoke() ?? 0);
        writer.Family(MetricType.Counter, "kubebpfbox_ledger_dropped"u8, "What a stage dropped, by reason."u8);
        foreach (LedgerStage stage in ledger.Stages)
        {
            foreach ((string reason, Counter count) in stage.Dropped)
            {
                writer.Sample("kubebpfbox_ledger_dropped"u8, "_total"u8);
                writer.Label("stage"u8, stage.Name);
                writer.Label("unit"u8, stage.Unit);
                writer.Label("reason"u8, reason);
                writer.Value(count.Value);
            }
        }
        foreach (LedgerNote note in ledger.Notes)
        {
            writer.Single(MetricType.Counter, Encoding.UTF8.GetBytes($"kubebpfbox_{note.Name}"), Encoding.UTF8.GetBytes(note.Help), note.Counter.Value);
        }
    }

    private static void Family(ref ExpositionWriter writer, Ledger ledger, MetricType type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> help, Func<LedgerStage, long> value)
    {
        writer.Family(type, name, help);
        foreach (LedgerStage stage in ledger.Stages)
        {
            writer.Sample(name, ExpositionWriter.SuffixOf(type));
            writer.Label("stage"u8, stage.Name);
            writer.Label("unit"u8, stage.Unit);
            writer.Value(value(stage));
        }
    }
}
