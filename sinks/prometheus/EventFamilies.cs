using KubeBpfBox.Core.Events;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>Events of the node, and how full accept queues are.</summary>
internal static class EventFamilies
{
    public static void Write(ref ExpositionWriter writer, IReadOnlyList<EventCount> counts, IReadOnlyList<ListenerQueue> listeners)
    {
        Counter(ref writer, counts, "oomkill", "kubebpfbox_oomkill"u8, "Processes that the kernel killed for their memory."u8);
        Counter(ref writer, counts, "tcpsynbl", "kubebpfbox_tcpsynbl_overflows"u8, "Connections refused because the accept queue was full, as ListenOverflows counts them."u8);
        Gauge(ref writer, listeners, "kubebpfbox_tcpsynbl_queue_highest"u8, "Most connections that waited to be accepted when a packet came, of the last minutes."u8, static one => one.HighestLength);
        Gauge(ref writer, listeners, "kubebpfbox_tcpsynbl_queue_limit"u8, "Connections that may wait to be accepted; the kernel refuses when more than that wait."u8, static one => one.Limit);
    }

    private static void Counter(ref ExpositionWriter writer, IReadOnlyList<EventCount> counts, string type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> help)
    {
        writer.Family(MetricType.Counter, name, help);
        foreach (EventCount one in counts)
        {
            if (one.Type == type)
            {
                writer.Sample(name, "_total"u8);
                WorkloadLabels.Write(ref writer, one.Workload);
                writer.LabelIfKnown("scope"u8, one.Scope);
                writer.Value(one.Count);
            }
        }
    }

    private static void Gauge(ref ExpositionWriter writer, IReadOnlyList<ListenerQueue> listeners, ReadOnlySpan<byte> name, ReadOnlySpan<byte> help, Func<ListenerQueue, long> value)
    {
        writer.Family(MetricType.Gauge, name, help);
        foreach (ListenerQueue listener in listeners)
        {
            writer.Sample(name);
            WorkloadLabels.Write(ref writer, listener.Workload);
            writer.Label("listener"u8, listener.Listener.ToString());
            writer.Label("netns"u8, listener.NetworkNamespace);
            writer.Value(value(listener));
        }
    }
}
