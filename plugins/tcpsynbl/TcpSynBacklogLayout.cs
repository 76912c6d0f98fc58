using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Plugins.Tcpsynbl;

/// <summary>Twins of the structs of tcpsynbl.h; the object's BTF is compared with them before anything is attached.</summary>
internal static class TcpSynBacklogLayout
{
    /// <summary>Compares every twin with its C struct.</summary>
    /// <exception cref="BpfException">They have drifted apart; the message names each member that differs.</exception>
    public static void Check(BpfObject obj)
    {
        Btf btf = Btf.Of(obj);
        ListenerEntry listener = default;
        btf.Twin("tcpsynbl_listener", ref listener)
            .Field("lock", ref listener.Lock)
            .Field("closed", ref listener.Closed)
            .Field("cgroup_id", ref listener.CgroupId)
            .Field("local_address", ref listener.LocalAddress)
            .Field("local_port", ref listener.LocalPort)
            .Field("netns", ref listener.Netns)
            .Field("packets", ref listener.Packets)
            .Field("window", ref listener.Window)
            .Field("highest", ref listener.Highest)
            .Field("highest_before", ref listener.HighestBefore)
            .Field("limit", ref listener.Limit)
            .Field("overflow_length", ref listener.OverflowLength)
            .Field("overflow_limit", ref listener.OverflowLimit)
            .Field("client_port", ref listener.ClientPort)
            .Field("overflows", ref listener.Overflows)
            .Field("syn_overflows", ref listener.SynOverflows)
            .Field("overflow_ktime_ns", ref listener.OverflowKtimeNs)
            .Field("client_address", ref listener.ClientAddress)
            .Check();
        TcpSynBacklogCounters counters = default;
        btf.Twin("tcpsynbl_counters", ref counters)
            .Field("overflows", ref counters.Overflows)
            .Field("no_room", ref counters.NoRoom)
            .Field("not_parsed", ref counters.NotParsed)
            .Check();
    }
}

/// <summary>16 bytes.</summary>
[InlineArray(16)]
internal struct Address16
{
    private byte _first;
}

/// <summary>struct tcpsynbl_listener.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ListenerEntry
{
    public uint Lock;
    public uint Closed;
    public ulong CgroupId;
    public Address16 LocalAddress;
    public ushort LocalPort;
    public ushort Reserved;
    public uint Netns;
    public ulong Packets;
    public ulong Window;
    public uint Highest;
    public uint HighestBefore;
    public uint Limit;
    public uint OverflowLength;
    public uint OverflowLimit;
    public ushort ClientPort;
    public ushort Padding;
    public ulong Overflows;
    public ulong SynOverflows;
    public ulong OverflowKtimeNs;
    public Address16 ClientAddress;
}

/// <summary>struct tcpsynbl_counters.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TcpSynBacklogCounters
{
    public ulong Overflows;
    public ulong NoRoom;
    public ulong NotParsed;
}
