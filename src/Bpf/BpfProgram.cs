using System.Runtime.InteropServices;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>A program of an object. Attaching is in BpfProgram.Attach.cs.</summary>
/// <remarks>Lifetime: belongs to its <see cref="BpfObject"/>; links made from it do not.</remarks>
public sealed unsafe partial class BpfProgram : INamed
{
    private readonly BpfObject _owner;
    private readonly nint _pointer;

    internal BpfProgram(BpfObject owner, nint pointer)
    {
        _owner = owner;
        _pointer = pointer;
        Name = Marshal.PtrToStringUTF8((nint)Libbpf.bpf_program__name(pointer)) ?? "";
        Section = Marshal.PtrToStringUTF8((nint)Libbpf.bpf_program__section_name(pointer)) ?? "";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The SEC() of the source, which says the type.</summary>
    public string Section { get; }

    /// <summary>Its kind.</summary>
    public BpfProgramType Type => Libbpf.bpf_program__type(Pointer);

    /// <summary>What it expects to be attached to.</summary>
    public BpfAttachType ExpectedAttachType => Libbpf.bpf_program__expected_attach_type(Pointer);

    /// <summary>Whether Load loads it. Set to false for hooks that this kernel lacks.</summary>
    public bool AutoLoad
    {
        get => Libbpf.bpf_program__autoload(Pointer) != 0;
        set
        {
            int result = Libbpf.bpf_program__set_autoload(Pointer, value ? (byte)1 : (byte)0);
            if (result < 0)
            {
                throw BpfException.From($"set AutoLoad of program '{Name}'", result, hint: "It can be set only before the object is loaded");
            }
        }
    }

    /// <summary>The file descriptor, owned by the object.</summary>
    /// <exception cref="InvalidOperationException">Not loaded.</exception>
    public int Fd
    {
        get
        {
            int fd = Libbpf.bpf_program__fd(Pointer);
            return fd >= 0 ? fd : throw new InvalidOperationException($"program '{Name}' is not loaded");
        }
    }

    /// <summary>The kernel's number ("bpftool prog"), asked anew each time.</summary>
    public uint Id => KernelIds.Of(Fd);

    internal nint Pointer
    {
        get
        {
            _ = _owner.Pointer; // throws when disposed
            return _pointer;
        }
    }

    /// <summary>What loading needs beside CAP_BPF.</summary>
    internal Capability NeededToLoad => Type switch
    {
        BpfProgramType.SocketFilter => Capability.None,
        BpfProgramType.Kprobe or BpfProgramType.Tracepoint or BpfProgramType.RawTracepoint or BpfProgramType.Tracing
            or BpfProgramType.PerfEvent or BpfProgramType.Lsm => Capability.Perfmon,
        _ => Capability.NetAdmin,
    };

    /// <summary>Names the kernel function or BTF tracepoint of an fentry, fexit or tp_btf program, before Load.</summary>
    public void SetAttachTarget(string function)
    {
        LibbpfLog.StartCapture();
        int result = Libbpf.bpf_program__set_attach_target(Pointer, 0, function);
        if (result < 0)
        {
            throw BpfException.From($"make '{function}' the target of program '{Name}'", result);
        }
    }

    /// <summary>Runs the program on the given packet with nothing attached (BPF_PROG_TEST_RUN).</summary>
    /// <param name="packet">An Ethernet frame of at least 14 bytes and less than a page; programs other than tc ones see it without its Ethernet header.</param>
    /// <param name="repeat">How often.</param>
    /// <returns>The last return value, and the mean duration of one run.</returns>
    public (uint ReturnValue, uint DurationNs) TestRun(ReadOnlySpan<byte> packet, int repeat = 1)
    {
        fixed (byte* data = packet)
        {
            TestRunOptions options = new()
            {
                Size = (nuint)sizeof(TestRunOptions),
                DataIn = data,
                DataSizeIn = (uint)packet.Length,
                Repeat = repeat,
            };
            int result = Libbpf.bpf_prog_test_run_opts(Fd, &options);
            return result < 0
                ? throw BpfException.From($"test-run program '{Name}'", result, Capability.Bpf | NeededToLoad)
                : (options.ReturnValue, options.DurationNs);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"program '{Name}'";
}
