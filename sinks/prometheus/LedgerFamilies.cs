using System.Text;
using KubeBpfBox.Core.Accounting;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>What each stage took in, passed on, dropped and holds.</summary>
internal static class LedgerFamilies
{
    public static void Write(ref ExpositionWriter writer, Ledger ledger)
    {
        ledger.Refresh();
        Family(ref writer, ledger, "kubebpfbox_ledger_in_total"u8, "counter"u8, "What came into a stage."u8, static stage => stage.In.Value);
        Family(ref writer, ledger, "kubebpfbox_ledger_out_total"u8, "counter"u8, "What a stage passed on."u8, static stage => stage.Out.Value);
        Family(ref writer, ledger, "kubebpfbox_ledger_held"u8, "gauge"u8, "What is inside a stage now."u8, static stage => stage.Held?.Invoke() ?? 0);
        writer.Family("kubebpfbox_ledger_dropped_total"u8, "counter"u8, "What a stage dropped, by reason."u8);
        foreach (LedgerStage stage in ledger.Stages)
        {
            foreach ((string reason, Counter count) in stage.Dropped)
            {
                writer.Sample("kubebpfbox_ledger_dropped_total"u8);
                writer.Label("stage"u8, stage.Name);
                writer.Label("unit"u8, stage.Unit);
                writer.Label("reason"u8, reason);
                writer.Value(count.Value);
            }
        }
        foreach (LedgerNote note in ledger.Notes)
        {
            byte[] name = Encoding.UTF8.GetBytes($"kubebpfbox_{note.Name}_total");
            writer.Family(name, "counter"u8, Encoding.UTF8.GetBytes(note.Help));
            writer.Sample(name);
            writer.Value(note.Counter.Value);
        }
    }

    private static void Family(ref ExpositionWriter writer, Ledger ledger, ReadOnlySpan<byte> name, ReadOnlySpan<byte> type, ReadOnlySpan<byte> help, Func<LedgerStage, long> value)
    {
        writer.Family(name, type, help);
        foreach (LedgerStage stage in ledger.Stages)
        {
            writer.Sample(name);
            writer.Label("stage"u8, stage.Name);
            writer.Label("unit"u8, stage.Unit);
            writer.Value(value(stage));
        }
    }
}
