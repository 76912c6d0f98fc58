using System.Buffers;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Writes events of the node as log records.</summary>
/// <remarks>
/// The body is the line that people read, so that a backend that shows nothing else says enough. Not thread-safe.
/// Source: opentelemetry/proto/logs/v1/logs.proto; logs data model; semantic conventions for processes.
/// </remarks>
internal sealed class EventWriter(ProtoWriter writer)
{
    private const int Attribute = 6;
    private const ulong Warn = 13;
    private const ulong Error = 17;

    private readonly ArrayBufferWriter<byte> _body = new();

    /// <summary>Appends one log record.</summary>
    /// <param name="happened">What.</param>
    /// <param name="nowNs">When it is written.</param>
    public void Write(NodeEvent happened, long nowNs)
    {
        int record = writer.Open(Resources.Item);
        writer.Fixed64(1, (ulong)happened.TimeNs);
        bool isKill = happened is OomKillEvent;
        writer.Varint(2, isKill ? Error : Warn);
        writer.Bytes(3, isKill ? "ERROR"u8 : "WARN"u8);
        _body.ResetWrittenCount();
        NodeEventText.WriteMessage(_body, happened);
        int body = writer.Open(5);
        writer.WireText(1, _body.WrittenSpan);
        writer.Close(body);
        switch (happened)
        {
            case OomKillEvent kill:
                Attributes(kill);
                break;
            case AcceptQueueOverflowEvent overflow:
                Attributes(overflow);
                break;
        }
        writer.Fixed64(11, (ulong)nowNs);
        int name = writer.Open(12);
        writer.Append("kubebpfbox."u8);
        writer.Append(happened.Type);
        writer.Close(name);
        writer.Close(record);
    }

    private void Attributes(OomKillEvent kill)
    {
        writer.Attribute(Attribute, "process.pid"u8, kill.ProcessId);
        Known("process.vpid"u8, kill.ContainerProcessId == 0 ? -1 : kill.ContainerProcessId);
        writer.Attribute(Attribute, "process.executable.name"u8, kill.ProcessName);
        Known("process.user.id"u8, kill.UserId);
        writer.Attribute(Attribute, "kubebpfbox.oomkill.scope"u8, NodeEventJson.NameOf(kill.Scope));
        Known("kubebpfbox.oomkill.limit_cgroup"u8, kill.LimitCgroup);
        Known("kubebpfbox.oomkill.limit_bytes"u8, kill.LimitBytes);
        Known("kubebpfbox.oomkill.usage_bytes"u8, kill.UsageBytes);
        Known("kubebpfbox.oomkill.anon_rss_bytes"u8, kill.AnonRssBytes);
        Known("kubebpfbox.oomkill.file_rss_bytes"u8, kill.FileRssBytes);
        Known("kubebpfbox.oomkill.shmem_rss_bytes"u8, kill.ShmemRssBytes);
        Known("kubebpfbox.oomkill.swap_bytes"u8, kill.SwapBytes);
        Known("kubebpfbox.oomkill.page_table_bytes"u8, kill.PageTableBytes);
        writer.Attribute(Attribute, "kubebpfbox.oomkill.oom_score_adj"u8, kill.OomScoreAdj);
        Known("kubebpfbox.oomkill.message"u8, kill.Message);
        writer.Attribute(Attribute, "kubebpfbox.oomkill.hook"u8, kill.Hook);
        writer.Attribute(Attribute, "kubebpfbox.oomkill.trigger.pid"u8, kill.TriggerProcessId);
        writer.Attribute(Attribute, "kubebpfbox.oomkill.trigger.name"u8, kill.TriggerProcessName);
        writer.Attribute(Attribute, "kubebpfbox.oomkill.trigger.namespace"u8, kill.Trigger.Namespace);
        writer.Attribute(Attribute, "kubebpfbox.oomkill.trigger.pod"u8, kill.Trigger.Pod);
    }

    private void Attributes(AcceptQueueOverflowEvent overflow)
    {
        Span<byte> text = stackalloc byte[Endpoint.MaxTextLength];
        writer.Attribute(Attribute, "server.address"u8, text[..EndpointText.FormatAddress(overflow.Listener, text)]);
        writer.Attribute(Attribute, "server.port"u8, overflow.Listener.Port);
        writer.Attribute(Attribute, "client.address"u8, text[..EndpointText.FormatAddress(overflow.Client, text)]);
        writer.Attribute(Attribute, "client.port"u8, overflow.Client.Port);
        writer.Attribute(Attribute, "kubebpfbox.tcpsynbl.count"u8, overflow.Count);
        writer.Attribute(Attribute, "kubebpfbox.tcpsynbl.syn_count"u8, overflow.SynCount);
        writer.Attribute(Attribute, "kubebpfbox.tcpsynbl.queue_length"u8, overflow.QueueLength);
        writer.Attribute(Attribute, "kubebpfbox.tcpsynbl.queue_limit"u8, overflow.QueueLimit);
        Known("kubebpfbox.tcpsynbl.network_namespace"u8, overflow.NetworkNamespace == 0 ? -1 : overflow.NetworkNamespace);
        if (!ReferenceEquals(overflow.ClientWorkload, Workload.Unknown))
        {
            PeerAttributes.Write(writer, Attribute, overflow.ClientWorkload, isClient: false);
        }
    }

    private void Known(ReadOnlySpan<byte> key, long value)
    {
        if (value >= 0)
        {
            writer.Attribute(Attribute, key, value);
        }
    }

    private void Known(ReadOnlySpan<byte> key, string value)
    {
        if (value.Length > 0)
        {
            writer.Attribute(Attribute, key, value);
        }
    }
}
