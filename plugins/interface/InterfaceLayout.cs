using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Plugins.Interface;

/// <summary>Twins of interface.h; the object's BTF is compared with them before anything is attached.</summary>
internal static class InterfaceLayout
{
    /// <summary>INTERFACE_SLOTS.</summary>
    public const int SlotCount = 65_536;

    private static ReadOnlySpan<(InterfaceCount Count, string Name)> Counts => new[]
    {
        (InterfaceCount.Packets, "INTERFACE_PACKETS"),
        (InterfaceCount.Passed, "INTERFACE_PASSED"),
        (InterfaceCount.Looped, "INTERFACE_LOOPED"),
        (InterfaceCount.NotTcp, "INTERFACE_NOT_TCP"),
        (InterfaceCount.NotParsed, "INTERFACE_NOT_PARSED"),
        (InterfaceCount.NoPayload, "INTERFACE_NO_PAYLOAD"),
        (InterfaceCount.Ignored, "INTERFACE_IGNORED"),
        (InterfaceCount.NotWanted, "INTERFACE_NOT_WANTED"),
    };

    /// <summary>Compares every twin with C.</summary>
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
        foreach ((InterfaceCount count, string name) in Counts)
        {
            if (!btf.TryGetEnumValue("interface_count", name, out long value) || value != (long)count)
            {
                throw new BpfException($"enum interface_count has no {name} = {(int)count}");
            }
        }
        if (obj.Maps["counters"].MaxEntries != Counts.Length)
        {
            throw new BpfException($"map 'counters' has {obj.Maps["counters"].MaxEntries} entries in C, {Counts.Length} in C#");
        }
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

/// <summary>enum interface_count.</summary>
internal enum InterfaceCount
{
    Packets = 0,
    Passed = 1,
    Looped = 2,
    NotTcp = 3,
    NotParsed = 4,
    NoPayload = 5,
    Ignored = 6,
    NotWanted = 7,
}
