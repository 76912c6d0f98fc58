using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>An array map, seen as C# structs. For one that is read often, <see cref="MmapArray{TValue}"/> needs no system call.</summary>
/// <remarks>Lifetime: a view; valid until the object is disposed. Values are copies. Threads: safe from all.</remarks>
public sealed unsafe class BpfArrayMap<TValue>
    where TValue : unmanaged
{
    private readonly BpfMap _map;
    private readonly int _fd;

    /// <summary>Makes the view.</summary>
    /// <exception cref="BpfException">The map has another type, or another size of values.</exception>
    public BpfArrayMap(BpfMap map)
    {
        map.Require(sizeof(uint), sizeof(TValue), BpfMapType.Array);
        _map = map;
        _fd = map.Fd;
        Length = map.MaxEntries;
    }

    /// <summary>Number of elements; they exist from the start, zeroed.</summary>
    public int Length { get; }

    /// <summary>Reads or writes an element, by one system call.</summary>
    public TValue this[int index]
    {
        get
        {
            TValue value;
            uint key = Checked(index);
            int result = Libbpf.bpf_map_lookup_elem(_fd, &key, &value);
            return result == 0 ? value : throw BpfException.From($"read element {index} of {_map}", result);
        }
        set
        {
            uint key = Checked(index);
            int result = Libbpf.bpf_map_update_elem(_fd, &key, &value, 0);
            if (result != 0)
            {
                throw BpfException.From($"write element {index} of {_map}", result);
            }
        }
    }

    private uint Checked(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length, nameof(index));
        return (uint)index;
    }
}
