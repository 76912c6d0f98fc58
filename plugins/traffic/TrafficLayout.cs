using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Plugins.Traffic;

/// <summary>Twins of the structs of traffic.h; the object's BTF is compared with them before anything is attached.</summary>
internal static class TrafficLayout
{
    /// <summary>TRAFFIC_SLOTS.</summary>
    public const int SlotCount = 65_536;

    /// <summary>Compares every twin with its C struct.</summary>
    /// <exception cref="BpfException">They have drifted apart; the message names each member that differs.</exception>
    public static void Check(BpfObject obj)
    {
        Btf btf = Btf.Of(obj);
        TrafficSocket socket = default;
        btf.Twin("traffic_socket", ref socket)
            .Field("cookie", ref socket.Cookie)
            .Field("cgroup_id", ref socket.CgroupId)
            .Field("local_address", ref socket.LocalAddress)
            .Field("remote_address", ref socket.RemoteAddress)
            .Field("local_port", ref socket.LocalPort)
            .Field("remote_port", ref socket.RemotePort)
            .Field("netns", ref socket.Netns)
            .Field("pid", ref socket.Pid)
            .Field("start_sequence", ref socket.StartSequence)
            .Field("comm", ref socket.Comm)
            .Check();
        TrafficRecord record = default;
        btf.Twin("traffic_record", ref record)
            .Field("ktime_ns", ref record.KtimeNs)
            .Field("sequence", ref record.Sequence)
            .Field("acknowledgment", ref record.Acknowledgment)
            .Field("payload_length", ref record.PayloadLength)
            .Field("captured_length", ref record.CapturedLength)
            .Field("tcp_flags", ref record.TcpFlags)
            .Field("flags", ref record.Flags)
            .Field("socket", ref record.Socket)
            .Array("payload", ref Unsafe.Add(ref record, 1), 0)
            .Check();
        TrafficSlot slot = default;
        btf.Twin("traffic_slot", ref slot)
            .Field("cookie", ref slot.Cookie)
            .Array("skip_until", ref slot.SkipUntilEgress, 2)
            .Field("verdict", ref slot.Verdict)
            .Check();
        TrafficControl control = default;
        btf.Twin("traffic_control", ref control).Field("sleeping", ref control.Sleeping).Check();
        CheckCounters(btf);
        if (obj.Maps["slots"].MaxEntries != SlotCount)
        {
            throw new BpfException($"map 'slots' has {obj.Maps["slots"].MaxEntries} entries in C, {SlotCount} in C#");
        }
    }

    private static void CheckCounters(Btf btf)
    {
        TrafficCounters counters = default;
        btf.Twin("traffic_counters", ref counters)
            .Field("packets", ref counters.Packets)
            .Field("submitted", ref counters.Submitted)
            .Field("ring_full", ref counters.RingFull)
            .Field("no_socket", ref counters.NoSocket)
            .Field("not_tcp", ref counters.NotTcp)
            .Field("not_parsed", ref counters.NotParsed)
            .Field("no_payload", ref counters.NoPayload)
            .Field("ignored", ref counters.Ignored)
            .Field("unwanted", ref counters.Unwanted)
            .Field("over_budget", ref counters.OverBudget)
            .Field("no_storage", ref counters.NoStorage)
            .Field("ring_full_bytes", ref counters.RingFullBytes)
            .Check();
    }
}

/// <summary>Flags of <see cref="TrafficRecord"/> (TRAFFIC_*).</summary>
[Flags]
internal enum TrafficFlags : byte
{
    Ingress = 1,
    FromStart = 2,
    Listener = 4,
    StartKnown = 8,
    Released = 16,
}

/// <summary>What <see cref="TrafficSlot.Verdict"/> says (TRAFFIC_*).</summary>
internal enum TrafficVerdict : uint
{
    Unknown = 0,
    Capture = 1,
    Ignore = 2,
    Probe = 3,
}

/// <summary>16 bytes.</summary>
[InlineArray(16)]
internal struct Bytes16
{
    private byte _first;
}

/// <summary>struct traffic_socket.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TrafficSocket
{
    public ulong Cookie;
    public ulong CgroupId;
    public Bytes16 LocalAddress;
    public Bytes16 RemoteAddress;
    public ushort LocalPort;
    public ushort RemotePort;
    public uint Netns;
    public uint Pid;
    public uint StartSequence;
    public Bytes16 Comm;
}

/// <summary>struct traffic_record; the payload follows.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TrafficRecord
{
    public ulong KtimeNs;
    public uint Sequence;
    public uint Acknowledgment;
    public uint PayloadLength;
    public ushort CapturedLength;
    public byte TcpFlags;
    public TrafficFlags Flags;
    public TrafficSocket Socket;
}

/// <summary>struct traffic_slot.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TrafficSlot
{
    public ulong Cookie;
    public ulong SkipUntilEgress;
    public ulong SkipUntilIngress;
    public TrafficVerdict Verdict;
    public uint Reserved;
}

/// <summary>struct traffic_control.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TrafficControl
{
    public uint Sleeping;
}

/// <summary>struct traffic_counters.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TrafficCounters
{
    public ulong Packets;
    public ulong Submitted;
    public ulong RingFull;
    public ulong NoSocket;
    public ulong NotTcp;
    public ulong NotParsed;
    public ulong NoPayload;
    public ulong Ignored;
    public ulong Unwanted;
    public ulong OverBudget;
    public ulong NoStorage;
    public ulong RingFullBytes;
}
