using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>A per-CPU array: each element has one value for every possible CPU, so programs count without locks.</summary>
/// <remarks>
/// Units: <see cref="CpuCount"/> is the number of possible CPUs (/sys/devices/system/cpu/possible), which may be more than run.
/// Lifetime: a view; valid until the object is disposed. Values are copies, each CPU's read on its own while programs go on counting.
/// Threads: not safe for concurrent use of one instance, which owns a buffer so that reading does not allocate.
/// </remarks>
public sealed unsafe class BpfPerCpuArray<TValue>
    where TValue : unmanaged
{
    private readonly BpfMap _map;
    private readonly int _fd;
    private readonly int _stride;
    private readonly byte[] _buffer;

    /// <summary>Makes the view.</summary>
    /// <exception cref="BpfException">The map has another type, or another size of values.</exception>
    public BpfPerCpuArray(BpfMap map)
    {
        map.Require(sizeof(uint), sizeof(TValue), BpfMapType.PercpuArray);
        _map = map;
        _fd = map.Fd;
        Length = map.MaxEntries;
        CpuCount = KernelFeatures.PossibleCpuCount;
        _stride = (sizeof(TValue) + 7) & ~7; // the kernel rounds each value up to 8 bytes (bpf_percpu_array_copy)
        _buffer = new byte[_stride * CpuCount];
    }

    /// <summary>Number of elements.</summary>
    public int Length { get; }

    /// <summary>Values of one element.</summary>
    public int CpuCount { get; }

    /// <summary>Copies the values of all CPUs.</summary>
    /// <param name="index">The element.</param>
    /// <param name="values">At least <see cref="CpuCount"/> long.</param>
    public void Read(int index, Span<TValue> values)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(values.Length, CpuCount, nameof(values));
        Fetch(index);
        for (int cpu = 0; cpu < CpuCount; cpu++)
        {
            values[cpu] = Unsafe.ReadUnaligned<TValue>(ref _buffer[cpu * _stride]);
        }
    }

    /// <summary>Sets the values of all CPUs.</summary>
    public void Write(int index, ReadOnlySpan<TValue> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, CpuCount, nameof(values));
        Check(index);
        for (int cpu = 0; cpu < CpuCount; cpu++)
        {
            Unsafe.WriteUnaligned(ref _buffer[cpu * _stride], values[cpu]);
        }
        fixed (byte* buffer = _buffer)
        {
            int result = Libbpf.bpf_map_update_elem(_fd, &index, buffer, 0);
            if (result != 0)
            {
                throw BpfException.From($"write element {index} of {_map}", result);
            }
        }
    }

    /// <summary>Adds the values of all CPUs, for a value that consists of 64-bit counters and nothing else.</summary>
    /// <returns>The struct with each counter summed; overflow wraps around.</returns>
    /// <exception cref="InvalidOperationException">The size is not a multiple of 8.</exception>
    public TValue Sum(int index)
    {
        if (sizeof(TValue) % sizeof(ulong) != 0)
        {
            throw new InvalidOperationException($"{typeof(TValue).Name} of {sizeof(TValue)} bytes does not consist of 64-bit counters");
        }
        Fetch(index);
        TValue total = default;
        Span<ulong> sums = MemoryMarshal.Cast<TValue, ulong>(new Span<TValue>(ref total));
        ReadOnlySpan<ulong> all = MemoryMarshal.Cast<byte, ulong>(_buffer);
        for (int i = 0; i < all.Length; i++)
        {
            sums[i % sums.Length] += all[i];
        }
        return total;
    }

    private void Fetch(int index)
    {
        Check(index);
        fixed (byte* buffer = _buffer)
        {
            int result = Libbpf.bpf_map_lookup_elem(_fd, &index, buffer);
            if (result != 0)
            {
                throw BpfException.From($"read element {index} of {_map}", result);
            }
        }
    }

    private void Check(int index) => ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length, nameof(index));
}
