using System.Buffers;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>Events of the node as points of the measurements "oomkill" and "tcpsynbl".</summary>
/// <remarks>One call at a time.</remarks>
internal sealed class EventLines(string node)
{
    private readonly TakenTimes _times = new(remembered: 1024);

    /// <summary>Writes one line.</summary>
    public void Write(IBufferWriter<byte> output, NodeEvent happened)
    {
        string tags = PointTags.Of(happened.Workload, node).Escape(happened is OomKillEvent ? "oomkill"u8 : "tcpsynbl"u8);
        LineWriter writer = new(output);
        writer.Tags(tags);
        switch (happened)
        {
            case OomKillEvent kill:
                Write(ref writer, kill);
                break;
            case AcceptQueueOverflowEvent overflow:
                Write(ref writer, overflow);
                break;
        }
        writer.Field("poduid"u8, happened.Workload.PodUid);
        writer.Field("containerid"u8, happened.Workload.ContainerId);
        writer.End(_times.Take(SeriesTags.From(tags).Hash, happened.TimeNs));
    }

    private static void Write(ref LineWriter writer, OomKillEvent kill)
    {
        writer.Field("pid"u8, kill.ProcessId);
        writer.Field("comm"u8, kill.ProcessName);
        if (kill.ContainerProcessId != 0)
        {
            writer.Field("containerpid"u8, kill.ContainerProcessId);
        }
        IfKnown(ref writer, "userid"u8, kill.UserId);
        writer.Field("triggerpid"u8, kill.TriggerProcessId);
        writer.Field("triggercomm"u8, kill.TriggerProcessName);
        writer.Field("triggernamespace"u8, kill.Trigger.Namespace);
        writer.Field("triggerpodname"u8, kill.Trigger.Pod);
        writer.Field("message"u8, kill.Message);
        writer.Field("scope"u8, NodeEventJson.NameOf(kill.Scope));
        writer.Field("limitcgroup"u8, kill.LimitCgroup);
        if (kill.LimitBytes >= 0)
        {
            // What the older product called the pages of the limit.
            writer.Field("pages"u8, kill.LimitBytes / Environment.SystemPageSize);
        }
        IfKnown(ref writer, "limit_bytes"u8, kill.LimitBytes);
        IfKnown(ref writer, "usage_bytes"u8, kill.UsageBytes);
        IfKnown(ref writer, "anon_rss_bytes"u8, kill.AnonRssBytes);
        IfKnown(ref writer, "file_rss_bytes"u8, kill.FileRssBytes);
        IfKnown(ref writer, "shmem_rss_bytes"u8, kill.ShmemRssBytes);
        IfKnown(ref writer, "swap_bytes"u8, kill.SwapBytes);
        IfKnown(ref writer, "page_table_bytes"u8, kill.PageTableBytes);
        writer.Field("oom_score_adj"u8, kill.OomScoreAdj);
        writer.Field("hook"u8, kill.Hook);
    }

    private static void Write(ref LineWriter writer, AcceptQueueOverflowEvent overflow)
    {
        writer.Field("ackbacklog"u8, overflow.QueueLength);
        writer.Field("maxackbacklog"u8, overflow.QueueLimit);
        writer.Field("count"u8, overflow.Count);
        writer.Field("syncount"u8, overflow.SynCount);
        writer.Address("srcip"u8, overflow.Client);
        writer.Field("srcport"u8, overflow.Client.Port);
        writer.Address("dstip"u8, overflow.Listener);
        writer.Field("dstport"u8, overflow.Listener.Port);
        PeerFields.Write(ref writer, overflow.ClientWorkload);
    }

    private static void IfKnown(ref LineWriter writer, ReadOnlySpan<byte> name, long value)
    {
        if (value >= 0)
        {
            writer.Field(name, value);
        }
    }
}
