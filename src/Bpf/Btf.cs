using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf.Native;
using Microsoft.Win32.SafeHandles;

namespace KubeBpfBox.Bpf;

/// <summary>Type information of the running kernel or of an object: which types and functions exist, and how structs lie in memory.</summary>
/// <remarks>
/// Lifetime: <see cref="LoadKernel"/> parses some megabytes in about ten milliseconds; dispose it after start-up. <see cref="Of"/>
/// borrows from the object and ends with it. Results are plain managed values.
/// Threads: reading is safe from all. A look-up by name walks all types.
/// Source: Documentation/bpf/btf.rst.
/// </remarks>
public sealed unsafe partial class Btf : IDisposable
{
    private const int MaxTypeDepth = 32; // BTF from outside may be circular; the kernel's own limit is the same

    private readonly KernelHandle? _owned;
    private readonly BpfObject? _object;
    private readonly string _origin;

    private Btf(KernelHandle? owned, BpfObject? obj, string origin)
    {
        _owned = owned;
        _object = obj;
        _origin = origin;
    }

    private nint Pointer => _object is not null
        ? Libbpf.bpf_object__btf(_object.Pointer)
        : _owned!.IsClosed ? throw new ObjectDisposedException(nameof(Btf)) : _owned.DangerousGetHandle();

    /// <summary>That of the running kernel, without its modules.</summary>
    /// <exception cref="BpfException">The kernel has none (CONFIG_DEBUG_INFO_BTF).</exception>
    public static Btf LoadKernel()
    {
        LibbpfLoader.EnsureReady();
        LibbpfLog.StartCapture();
        nint pointer = Libbpf.btf__load_vmlinux_btf();
        return pointer != 0
            ? new Btf(new KernelHandle(pointer), null, "this kernel")
            : throw BpfException.From("load the kernel's BTF", Marshal.GetLastPInvokeError(), hint: "The kernel must be built with CONFIG_DEBUG_INFO_BTF=y");
    }

    /// <summary>That of an object, made by clang -g.</summary>
    public static Btf Of(BpfObject obj)
    {
        Btf btf = new(null, obj, $"BPF object '{obj.Name}'");
        return btf.Pointer != 0 ? btf : throw new BpfException($"BPF object '{obj.Name}' has no BTF: compile it with -g");
    }

    /// <summary>Whether there is a struct or union of this tag.</summary>
    public bool HasStruct(string name) => TryFind(name, out _, BtfKind.Struct, BtfKind.Union);

    /// <summary>Whether there is a named type: struct, union, enum, typedef or basic type.</summary>
    public bool HasType(string name) =>
        TryFind(name, out _, BtfKind.Struct, BtfKind.Union, BtfKind.Typedef, BtfKind.Enum, BtfKind.Enum64, BtfKind.Int, BtfKind.Float);

    /// <summary>Whether there is a function, which kprobes and fentry can then name (unless it is on the kernel's deny list).</summary>
    public bool HasFunction(string name) => TryFind(name, out _, BtfKind.Function);

    /// <summary>Whether a struct exists and has a member.</summary>
    public bool HasMember(string structName, string member) => TryGetStruct(structName, out BtfStruct? layout) && layout.Find(member) is not null;

    /// <summary>Whether there is a tracepoint; its presence says nothing about its arguments.</summary>
    public bool HasTracepoint(string name) => TryFind("btf_trace_" + name, out _, BtfKind.Typedef);

    /// <summary>The arguments that a raw or BTF tracepoint gives to programs, in order: args[0], args[1] …</summary>
    /// <remarks>Shape: typedef btf_trace_NAME of a pointer to void (*)(void *__data, …); __data is left out, as programs do not get it.</remarks>
    /// <returns>False when there is no such tracepoint.</returns>
    public bool TryGetTracepointArguments(string name, [NotNullWhen(true)] out IReadOnlyList<BtfParameter>? arguments)
    {
        arguments = null;
        if (!TryFind("btf_trace_" + name, out uint id, BtfKind.Typedef))
        {
            return false;
        }
        BtfType* type = Type(Resolve(id));
        BtfType* prototype = type->Kind == BtfKind.Pointer ? Type(Resolve(type->SizeOrType)) : type;
        if (prototype->Kind != BtfKind.FunctionPrototype)
        {
            return false;
        }
        arguments = Parameters(prototype, skip: 1);
        return true;
    }

    /// <summary>The arguments of a function.</summary>
    /// <returns>False when there is no such function.</returns>
    public bool TryGetFunctionArguments(string name, [NotNullWhen(true)] out IReadOnlyList<BtfParameter>? arguments)
    {
        arguments = null;
        if (!TryFind(name, out uint id, BtfKind.Function))
        {
            return false;
        }
        arguments = Parameters(Type(Type(id)->SizeOrType), skip: 0);
        return true;
    }

    /// <summary>The layout of a struct or union.</summary>
    /// <exception cref="BpfException">There is none of this tag.</exception>
    public BtfStruct GetStruct(string name) => TryGetStruct(name, out BtfStruct? layout)
        ? layout
        : throw new BpfException($"{_origin} has no struct '{name}' in its BTF; clang keeps only what a map or a global names, so for a record add: const struct {name} *export_{name} __attribute__((unused));");

    /// <summary>The layout of a struct or union, if there is one.</summary>
    public bool TryGetStruct(string name, [NotNullWhen(true)] out BtfStruct? layout)
    {
        layout = null;
        if (!TryFind(name, out uint id, BtfKind.Struct, BtfKind.Union))
        {
            return false;
        }
        List<BtfMember> members = [];
        AddMembers(members, Type(id), 0, 0);
        layout = new BtfStruct(name, (int)Type(id)->SizeOrType, members);
        return true;
    }

    /// <summary>The value of an enumerator, looked up by the enum's tag: kernels number some of them by configuration.</summary>
    public bool TryGetEnumValue(string enumName, string enumerator, out long value)
    {
        value = 0;
        if (!TryFind(enumName, out uint id, BtfKind.Enum))
        {
            return false;
        }
        BtfType* type = Type(id);
        BtfEnumRecord* values = (BtfEnumRecord*)(type + 1);
        for (int i = 0; i < type->Count; i++)
        {
            if (Text(values[i].NameOffset) == enumerator)
            {
                value = type->KindFlag ? values[i].Value : (uint)values[i].Value; // kind_flag: signed
                return true;
            }
        }
        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => _owned?.Dispose();

    private bool TryFind(string name, out uint id, params ReadOnlySpan<BtfKind> kinds)
    {
        foreach (BtfKind kind in kinds)
        {
            int found = Libbpf.btf__find_by_name_kind(Pointer, name, (uint)kind);
            if (found > 0)
            {
                id = (uint)found;
                return true;
            }
        }
        id = 0;
        return false;
    }

    private sealed class KernelHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        internal KernelHandle(nint pointer)
            : base(ownsHandle: true) => SetHandle(pointer);

        protected override bool ReleaseHandle()
        {
            Libbpf.btf__free(handle);
            return true;
        }
    }
}
