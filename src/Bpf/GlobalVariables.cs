using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>Finds global variables of an object through its BTF: a DATASEC for each section, with the variables' offsets and sizes.</summary>
internal static unsafe class GlobalVariables
{
    private readonly record struct Place(string Section, int Offset, int Size);

    internal static void Set<T>(BpfObject obj, string variable, T value)
        where T : unmanaged
    {
        if (obj.IsLoaded)
        {
            throw new InvalidOperationException($"'{variable}' must be set before BPF object '{obj.Name}' is loaded");
        }
        Place place = Find<T>(obj, variable);
        Unsafe.WriteUnaligned(InitialValue(obj, place, variable) + place.Offset, value);
    }

    internal static T Get<T>(BpfObject obj, string variable)
        where T : unmanaged
    {
        Place place = Find<T>(obj, variable);
        if (!obj.IsLoaded)
        {
            return Unsafe.ReadUnaligned<T>(InitialValue(obj, place, variable) + place.Offset);
        }
        // A section is an array map of one element, which is the whole section.
        BpfMap map = obj.Maps[place.Section];
        byte[] section = new byte[map.ValueSize];
        uint zero = 0;
        fixed (byte* bytes = section)
        {
            int result = Libbpf.bpf_map_lookup_elem(map.Fd, &zero, bytes);
            return result < 0
                ? throw BpfException.From($"read variable '{variable}' from {map}", result)
                : Unsafe.ReadUnaligned<T>(bytes + place.Offset);
        }
    }

    private static byte* InitialValue(BpfObject obj, Place place, string variable)
    {
        nuint size;
        byte* start = Libbpf.bpf_map__initial_value(obj.Maps[place.Section].Pointer, &size);
        return start is not null && (nuint)(place.Offset + place.Size) <= size
            ? start
            : throw new BpfException($"variable '{variable}' of BPF object '{obj.Name}' has no memory in section {place.Section}");
    }

    private static Place Find<T>(BpfObject obj, string variable)
        where T : unmanaged
    {
        nint btf = Libbpf.bpf_object__btf(obj.Pointer);
        if (btf == 0)
        {
            throw new BpfException($"BPF object '{obj.Name}' has no BTF: compile it with -g");
        }
        List<string> known = [];
        uint count = Libbpf.btf__type_cnt(btf);
        for (uint id = 1; id < count; id++)
        {
            BtfType* section = Libbpf.btf__type_by_id(btf, id);
            if (section->Kind != BtfKind.DataSection)
            {
                continue;
            }
            string sectionName = Text(btf, section->NameOffset);
            BtfSectionVariable* entries = (BtfSectionVariable*)(section + 1);
            for (int i = 0; i < section->Count && IsData(sectionName); i++)
            {
                string name = Text(btf, Libbpf.btf__type_by_id(btf, entries[i].Type)->NameOffset);
                if (name == variable)
                {
                    return sizeof(T) == entries[i].Size
                        ? new Place(sectionName, (int)entries[i].Offset, sizeof(T))
                        : throw new BpfException($"variable '{variable}' of BPF object '{obj.Name}' has {entries[i].Size} bytes, {typeof(T).Name} has {sizeof(T)}");
                }
                known.Add(name);
            }
        }
        throw new BpfException($"BPF object '{obj.Name}' has no global variable '{variable}'; it has {(known.Count == 0 ? "none" : string.Join(", ", known))}");
    }

    private static bool IsData(string section) =>
        section.StartsWith(".rodata", StringComparison.Ordinal) || section.StartsWith(".data", StringComparison.Ordinal)
        || section.StartsWith(".bss", StringComparison.Ordinal);

    private static string Text(nint btf, uint offset) => Marshal.PtrToStringUTF8((nint)Libbpf.btf__name_by_offset(btf, offset)) ?? "";
}
