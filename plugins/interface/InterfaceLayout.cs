using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Plugins.Interface;

/// <summary>Twins of the structs of interface.h; the object's BTF is compared with them before anything is attached.</summary>
internal static class InterfaceLayout
{
    /// <summary>INTERFACE_SLOTS.</summary>
    public const int SlotCount = 65_536;

    /// <summary>Compares every twin with its C struct.</summary>
    /// <exception cref="BpfException">They have drifted apart; the message names each member that differs.</exception>
    public static void Check(BpfObject obj)
    {
        Btf btf = Btf.Of(obj);
        InterfaceSlot slot = default;
        btf.Twin("interface_slot", ref slot)
            .Field("flow", ref slot.Flow)
            .Field("skip_until", ref slot.SkipUntil)
            .Field("verdict", ref slot.Verdict)
            .Field("run_acknowledgment", ref slot.RunAcknowledgment)
            .Field("run_bytes", ref slot.RunBytes)
            .Field("run_ticks", ref slot.RunTicks)
            .Check();
        InterfaceCounters counters = default;
        btf.Twin("interface_counters", ref counters)
            .Field("packets", ref counters.Packets)
            .Field("passed", ref counters.Passed)
            .Field("looped", ref counters.Looped)
            .Field("not_tcp", ref counters.NotTcp)
            .Field("not_parsed", ref counters.NotParsed)
            .Field("no_payload", ref counters.NoPayload)
            .Field("ignored", ref counters.Ignored)
            .Field("unwanted", ref counters.Unwanted)
            .Check();
        if (obj.Maps["slots"].MaxEntries != SlotCount)
        {
            throw new BpfException($"map 'slots' has {obj.Maps["slots"].MaxEntries} entries in C, {SlotCount} in C#");
        }
    }
}

/// <summary>struct interface_slot.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InterfaceSlot
{
    public ulong Flow;
    public ulong SkipUntil;
    public uint Verdict;
    public uint RunAcknowledgment;
    public uint RunBytes;
    public uint RunTicks;
}

/// <summary>struct interface_counters.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InterfaceCounters
{
    public ulong Packets;
    public ulong Passed;
    public ulong Looped;
    public ulong NotTcp;
    public ulong NotParsed;
    public ulong NoPayload;
    public ulong Ignored;
    public ulong Unwanted;
}
