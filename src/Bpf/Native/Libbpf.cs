using System.Runtime.InteropServices;

namespace KubeBpfBox.Bpf.Native;

/// <summary>The functions of libbpf 1.x that this library uses, as they are in libbpf.h, bpf.h and btf.h.</summary>
/// <remarks>
/// Errors: integer results are -errno; a NULL pointer leaves errno, which is why those set the last error. libbpf's own codes start at 4000.
/// </remarks>
internal static unsafe partial class Libbpf
{
    private const string Library = LibbpfLoader.Name;

    [LibraryImport(Library)]
    internal static partial int libbpf_strerror(int error, byte* buffer, nuint size);

    [LibraryImport(Library)]
    internal static partial nint libbpf_set_print(delegate* unmanaged<int, byte*, void*, int> callback);

    // Objects
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint bpf_object__open_mem(byte* data, nuint size, ObjectOpenOptions* options);

    [LibraryImport(Library)]
    internal static partial int bpf_object__load(nint obj);

    [LibraryImport(Library)]
    internal static partial void bpf_object__close(nint obj);

    [LibraryImport(Library)]
    internal static partial nint bpf_object__btf(nint obj);

    [LibraryImport(Library)]
    internal static partial nint bpf_object__next_program(nint obj, nint previous);

    [LibraryImport(Library)]
    internal static partial nint bpf_object__next_map(nint obj, nint previous);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint bpf_object__find_map_by_name(nint obj, string name);

    // Programs
    [LibraryImport(Library)]
    internal static partial byte* bpf_program__name(nint program);

    [LibraryImport(Library)]
    internal static partial byte* bpf_program__section_name(nint program);

    [LibraryImport(Library)]
    internal static partial byte bpf_program__autoload(nint program);

    [LibraryImport(Library)]
    internal static partial int bpf_program__set_autoload(nint program, byte autoload);

    [LibraryImport(Library)]
    internal static partial int bpf_program__fd(nint program);

    [LibraryImport(Library)]
    internal static partial BpfProgramType bpf_program__type(nint program);

    [LibraryImport(Library)]
    internal static partial BpfAttachType bpf_program__expected_attach_type(nint program);

    [LibraryImport(Library)]
    internal static partial int bpf_program__set_log_buf(nint program, byte* buffer, nuint size);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int bpf_program__set_attach_target(nint program, int programFd, string function);

    // Attaching
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint bpf_program__attach_cgroup(nint program, int cgroupFd);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint bpf_program__attach_raw_tracepoint(nint program, string name);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint bpf_program__attach_trace(nint program);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint bpf_program__attach_kprobe(nint program, byte isReturn, string function);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint bpf_program__attach_uprobe_opts(nint program, int pid, string path, nuint offset, UprobeOptions* options);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint bpf_program__attach_tracepoint(nint program, string category, string name);

    [LibraryImport(Library)]
    internal static partial int bpf_link__fd(nint link);

    [LibraryImport(Library)]
    internal static partial int bpf_link__destroy(nint link);

    // Maps
    [LibraryImport(Library)]
    internal static partial byte* bpf_map__name(nint map);

    [LibraryImport(Library)]
    internal static partial int bpf_map__fd(nint map);

    [LibraryImport(Library)]
    internal static partial BpfMapType bpf_map__type(nint map);

    [LibraryImport(Library)]
    internal static partial uint bpf_map__key_size(nint map);

    [LibraryImport(Library)]
    internal static partial uint bpf_map__value_size(nint map);

    [LibraryImport(Library)]
    internal static partial uint bpf_map__max_entries(nint map);

    [LibraryImport(Library)]
    internal static partial int bpf_map__set_max_entries(nint map, uint count);

    [LibraryImport(Library)]
    internal static partial uint bpf_map__map_flags(nint map);

    [LibraryImport(Library)]
    internal static partial int bpf_map__set_autocreate(nint map, byte create);

    [LibraryImport(Library)]
    internal static partial byte* bpf_map__initial_value(nint map, nuint* size);

    [LibraryImport(Library)]
    internal static partial int bpf_map_lookup_elem(int fd, void* key, void* value);

    [LibraryImport(Library)]
    internal static partial int bpf_map_update_elem(int fd, void* key, void* value, ulong flags);

    [LibraryImport(Library)]
    internal static partial int bpf_map_delete_elem(int fd, void* key);

    [LibraryImport(Library)]
    internal static partial int bpf_map_lookup_and_delete_elem(int fd, void* key, void* value);

    [LibraryImport(Library)]
    internal static partial int bpf_map_get_next_key(int fd, void* key, void* nextKey);

    [LibraryImport(Library)]
    internal static partial int bpf_map_lookup_batch(int fd, void* cursor, void* nextCursor, void* keys, void* values, uint* count, BatchOptions* options);

    [LibraryImport(Library)]
    internal static partial int libbpf_num_possible_cpus();

    [LibraryImport(Library)]
    internal static partial uint libbpf_major_version();

    [LibraryImport(Library)]
    internal static partial uint libbpf_minor_version();

    // BTF
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint btf__load_vmlinux_btf();

    [LibraryImport(Library)]
    internal static partial void btf__free(nint btf);

    [LibraryImport(Library)]
    internal static partial uint btf__type_cnt(nint btf);

    [LibraryImport(Library)]
    internal static partial BtfType* btf__type_by_id(nint btf, uint id);

    [LibraryImport(Library)]
    internal static partial byte* btf__name_by_offset(nint btf, uint offset);

    [LibraryImport(Library)]
    internal static partial long btf__resolve_size(nint btf, uint id);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int btf__find_by_name_kind(nint btf, string name, uint kind);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int libbpf_find_vmlinux_btf_id(string name, BpfAttachType type);

    // Probes, identities and test runs
    [LibraryImport(Library)]
    internal static partial int libbpf_probe_bpf_prog_type(BpfProgramType type, void* options);

    [LibraryImport(Library)]
    internal static partial int libbpf_probe_bpf_map_type(BpfMapType type, void* options);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int bpf_prog_load(
        BpfProgramType type, string name, string license, void* instructions, nuint count, ProgramLoadOptions* options);

    [LibraryImport(Library)]
    internal static partial int bpf_raw_tracepoint_open(byte* name, int programFd);

    [LibraryImport(Library)]
    internal static partial int bpf_link_get_next_id(uint start, uint* next);

    [LibraryImport(Library)]
    internal static partial int bpf_prog_get_next_id(uint start, uint* next);

    [LibraryImport(Library)]
    internal static partial int bpf_map_get_next_id(uint start, uint* next);

    [LibraryImport(Library)]
    internal static partial int bpf_obj_get_info_by_fd(int fd, void* info, uint* size);

    [LibraryImport(Library)]
    internal static partial int bpf_prog_test_run_opts(int programFd, TestRunOptions* options);
}
