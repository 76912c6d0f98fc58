using System.Buffers;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Events;

/// <summary>An event as one line of JSON.</summary>
/// <remarks>
/// Shape: an object and a line feed; "event" names its type, which no transaction has. Names are those of the records' properties, in snake
/// case; what is not known is left out.
/// </remarks>
public static class NodeEventJson
{
    /// <summary>Appends one line.</summary>
    public static void Write(IBufferWriter<byte> output, NodeEvent happened)
    {
        Utf8Sink sink = new(output);
        sink.Raw("{\"event\":"u8);
        sink.JsonString(happened.Type);
        sink.Raw(",\"time\":\""u8);
        TimestampText.WriteRfc3339(ref sink, happened.TimeNs);
        sink.Byte((byte)'"');
        WorkloadJson.Write(ref sink, ",\"workload\":"u8, happened.Workload);
        switch (happened)
        {
            case OomKillEvent kill:
                Write(ref sink, kill);
                break;
            case AcceptQueueOverflowEvent overflow:
                Write(ref sink, overflow);
                break;
        }
        sink.Raw("}\n"u8);
        sink.Flush();
    }

    /// <summary>A scope's name in output.</summary>
    public static string NameOf(OomScope scope) => scope switch
    {
        OomScope.Cgroup => "cgroup",
        OomScope.Container => "container",
        OomScope.Pod => "pod",
        OomScope.Node => "node",
        _ => "unknown",
    };

    private static void Write(ref Utf8Sink sink, OomKillEvent kill)
    {
        Number(ref sink, ",\"process_id\":"u8, kill.ProcessId);
        Number(ref sink, ",\"container_process_id\":"u8, kill.ContainerProcessId == 0 ? -1 : kill.ContainerProcessId);
        Text(ref sink, ",\"process_name\":"u8, kill.ProcessName);
        Number(ref sink, ",\"user_id\":"u8, kill.UserId);
        Number(ref sink, ",\"trigger_process_id\":"u8, kill.TriggerProcessId);
        Text(ref sink, ",\"trigger_process_name\":"u8, kill.TriggerProcessName);
        WorkloadJson.WriteIfKnown(ref sink, ",\"trigger\":"u8, kill.Trigger);
        Text(ref sink, ",\"scope\":"u8, NameOf(kill.Scope));
        Text(ref sink, ",\"limit_cgroup\":"u8, kill.LimitCgroup);
        Number(ref sink, ",\"limit_bytes\":"u8, kill.LimitBytes);
        Number(ref sink, ",\"usage_bytes\":"u8, kill.UsageBytes);
        Number(ref sink, ",\"anon_rss_bytes\":"u8, kill.AnonRssBytes);
        Number(ref sink, ",\"file_rss_bytes\":"u8, kill.FileRssBytes);
        Number(ref sink, ",\"shmem_rss_bytes\":"u8, kill.ShmemRssBytes);
        Number(ref sink, ",\"swap_bytes\":"u8, kill.SwapBytes);
        Number(ref sink, ",\"page_table_bytes\":"u8, kill.PageTableBytes);
        sink.Raw(",\"oom_score_adj\":"u8);
        sink.Number(kill.OomScoreAdj);
        Text(ref sink, ",\"message\":"u8, kill.Message);
        Text(ref sink, ",\"hook\":"u8, kill.Hook);
    }

    private static void Write(ref Utf8Sink sink, AcceptQueueOverflowEvent overflow)
    {
        Endpoint(ref sink, ",\"listener\":\""u8, overflow.Listener);
        Number(ref sink, ",\"network_namespace\":"u8, overflow.NetworkNamespace == 0 ? -1 : overflow.NetworkNamespace);
        Number(ref sink, ",\"queue_length\":"u8, overflow.QueueLength);
        Number(ref sink, ",\"queue_limit\":"u8, overflow.QueueLimit);
        Endpoint(ref sink, ",\"client\":\""u8, overflow.Client);
        WorkloadJson.WriteIfKnown(ref sink, ",\"client_workload\":"u8, overflow.ClientWorkload);
        Number(ref sink, ",\"count\":"u8, overflow.Count);
        Number(ref sink, ",\"syn_count\":"u8, overflow.SynCount);
    }

    private static void Number(ref Utf8Sink sink, ReadOnlySpan<byte> name, long value)
    {
        if (value >= 0)
        {
            sink.Raw(name);
            sink.Number(value);
        }
    }

    private static void Text(ref Utf8Sink sink, ReadOnlySpan<byte> name, string value)
    {
        if (value.Length > 0)
        {
            sink.Raw(name);
            sink.JsonString(value);
        }
    }

    private static void Endpoint(ref Utf8Sink sink, ReadOnlySpan<byte> name, Endpoint endpoint)
    {
        sink.Raw(name);
        sink.Endpoint(endpoint);
        sink.Byte((byte)'"');
    }
}
