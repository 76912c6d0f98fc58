using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KubeBpfBox.Plugins.Traffic;

/// <summary>Twins of the structs of traffic.h; the object's BTF is compared with them before anything is attached.</summary>
internal static class TrafficLayout
{
    /// <summary>TRAFFIC_SLOTS.</summary>
    public const int SlotCount = 65_536;
}

/// <summary>Flags of <see cref="TrafficRecord"/> (TRAFFIC_*).</summary>
[Flags]
internal enum TrafficFlags : byte
{
    Ingress = 1,
    FromStart = 2,
    Listener = 4,
    StartKnown = 8,
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
