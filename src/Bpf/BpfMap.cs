using System.Runtime.InteropServices;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>A map of an object, without types: see <see cref="BpfHashMap{TKey,TValue}"/> and its relatives for access to elements.</summary>
/// <remarks>Lifetime: belongs to its <see cref="BpfObject"/>. The descriptor is valid from Load until the object is disposed.</remarks>
public sealed unsafe class BpfMap : INamed
{
    private readonly BpfObject _owner;
    private readonly nint _pointer;

    internal BpfMap(BpfObject owner, nint pointer)
    {
        _owner = owner;
        _pointer = pointer;
        string name = Marshal.PtrToStringUTF8((nint)Libbpf.bpf_map__name(pointer)) ?? "";
        // libbpf calls the map of a data section "<start of the object's name>.rodata"; the section alone is what the source says.
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        Name = dot > 0 ? name[dot..] : name;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Its kind.</summary>
    public BpfMapType Type => Libbpf.bpf_map__type(Pointer);

    /// <summary>Size of a key in bytes; 0 for ring buffers.</summary>
    public int KeySize => (int)Libbpf.bpf_map__key_size(Pointer);

    /// <summary>Size of a value in bytes; of one CPU's value in a per-CPU map.</summary>
    public int ValueSize => (int)Libbpf.bpf_map__value_size(Pointer);

    /// <summary>BPF_F_* flags of creation.</summary>
    public uint Flags => Libbpf.bpf_map__map_flags(Pointer);

    /// <summary>Most elements, or bytes of a ring buffer (a power of two and of whole pages). Can be set before Load.</summary>
    public int MaxEntries
    {
        get => (int)Libbpf.bpf_map__max_entries(Pointer);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            int result = Libbpf.bpf_map__set_max_entries(Pointer, (uint)value);
            if (result < 0)
            {
                throw BpfException.From(
                    $"set max_entries of map '{Name}' to {value}", result, hint: "Sizes can be set only before the object is loaded");
            }
        }
    }

    /// <summary>The file descriptor, owned by the object.</summary>
    /// <exception cref="InvalidOperationException">Not loaded yet.</exception>
    public int Fd
    {
        get
        {
            int fd = Libbpf.bpf_map__fd(Pointer);
            return fd >= 0 ? fd : throw new InvalidOperationException($"map '{Name}' has no descriptor before its object is loaded");
        }
    }

    /// <summary>The kernel's number ("bpftool map").</summary>
    public uint Id => KernelIds.Of(Fd);

    internal nint Pointer
    {
        get
        {
            _ = _owner.Pointer; // throws when disposed
            return _pointer;
        }
    }

    /// <summary>Leaves the map out at Load, for kernels that lack its kind; programs that use it must be left out as well.</summary>
    public void SetAutoCreate(bool create)
    {
        int result = Libbpf.bpf_map__set_autocreate(Pointer, create ? (byte)1 : (byte)0);
        if (result < 0)
        {
            throw BpfException.From($"leave out map '{Name}'", result);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Type} map '{Name}'";

    /// <summary>Refuses a typed view whose type or sizes are not the map's: the kernel copies by its own sizes.</summary>
    internal void Require(int keySize, int valueSize, params ReadOnlySpan<BpfMapType> types)
    {
        if (!types.Contains(Type))
        {
            throw new BpfException($"{this} cannot be used as {string.Join(" or ", types.ToArray())}");
        }
        if (keySize != KeySize || valueSize != ValueSize)
        {
            throw new BpfException(
                $"{this} has keys of {KeySize} and values of {ValueSize} bytes, but the C# types have {keySize} and {valueSize}: "
                + "they drifted from the C structs");
        }
        _ = Fd;
    }
}
