using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

public static unsafe partial class KernelFeatures
{
    // Functions that are global, traceable and old; the probe takes the first one that this kernel's BTF has.
    private static readonly string[] s_fentryCandidates = ["bpf_prog_get_info_by_fd", "__x64_sys_getpriority", "__arm64_sys_getpriority", "vfs_statx"];

    /// <summary>True when the kernel describes its own types (/sys/kernel/btf/vmlinux), which CO-RE programs need.</summary>
    public static bool HasBtf => File.Exists("/sys/kernel/btf/vmlinux");

    /// <summary>Tries to load a minimal program of this type.</summary>
    public static HookSupport Probe(BpfProgramType type)
    {
        LibbpfLoader.EnsureReady();
        return Answer(Libbpf.libbpf_probe_bpf_prog_type(type, null), $"program type {type}");
    }

    /// <summary>Tries to create a minimal map of this type.</summary>
    public static HookSupport Probe(BpfMapType type)
    {
        LibbpfLoader.EnsureReady();
        return Answer(Libbpf.libbpf_probe_bpf_map_type(type, null), $"map type {type}");
    }

    /// <summary>Tries whether programs of this type may call a helper.</summary>
    /// <param name="type">The caller's type.</param>
    /// <param name="helper">Number in enum bpf_func_id (include/uapi/linux/bpf.h), such as 130 for ringbuf_output.</param>
    public static HookSupport ProbeHelper(BpfProgramType type, int helper)
    {
        LibbpfLoader.EnsureReady();
        return Answer(Libbpf.libbpf_probe_bpf_helper(type, helper, null), $"helper {helper} in {type} programs");
    }

    /// <summary>Whether kernel functions can be probed by kprobes.</summary>
    public static HookSupport Kprobe()
    {
        // The perf unit is registered with CONFIG_KPROBE_EVENTS (4.17), whatever is mounted.
        return File.Exists("/sys/bus/event_source/devices/kprobe/type")
            ? Probe(BpfProgramType.Kprobe)
            : HookSupport.No("this kernel was built without kprobes (/sys/bus/event_source/devices/kprobe is missing)");
    }

    /// <summary>Whether user-space functions can be probed.</summary>
    public static HookSupport Uprobe() => File.Exists("/sys/bus/event_source/devices/uprobe/type")
        ? Probe(BpfProgramType.Kprobe)
        : HookSupport.No("this kernel was built without uprobes (/sys/bus/event_source/devices/uprobe is missing)");

    /// <summary>Whether fentry and fexit programs load and attach: a program that does nothing is attached for a moment.</summary>
    public static HookSupport Fentry()
    {
        LibbpfLoader.EnsureReady();
        LibbpfLog.StartCapture();
        if (!HasBtf)
        {
            return HookSupport.No("this kernel has no BTF (/sys/kernel/btf/vmlinux is missing)");
        }
        int function = s_fentryCandidates
            .Select(static name => Libbpf.libbpf_find_vmlinux_btf_id(name, BpfAttachType.TraceFentry)).FirstOrDefault(static id => id > 0);
        if (function <= 0)
        {
            return HookSupport.No("none of the functions tried is in the kernel's BTF");
        }
        // r0 = 0; exit
        ulong* instructions = stackalloc ulong[] { 0xb7, 0x95 };
        ProgramLoadOptions options = new()
        {
            Size = (nuint)sizeof(ProgramLoadOptions),
            ExpectedAttachType = BpfAttachType.TraceFentry,
            AttachBtfId = (uint)function,
        };
        int program = Libbpf.bpf_prog_load(BpfProgramType.Tracing, "probe_fentry", "GPL", instructions, 2, &options);
        if (program < 0)
        {
            return HookSupport.No($"loading an fentry program: {BpfException.Describe(program)}");
        }
        int link = Libbpf.bpf_raw_tracepoint_open(null, program);
        _ = Libc.close(program);
        if (link < 0)
        {
            return HookSupport.No($"attaching an fentry program: {BpfException.Describe(link)}");
        }
        _ = Libc.close(link);
        return HookSupport.Yes;
    }

    private static HookSupport Answer(int result, string what) => result switch
    {
        1 => HookSupport.Yes,
        0 => HookSupport.No($"this kernel has no {what}, or this process may not use it"),
        _ => HookSupport.No($"probing {what}: {BpfException.Describe(result)}"),
    };
}
