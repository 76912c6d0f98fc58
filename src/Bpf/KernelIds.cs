using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>The numbers of all programs, maps and links in the kernel, whoever made them. Needs CAP_SYS_ADMIN.</summary>
public static unsafe class KernelIds
{
    /// <summary>All loaded programs.</summary>
    public static IReadOnlyList<uint> Programs() => Walk("programs", &Libbpf.bpf_prog_get_next_id);

    /// <summary>All maps.</summary>
    public static IReadOnlyList<uint> Maps() => Walk("maps", &Libbpf.bpf_map_get_next_id);

    /// <summary>All links.</summary>
    public static IReadOnlyList<uint> Links() => Walk("links", &Libbpf.bpf_link_get_next_id);

    private static List<uint> Walk(string kind, delegate*<uint, uint*, int> next)
    {
        LibbpfLoader.EnsureReady();
        List<uint> ids = [];
        uint id = 0;
        int result;
        while ((result = next(id, &id)) == 0)
        {
            ids.Add(id);
        }
        return result == -Errors.ENOENT ? ids : throw BpfException.From($"list the kernel's BPF {kind}", result, Capability.SysAdmin);
    }

    /// <summary>The number of the object behind a descriptor, for kinds whose info starts with (type, id).</summary>
    /// <returns>0 when the descriptor is of no such object.</returns>
    internal static uint Of(int fd)
    {
        uint* info = stackalloc uint[64];
        new Span<uint>(info, 64).Clear();
        uint size = 64 * sizeof(uint);
        return Libbpf.bpf_obj_get_info_by_fd(fd, info, &size) == 0 ? info[1] : 0;
    }
}
