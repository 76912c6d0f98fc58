using System.Runtime.InteropServices;

namespace KubeBpfBox.Bpf.Native;

// Options structs of libbpf 1.1. Each starts with its own size, so a newer libbpf fills what it added with defaults.

/// <summary>struct bpf_object_open_opts.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ObjectOpenOptions
{
    internal nuint Size;
    internal byte* ObjectName;
    internal byte RelaxedMaps;
    internal byte* PinRootPath;
    internal uint Removed;
    internal byte* Kconfig;
    internal byte* BtfCustomPath;
    internal byte* KernelLogBuffer;
    internal nuint KernelLogSize;
    internal uint KernelLogLevel;
    internal uint Padding;
}

/// <summary>struct bpf_uprobe_opts.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct UprobeOptions
{
    internal nuint Size;
    internal nuint ReferenceCounterOffset;
    internal ulong Cookie;
    internal ulong IsReturn; // bool and seven bytes of padding: they must be zero
    internal byte* FunctionName;
}

/// <summary>struct bpf_prog_load_opts.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ProgramLoadOptions
{
    internal nuint Size;
    internal int Attempts;
    internal BpfAttachType ExpectedAttachType;
    internal uint BtfFd;
    internal uint Flags;
    internal uint InterfaceIndex;
    internal uint KernelVersion;
    internal uint AttachBtfId;
    internal uint AttachProgramFd;
    internal uint AttachBtfObjectFd;
    internal uint Padding;
    internal int* FdArray;
    internal void* FunctionInfo;
    internal uint FunctionInfoCount;
    internal uint FunctionInfoRecordSize;
    internal void* LineInfo;
    internal uint LineInfoCount;
    internal uint LineInfoRecordSize;
    internal uint LogLevel;
    internal uint LogSize;
    internal byte* LogBuffer;
}

/// <summary>struct bpf_test_run_opts.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TestRunOptions
{
    internal nuint Size;
    internal void* DataIn;
    internal void* DataOut;
    internal uint DataSizeIn;
    internal uint DataSizeOut;
    internal void* ContextIn;
    internal void* ContextOut;
    internal uint ContextSizeIn;
    internal uint ContextSizeOut;
    internal uint ReturnValue;
    internal int Repeat;
    internal uint DurationNs;
    internal uint Flags;
    internal uint Cpu;
    internal uint BatchSize;
}

/// <summary>struct btf_type: the head; what follows depends on the kind.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BtfType
{
    internal uint NameOffset;
    internal uint Info;
    internal uint SizeOrType;

    // Info: bits 0-15 vlen, 24-28 kind, 31 kind_flag (include/uapi/linux/btf.h)
    internal readonly int Count => (int)(Info & 0xffff);

    internal readonly BtfKind Kind => (BtfKind)((Info >> 24) & 0x1f);

    internal readonly bool KindFlag => Info >> 31 != 0;
}

/// <summary>struct btf_member: name, type, and bit offset (with the bit-field's size in the top byte when kind_flag is set).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BtfMemberRecord
{
    internal uint NameOffset;
    internal uint Type;
    internal uint Offset;
}

/// <summary>struct btf_param.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BtfParameterRecord
{
    internal uint NameOffset;
    internal uint Type;
}

/// <summary>struct btf_array.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BtfArrayRecord
{
    internal uint ElementType;
    internal uint IndexType;
    internal uint Count;
}

/// <summary>struct btf_var_secinfo.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BtfSectionVariable
{
    internal uint Type;
    internal uint Offset;
    internal uint Size;
}

/// <summary>struct btf_enum.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BtfEnumRecord
{
    internal uint NameOffset;
    internal int Value;
}

/// <summary>struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    internal int Fd;
    internal short Events;
    internal short ReturnedEvents;
}

/// <summary>struct rlimit.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ResourceLimit
{
    internal ulong Current;
    internal ulong Maximum;
}

/// <summary>struct bpf_map_batch_opts.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BatchOptions
{
    internal nuint Size;
    internal ulong ElementFlags;
    internal ulong Flags;
}
