using KubeBpfBox.Core.Events;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>Events of the node, and how full accept queues are.</summary>
internal static class EventFamilies
{
    public static void Write(ref ExpositionWriter writer, IReadOnlyList<EventCount> counts, IReadOnlyList<ListenerQueue> listeners)
    {
        Counter(ref writer, counts, "oomkill", "kubebpfbox_oomkill_total"u8, "Processes that the kernel killed for their memory."u8);
        Counter(ref writer, counts, "tcpsynbl", "kubebpfbox_tcpsynbl_overflows_total"u8, "Connections refused because the accept queue was full, as ListenOverflows counts them."u8);

        writer.Family("kubebpfbox_tcpsynbl_queue_highest"u8, "gauge"u8, "Most connections that waited to be accepted when a packet came, of the last minutes."u8);
        foreach (ListenerQueue listener in listeners)
        {
            writer.Sample("kubebpfbox_tcpsynbl_queue_highest"u8);
            Labels(ref writer, listener);
            writer.Value(listener.HighestLength);
        }
        writer.Family("kubebpfbox_tcpsynbl_queue_limit"u8, "gauge"u8, "Connections that may wait to be accepted; the kernel refuses when more than that wait."u8);
        foreach (ListenerQueue listener in listeners)
        {
            writer.Sample("kubebpfbox_tcpsynbl_queue_limit"u8);
            Labels(ref writer, listener);
            writer.Value(listener.Limit);
        }
    }

    private static void Counter(ref ExpositionWriter writer, IReadOnlyList<EventCount> counts, string type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> help)
    {
        writer.Family(name, "counter"u8, help);
        foreach (EventCount one in counts)
        {
            if (one.Type == type)
            {
                writer.Sample(name);
                WorkloadLabels.Write(ref writer, one.Workload);
                if (one.Scope.Length > 0)
                {
                    writer.Label("scope"u8, one.Scope);
                }
                writer.Value(one.Count);
            }
        }
    }

    private static void Labels(ref ExpositionWriter writer, ListenerQueue listener)
    {
        WorkloadLabels.Write(ref writer, listener.Workload);
        writer.Label("listener"u8, listener.Listener.ToString());
        writer.Label("netns"u8, listener.NetworkNamespace);
    }
}
