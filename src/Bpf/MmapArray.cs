using System.Runtime.CompilerServices;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>An array map created with BPF_F_MMAPABLE, mapped into this process: element access is memory access.</summary>
/// <remarks>
/// Lifetime: references stay valid until <see cref="Dispose"/>, after which touching one that was kept ends the process; take them
/// anew by the indexer. The mapping keeps the map alive in the kernel, also after its object is disposed.
/// Threads: as shared memory: aligned fields of up to 8 bytes are read and written whole, use Volatile or Interlocked where order matters.
/// </remarks>
public sealed unsafe class MmapArray<TValue> : IDisposable
    where TValue : unmanaged
{
    private readonly MemoryMapping _mapping;
    private readonly int _stride;

    /// <summary>Maps all elements, to read and to write.</summary>
    /// <exception cref="BpfException">The map has another type or size of values, or lacks BPF_F_MMAPABLE.</exception>
    public MmapArray(BpfMap map)
    {
        const uint Mmapable = 1 << 10; // BPF_F_MMAPABLE
        map.Require(sizeof(uint), sizeof(TValue), BpfMapType.Array);
        if ((map.Flags & Mmapable) == 0)
        {
            throw new BpfException($"{map} cannot be mapped: give it __uint(map_flags, BPF_F_MMAPABLE)");
        }
        Length = map.MaxEntries;
        _stride = (sizeof(TValue) + 7) & ~7; // elements are 8-byte aligned (kernel/bpf/arraymap.c, elem_size)
        _mapping = MemoryMapping.Create(map, (nuint)_stride * (nuint)Length, Libc.ProtRead | Libc.ProtWrite, 0);
    }

    /// <summary>Number of elements.</summary>
    public int Length { get; }

    /// <summary>The element itself, not a copy.</summary>
    public ref TValue this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length, nameof(index));
            return ref *(TValue*)(_mapping.Address + ((nint)index * _stride));
        }
    }

    /// <summary>All elements at once, for values whose size is a multiple of 8.</summary>
    /// <exception cref="InvalidOperationException">There is padding between elements.</exception>
    public Span<TValue> Span => _stride == sizeof(TValue)
        ? new Span<TValue>((void*)_mapping.Address, Length)
        : throw new InvalidOperationException($"elements of {sizeof(TValue)} bytes lie {_stride} bytes apart");

    /// <summary>Unmaps. No reference or span may be used any more.</summary>
    public void Dispose() => _mapping.Dispose();
}
