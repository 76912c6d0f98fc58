using System.Buffers;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>How the agent is, as points of "agent", "agent_ledger" and "agent_dropped".</summary>
/// <remarks>One call at a time.</remarks>
internal sealed class AgentLines(string node, Ledger ledger, Func<AgentHealth> health)
{
    /// <summary>Writes all points of one moment.</summary>
    public void Write(BatchBuilder builder, long timeNs)
    {
        WriteHealth(builder, timeNs);
        ledger.Refresh();
        foreach (LedgerStage stage in ledger.Stages)
        {
            PointTags tags = new() { Node = node, Stage = stage.Name, Unit = stage.Unit };
            WriteStage(builder, tags, stage, timeNs);
            foreach ((string reason, Counter counter) in stage.Dropped)
            {
                if (counter.Value != 0)
                {
                    WriteDropped(builder, tags with { Reason = reason }, counter.Value, timeNs);
                }
            }
        }
    }

    private void WriteHealth(BatchBuilder builder, long timeNs)
    {
        if (builder.TryBegin(out IBufferWriter<byte> output))
        {
            AgentHealth now = health();
            LineWriter writer = new(output);
            writer.Tags(new PointTags { Node = node }.Escape("agent"u8));
            writer.Field("completeness"u8, now.Completeness);
            writer.Field("cpu_seconds"u8, now.CpuSeconds);
            writer.Field("resident_bytes"u8, now.ResidentBytes);
            writer.Field("red_series"u8, now.RedSeries);
            writer.Field("version"u8, now.Version);
            writer.End(timeNs);
            builder.End(timeNs);
        }
    }

    private static void WriteStage(BatchBuilder builder, PointTags tags, LedgerStage stage, long timeNs)
    {
        if (builder.TryBegin(out IBufferWriter<byte> output))
        {
            LineWriter writer = new(output);
            writer.Tags(tags.Escape("agent_ledger"u8));
            writer.Field("in"u8, stage.In.Value);
            writer.Field("out"u8, stage.Out.Value);
            writer.Field("held"u8, stage.Held?.Invoke() ?? 0);
            writer.Field("dropped"u8, stage.Dropped.Sum(static reason => reason.Value.Value));
            writer.End(timeNs);
            builder.End(timeNs);
        }
    }

    private static void WriteDropped(BatchBuilder builder, PointTags tags, long dropped, long timeNs)
    {
        if (builder.TryBegin(out IBufferWriter<byte> output))
        {
            LineWriter writer = new(output);
            writer.Tags(tags.Escape("agent_dropped"u8));
            writer.Field("dropped"u8, dropped);
            writer.End(timeNs);
            builder.End(timeNs);
        }
    }
}
