using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Plugins.Interface;

/// <summary>What user space tells the filter about flows: an array of slots in shared memory. Writing one is a store, not a system call.</summary>
/// <remarks>One thread writes. A newer flow may take an older one's slot, which then counts as unknown again.</remarks>
internal sealed class FlowSlots(BpfMap map, ulong seed) : IFlowControl, IDisposable
{
    private readonly MmapArray<InterfaceSlot> _slots = new(map);

    /// <inheritdoc/>
    public void SetVerdict(Endpoint source, Endpoint destination, FlowVerdict verdict) =>
        Volatile.Write(ref Claim(FlowOf(seed, source, destination)).Verdict, (uint)verdict);

    /// <inheritdoc/>
    public void SkipUntil(Endpoint source, Endpoint destination, uint sequence) =>
        Volatile.Write(ref Claim(FlowOf(seed, source, destination)).SkipUntil, (1UL << 32) | sequence);

    /// <summary>The filter's flow_of().</summary>
    internal static ulong FlowOf(ulong seed, Endpoint source, Endpoint destination)
    {
        ulong hash = Mix(seed, source.High);
        hash = Mix(hash, source.Low);
        hash = Mix(hash, destination.High);
        hash = Mix(hash, destination.Low);
        return Mix(hash, ((ulong)source.Port << 16) | destination.Port) | 1;
    }

    /// <inheritdoc/>
    public void Dispose() => _slots.Dispose();

    private ref InterfaceSlot Claim(ulong flow)
    {
        ref InterfaceSlot slot = ref _slots[(int)((flow >> 32) % InterfaceLayout.SlotCount)];
        if (slot.Flow != flow)
        {
            // The filter believes a slot whose flow fits: none fits while the rest is being written.
            Volatile.Write(ref slot.Flow, 0);
            slot.SkipUntil = 0;
            slot.Verdict = (uint)FlowVerdict.Unknown;
            slot.RunBytes = 0;
            Volatile.Write(ref slot.Flow, flow);
        }
        return ref slot;
    }

    private static ulong Mix(ulong hash, ulong value)
    {
        hash = unchecked((hash ^ value) * 0x9E3779B97F4A7C15UL);
        return hash ^ (hash >> 32);
    }
}
