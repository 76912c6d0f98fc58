using System.Runtime.InteropServices;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

public static unsafe partial class KernelFeatures
{
    // Functions that are global, traceable and old; the probe takes the first one that this kernel's BTF has.
    private static readonly string[] s_fentryCandidates = ["bpf_prog_get_info_by_fd", "__x64_sys_getpriority", "__arm64_sys_getpriority", "vfs_statx"];

    // check_helper_call in kernel/bpf/verifier.c, across versions
    private static readonly string[] s_helperRefusals = ["unknown func ", "invalid func ", "cannot use helper ", "cannot call GPL"];

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
    /// <param name="type">The caller's type; tracing, extension, LSM and struct-ops programs cannot be tried without a target.</param>
    /// <param name="helper">Number in enum bpf_func_id (include/uapi/linux/bpf.h), such as 130 for ringbuf_output.</param>
    /// <remarks>
    /// Asked here and not of libbpf_probe_bpf_helper: that of libbpf 1.1 reads "unknown func" in the verifier's log, but newer kernels
    /// say "program of this type cannot use helper", so it takes every known helper for allowed.
    /// </remarks>
    public static HookSupport ProbeHelper(BpfProgramType type, int helper)
    {
        LibbpfLoader.EnsureReady();
        if (type is BpfProgramType.Tracing or BpfProgramType.Ext or BpfProgramType.Lsm or BpfProgramType.StructOps)
        {
            return HookSupport.No($"helpers of {type} programs cannot be probed");
        }
        const int LogSize = 4096;
        byte* log = stackalloc byte[LogSize];
        log[0] = 0;
        // call helper; exit. The arguments are missing, which the verifier sees only after it has allowed the helper.
        ulong* instructions = stackalloc ulong[] { 0x85 | ((ulong)(uint)helper << 32), 0x95 };
        ProgramLoadOptions options = new()
        {
            Size = (nuint)sizeof(ProgramLoadOptions),
            ExpectedAttachType = type switch
            {
                BpfProgramType.CgroupSockAddr => BpfAttachType.CgroupInet4Connect,
                BpfProgramType.CgroupSockopt => BpfAttachType.CgroupGetsockopt,
                BpfProgramType.SkLookup => BpfAttachType.SkLookup,
                _ => 0,
            },
            LogLevel = 1,
            LogSize = LogSize,
            LogBuffer = log,
        };
        int program = Libbpf.bpf_prog_load(type, "probe_helper", "GPL", instructions, 2, &options);
        if (program >= 0)
        {
            _ = Libc.close(program);
            return HookSupport.Yes;
        }
        string said = Marshal.PtrToStringUTF8((nint)log) ?? "";
        bool judged = said.Length > 0;
        bool refused = s_helperRefusals.Any(text => said.Contains(text, StringComparison.Ordinal));
        return judged && !refused
            ? HookSupport.Yes
            : HookSupport.No($"helper {helper} in {type} programs: {(judged ? VerifierLog.Summarize(said).Reason : BpfException.Describe(program))}");
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
