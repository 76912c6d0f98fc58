using System.Buffers;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Events;

/// <summary>An event as one line for people.</summary>
/// <remarks>Shape: time of day in UTC, type, who, what. Names of processes are escaped, so that a hostile one cannot steer a terminal.</remarks>
public static class NodeEventText
{
    private const long Mib = 1 << 20;

    /// <summary>Appends one line.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="happened">What.</param>
    /// <param name="ansi">Colours the type for a terminal.</param>
    public static void Write(IBufferWriter<byte> output, NodeEvent happened, bool ansi = false)
    {
        Utf8Sink sink = new(output);
        TimestampText.WriteTimeOfDay(ref sink, happened.TimeNs);
        sink.Byte((byte)' ');
        sink.Raw(ansi ? "\e[1;31m"u8 : default);
        sink.TerminalText(happened.Type);
        sink.Raw(ansi ? "\e[0m "u8 : " "u8);
        WriteWhat(ref sink, happened);
        sink.Byte((byte)'\n');
        sink.Flush();
    }

    /// <summary>Appends who and what, without time, type and line feed: for outputs that have those in places of their own.</summary>
    public static void WriteMessage(IBufferWriter<byte> output, NodeEvent happened)
    {
        Utf8Sink sink = new(output);
        WriteWhat(ref sink, happened);
        sink.Flush();
    }

    private static void WriteWhat(ref Utf8Sink sink, NodeEvent happened)
    {
        WorkloadText.Write(ref sink, happened.Workload, default);
        if (happened.Workload.Container is { } container)
        {
            sink.Byte((byte)'/');
            sink.TerminalText(container);
        }
        switch (happened)
        {
            case OomKillEvent kill:
                Write(ref sink, kill);
                break;
            case AcceptQueueOverflowEvent overflow:
                Write(ref sink, overflow);
                break;
        }
    }

    private static void Write(ref Utf8Sink sink, OomKillEvent kill)
    {
        sink.Raw(" killed "u8);
        sink.TerminalText(kill.ProcessName);
        sink.Raw(" (pid "u8);
        sink.Number(kill.ProcessId);
        sink.Raw(kill.Scope == OomScope.Node ? "): the node's memory ran out"u8 : "): memory limit"u8);
        if (kill.LimitBytes >= 0)
        {
            sink.Raw(" of "u8);
            sink.Number(kill.LimitBytes / Mib);
            sink.Raw(" MiB"u8);
        }
        if (kill.Scope != OomScope.Node)
        {
            sink.Raw(" of its "u8);
            sink.TerminalText(kill.Scope == OomScope.Unknown ? "cgroup" : NodeEventJson.NameOf(kill.Scope));
        }
        if (kill.AnonRssBytes >= 0)
        {
            sink.Raw(", it had "u8);
            sink.Number((kill.AnonRssBytes + Math.Max(0, kill.FileRssBytes) + Math.Max(0, kill.ShmemRssBytes)) / Mib);
            sink.Raw(" MiB"u8);
        }
        if (kill.TriggerProcessId != kill.ProcessId)
        {
            sink.Raw(", asked for by "u8);
            sink.TerminalText(kill.TriggerProcessName);
            sink.Raw(" (pid "u8);
            sink.Number(kill.TriggerProcessId);
            sink.Byte((byte)')');
        }
    }

    private static void Write(ref Utf8Sink sink, AcceptQueueOverflowEvent overflow)
    {
        sink.Raw(" accept queue of "u8);
        sink.Endpoint(overflow.Listener);
        sink.Raw(" full, "u8);
        sink.Number(overflow.QueueLength);
        sink.Byte((byte)'/');
        sink.Number(overflow.QueueLimit);
        sink.Raw(": "u8);
        sink.Number(overflow.Count);
        sink.Raw(overflow.Count == 1 ? " connection refused, from "u8 : " connections refused, last from "u8);
        WorkloadText.WriteOrAddress(ref sink, overflow.ClientWorkload, overflow.Client);
    }
}
