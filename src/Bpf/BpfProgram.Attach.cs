using System.Runtime.InteropServices;
using System.Text;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

public sealed unsafe partial class BpfProgram
{
    /// <summary>Attaches to a cgroup v2 directory and all below it. Other programs there keep running, other links too (5.7).</summary>
    /// <param name="path">Such as "/sys/fs/cgroup"; see <see cref="Cgroup2.FindMountPoint()"/>.</param>
    public BpfLink AttachCgroup(string path)
    {
        int fd = Libc.open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        if (fd < 0)
        {
            throw BpfException.From($"open cgroup '{path}'", Marshal.GetLastPInvokeError());
        }
        try
        {
            return AttachCgroup(fd, $"cgroup '{path}'");
        }
        finally
        {
            _ = Libc.close(fd);
        }
    }

    /// <summary>Attaches to the cgroup of an open directory; the descriptor may be closed afterwards.</summary>
    public BpfLink AttachCgroup(int fd) => AttachCgroup(fd, $"cgroup of descriptor {fd}");

    private LibbpfLink AttachCgroup(int fd, string target)
    {
        LibbpfLog.StartCapture();
        return Made(
            Libbpf.bpf_program__attach_cgroup(Loaded(), fd), target, Capability.Bpf | Capability.NetAdmin,
            "The directory must be on a cgroup v2 mount, and the kernel 5.7 or newer");
    }

    /// <summary>Attaches a socket filter to any socket, usually an AF_PACKET one. The link keeps the socket open.</summary>
    public BpfLink AttachSocketFilter(SafeHandle socket)
    {
        _ = Loaded();
        int fd = Fd;
        bool referenced = false;
        socket.DangerousAddRef(ref referenced);
        LibbpfLog.StartCapture();
        if (Libc.setsockopt((int)socket.DangerousGetHandle(), Libc.SolSocket, Libc.SoAttachBpf, &fd, sizeof(int)) == 0)
        {
            return new SocketFilterLink(socket, $"program '{Name}' to a socket");
        }
        int errno = Marshal.GetLastPInvokeError();
        socket.DangerousRelease();
        throw Failed("a socket", errno, Capability.None, $"The program must be a socket filter; it is {Type}");
    }

    /// <summary>Attaches to a raw tracepoint (SEC("raw_tp")), such as "mark_victim".</summary>
    public BpfLink AttachRawTracepoint(string name)
    {
        LibbpfLog.StartCapture();
        return Made(
            Libbpf.bpf_program__attach_raw_tracepoint(Loaded(), name), $"raw tracepoint '{name}'", Capability.Bpf | Capability.Perfmon,
            "ENOENT means that this kernel has no such tracepoint; EINVAL that the program reads more arguments than it has");
    }

    /// <summary>Attaches a SEC("tp_btf/name") program to its tracepoint.</summary>
    public BpfLink AttachBtfTracepoint() => AttachTrace("BTF tracepoint");

    /// <summary>Attaches a SEC("fentry/function") or SEC("fexit/function") program to its function.</summary>
    public BpfLink AttachFentry() => AttachTrace("function entry or exit");

    private LibbpfLink AttachTrace(string kind)
    {
        LibbpfLog.StartCapture();
        return Made(
            Libbpf.bpf_program__attach_trace(Loaded()), $"{kind} '{Section}'", Capability.Bpf | Capability.Perfmon,
            "fentry and fexit need a kernel with function tracing and BPF trampolines (x86-64 5.5, arm64 6.0)");
    }

    /// <summary>Attaches to the entry of a kernel function, or to its return.</summary>
    public BpfLink AttachKprobe(string function, bool ret)
    {
        LibbpfLog.StartCapture();
        return Made(
            Libbpf.bpf_program__attach_kprobe(Loaded(), ret ? (byte)1 : (byte)0, function), $"{(ret ? "return" : "entry")} of kernel function '{function}'",
            Capability.Bpf | Capability.Perfmon, "The kernel must have kprobes (CONFIG_KPROBES) and this function, not inlined");
    }

    /// <summary>Attaches to an instruction of a program or library file.</summary>
    /// <param name="path">The file; a library's short name is looked up like the dynamic linker does.</param>
    /// <param name="offset">Offset of the instruction in the file.</param>
    /// <param name="pid">One process, 0 for this one, -1 for all.</param>
    /// <param name="ret">At the return of the function that starts there.</param>
    public BpfLink AttachUprobe(string path, long offset, int pid = -1, bool ret = false) => AttachUprobe(path, null, offset, pid, ret);

    /// <summary>Attaches to a function of a program or library file by its symbol.</summary>
    /// <inheritdoc cref="AttachUprobe(string,long,int,bool)"/>
    public BpfLink AttachUprobe(string path, string symbol, int pid = -1, bool ret = false) => AttachUprobe(path, symbol, 0, pid, ret);

    private LibbpfLink AttachUprobe(string path, string? symbol, long offset, int pid, bool ret)
    {
        LibbpfLog.StartCapture();
        fixed (byte* function = symbol is null ? null : Encoding.UTF8.GetBytes(symbol + '\0'))
        {
            UprobeOptions options = new() { Size = (nuint)sizeof(UprobeOptions), IsReturn = ret ? 1UL : 0, FunctionName = function };
            return Made(
                Libbpf.bpf_program__attach_uprobe_opts(Loaded(), pid, path, (nuint)offset, &options),
                $"{(ret ? "return" : "entry")} of '{symbol ?? $"0x{offset:x}"}' in '{path}'",
                Capability.Bpf | Capability.Perfmon, "The file must exist and have the symbol (a stripped file needs an offset)");
        }
    }

    /// <summary>Attaches to a classic tracepoint, such as ("syscalls", "sys_enter_openat"). Needs tracefs to be mounted.</summary>
    public BpfLink AttachTracepoint(string category, string name)
    {
        LibbpfLog.StartCapture();
        return Made(
            Libbpf.bpf_program__attach_tracepoint(Loaded(), category, name), $"tracepoint '{category}/{name}'",
            Capability.Bpf | Capability.Perfmon, "tracefs must be mounted on /sys/kernel/tracing, and the tracepoint be there");
    }

    /// <summary>The pointer, once it is sure that there is something to attach.</summary>
    private nint Loaded()
    {
        _ = Fd;
        return Pointer;
    }

    // Evaluated right after the call, so that nothing in between can change the saved errno.
    private LibbpfLink Made(nint link, string target, Capability needed, string hint) => link == 0
        ? throw Failed(target, Marshal.GetLastPInvokeError(), needed, hint)
        : new LibbpfLink(link, $"program '{Name}' to {target}");

    private BpfException Failed(string target, int errno, Capability needed, string hint) =>
        BpfException.From($"attach program '{Name}' to {target}", errno, needed, hint);
}
