using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using KubeBpfBox.Bpf.Native;
using Microsoft.Win32.SafeHandles;

namespace KubeBpfBox.Bpf;

/// <summary>A compiled BPF object: its programs, its maps and its global variables.</summary>
/// <remarks>
/// Lifetime: open, set what shall differ (sizes, globals, programs to leave out), <see cref="Load"/>, attach. <see cref="Dispose"/>
/// closes every map and program descriptor; <see cref="Maps"/> and <see cref="Programs"/> then throw ObjectDisposedException. Links
/// live on their own, and typed maps must not be used any more.
/// Threads: opening, setting and loading are for one thread at a time; loaded maps may be used from all.
/// Errors: <see cref="BpfException"/>; <see cref="VerifierException"/> when the kernel refuses a program.
/// </remarks>
public sealed class BpfObject : IDisposable
{
    /// <summary>Room for the verifier's log: UINT_MAX >> 8, the most that all kernels accept. Untouched pages cost nothing.</summary>
    private const int LogBytes = (1 << 24) - 1;

    private readonly ObjectHandle _handle;

    private BpfObject(ObjectHandle handle, string name)
    {
        _handle = handle;
        Name = name;
        Programs = new BpfCollection<BpfProgram>(name, "program", ReadPrograms());
        Maps = new BpfCollection<BpfMap>(name, "map", ReadMaps());
    }

    /// <summary>The name given at opening; the kernel shows its first letters.</summary>
    public string Name { get; }

    /// <summary>The programs by C function name.</summary>
    public BpfCollection<BpfProgram> Programs { get; }

    /// <summary>The maps by name, those of global variables (".rodata", ".data", ".bss") included.</summary>
    public BpfCollection<BpfMap> Maps { get; }

    /// <summary>True once <see cref="Load"/> has succeeded.</summary>
    public bool IsLoaded { get; private set; }

    internal nint Pointer => _handle.IsClosed ? throw new ObjectDisposedException($"BPF object '{Name}'") : _handle.DangerousGetHandle();

    /// <summary>Reads an ELF object made by clang for the bpf target. The bytes are copied; nothing reaches the kernel yet.</summary>
    public static unsafe BpfObject Open(ReadOnlySpan<byte> elf, string name)
    {
        LibbpfLoader.EnsureReady();
        LibbpfLog.StartCapture();
        fixed (byte* data = elf, text = Encoding.UTF8.GetBytes(name + '\0'))
        {
            ObjectOpenOptions options = new() { Size = (nuint)sizeof(ObjectOpenOptions), ObjectName = text };
            nint pointer = Libbpf.bpf_object__open_mem(data, (nuint)elf.Length, &options);
            return pointer == 0
                ? throw BpfException.From($"open BPF object '{name}' ({elf.Length} bytes)", Marshal.GetLastPInvokeError())
                : new BpfObject(new ObjectHandle(pointer), name);
        }
    }

    /// <summary>Opens an object embedded in an assembly by bpf/Bpf.targets, such as "traffic.bpf.o".</summary>
    public static BpfObject OpenResource(Assembly assembly, string resource)
    {
        using Stream stream = assembly.GetManifestResourceStream(resource)
            ?? throw new BpfException($"assembly {assembly.GetName().Name} has no resource '{resource}': does its project import bpf/Bpf.targets?");
        byte[] elf = new byte[stream.Length];
        stream.ReadExactly(elf);
        return Open(elf, resource.Split('.')[0]);
    }

    /// <summary>Opens an embedded object, has it prepared, loads it and hands it to its owner; a failure on the way leaves nothing behind.</summary>
    /// <param name="assembly">Where it is embedded.</param>
    /// <param name="resource">Its name, such as "traffic.bpf.o".</param>
    /// <param name="prepare">Checks layouts; sets sizes, globals and programs to leave out.</param>
    /// <param name="make">Makes what owns the loaded object from then on.</param>
    /// <exception cref="BpfException">What one of the steps throws.</exception>
    public static T LoadResource<T>(Assembly assembly, string resource, Action<BpfObject> prepare, Func<BpfObject, T> make)
    {
        BpfObject loading = OpenResource(assembly, resource);
        try
        {
            prepare(loading);
            loading.Load();
            return make(loading);
        }
        catch
        {
            loading.Dispose();
            throw;
        }
    }

    /// <summary>Creates the maps, relocates the programs for this kernel and loads them.</summary>
    /// <exception cref="VerifierException">A program was refused.</exception>
    /// <exception cref="BpfException">Anything else, with the capability that is missing.</exception>
    public unsafe void Load()
    {
        if (IsLoaded)
        {
            throw new InvalidOperationException($"BPF object '{Name}' is already loaded");
        }
        MemlockLimit.RaiseIfNeeded();
        nint log = Libc.mmap(0, LogBytes, Libc.ProtRead | Libc.ProtWrite, Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve, -1, 0);
        if (log == Libc.MapFailed)
        {
            throw BpfException.From("allocate the verifier's log", Marshal.GetLastPInvokeError());
        }
        try
        {
            SetLogBuffers((byte*)log, LogBytes);
            LibbpfLog.StartCapture();
            int result = Libbpf.bpf_object__load(Pointer);
            if (result < 0)
            {
                throw LoadFailure(result, Marshal.PtrToStringUTF8(log) ?? "");
            }
            IsLoaded = true;
        }
        finally
        {
            if (!_handle.IsClosed)
            {
                SetLogBuffers(null, 0);
            }
            _ = Libc.munmap(log, LogBytes);
        }
    }

    /// <summary>Sets a global variable before <see cref="Load"/>; one of .rodata is a constant to the verifier.</summary>
    /// <param name="variable">Its C name.</param>
    /// <param name="value">As many bytes as the variable has.</param>
    public void SetRodata<T>(string variable, T value)
        where T : unmanaged => GlobalVariables.Set(this, variable, value);

    /// <summary>Reads a global variable: its initial value before <see cref="Load"/>, the kernel's afterwards.</summary>
    public T GetGlobal<T>(string variable)
        where T : unmanaged => GlobalVariables.Get<T>(this, variable);

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private unsafe void SetLogBuffers(byte* buffer, nuint size)
    {
        foreach (BpfProgram program in Programs)
        {
            _ = Libbpf.bpf_program__set_log_buf(program.Pointer, buffer, size);
        }
    }

    private BpfException LoadFailure(int error, string log)
    {
        // libbpf stops at the first program that fails and names it only in its log.
        BpfProgram? failed = Programs.FirstOrDefault(
            program => LibbpfLog.Captured.Any(line => line.Contains($"prog '{program.Name}': BPF program load failed", StringComparison.Ordinal)));
        // With no permission to load there is no verification, and the log holds no more than a remark.
        if (failed is not null && log.Length > 0 && -error != Errors.EPERM)
        {
            return new VerifierException(failed.Name, failed.Section, -error, log);
        }
        return BpfException.From(
            $"load BPF object '{Name}'{(failed is null ? "" : $", program '{failed.Name}'")}",
            error,
            failed is null ? Capability.Bpf : Capability.Bpf | failed.NeededToLoad,
            -error == Errors.ENOMEM ? "Make maps smaller, or raise the memory limit of the cgroup" : null);
    }

    private IEnumerable<BpfProgram> ReadPrograms()
    {
        for (nint p = Libbpf.bpf_object__next_program(Pointer, 0); p != 0; p = Libbpf.bpf_object__next_program(Pointer, p))
        {
            yield return new BpfProgram(this, p);
        }
    }

    private IEnumerable<BpfMap> ReadMaps()
    {
        for (nint p = Libbpf.bpf_object__next_map(Pointer, 0); p != 0; p = Libbpf.bpf_object__next_map(Pointer, p))
        {
            yield return new BpfMap(this, p);
        }
    }

    private sealed class ObjectHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        internal ObjectHandle(nint pointer)
            : base(ownsHandle: true) => SetHandle(pointer);

        protected override bool ReleaseHandle()
        {
            Libbpf.bpf_object__close(handle);
            return true;
        }
    }
}
