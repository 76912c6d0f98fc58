using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KubeBpfBox.Bpf.Native;

/// <summary>A shared mapping of a map's memory.</summary>
internal sealed class MemoryMapping : SafeHandleMinusOneIsInvalid
{
    private readonly nuint _length;

    private MemoryMapping(nint address, nuint length)
        : base(ownsHandle: true)
    {
        SetHandle(address);
        _length = length;
    }

    /// <summary>Start of the mapping.</summary>
    /// <exception cref="ObjectDisposedException">It is gone: an exception instead of a crash.</exception>
    internal nint Address => IsClosed ? throw new ObjectDisposedException("mapping of a BPF map") : handle;

    internal static MemoryMapping Create(BpfMap map, nuint length, int protection, long offset)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        length = (length + page - 1) / page * page;
        nint address = Libc.mmap(0, length, protection, Libc.MapShared, map.Fd, offset);
        return address == Libc.MapFailed
            ? throw BpfException.From($"map {map} ({length} bytes) into memory", Marshal.GetLastPInvokeError())
            : new MemoryMapping(address, length);
    }

    protected override bool ReleaseHandle() => Libc.munmap(handle, _length) == 0;
}
