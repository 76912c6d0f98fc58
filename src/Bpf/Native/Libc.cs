using System.Runtime.InteropServices;

namespace KubeBpfBox.Bpf.Native;

/// <summary>The few C library functions that the base class library does not give.</summary>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    internal const int ProtRead = 1, ProtWrite = 2;
    internal const int MapShared = 1, MapPrivate = 2, MapAnonymous = 0x20, MapNoReserve = 0x4000;
    internal const short PollIn = 1;

    /// <summary>SOL_SOCKET, SO_ATTACH_BPF and SO_DETACH_FILTER of asm-generic/socket.h (x86-64, arm64, riscv64).</summary>
    internal const int SolSocket = 1, SoAttachBpf = 50, SoDetachFilter = 27;

    internal const int OpenReadOnly = 0, OpenCloseOnExec = 0x80000;
    internal const int RlimitMemlock = 8;

    internal static readonly nint MapFailed = -1;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint mmap(nint address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport(Library)]
    internal static partial int munmap(nint address, nuint length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int poll(PollFd* fds, nuint count, int timeoutMs);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setsockopt(int fd, int level, int option, void* value, uint size);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open(string path, int flags);

    [LibraryImport(Library)]
    internal static partial int close(int fd);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int eventfd(uint initial, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint read(int fd, void* buffer, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint write(int fd, void* buffer, nuint size);

    [LibraryImport(Library)]
    internal static partial int vsnprintf(byte* buffer, nuint size, byte* format, void* arguments);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int getrlimit(int resource, ResourceLimit* limit);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setrlimit(int resource, ResourceLimit* limit);
}
