using System.Runtime.InteropServices;

namespace KubeBpfBox.Agent.Identity;

/// <summary>The few calls that .NET's file classes lack or make dear: /proc is read per connection, and a vanished process is no exception.</summary>
/// <remarks>
/// Shape: every path is bytes that end with NUL (<see cref="PathBuffer.Terminated"/>).
/// Errors: -1 or false, as libc; nothing throws. Lifetime: descriptors are the caller's to <see cref="Close"/>.
/// </remarks>
internal static unsafe partial class Libc
{
    /// <summary>O_RDONLY | O_CLOEXEC. O_DIRECTORY is left out: its value differs between x86 and Arm, and getdents64 refuses what is no directory.</summary>
    private const int ReadOnlyFlags = 0x80000;

    /// <summary>Type of a file handle that holds a cgroup's 64-bit id (FILEID_KERNFS in include/linux/exportfs.h).</summary>
    private const int KernfsHandleType = 0xfe;

    public static int Open(ReadOnlySpan<byte> path)
    {
        fixed (byte* at = path)
        {
            return open(at, ReadOnlyFlags);
        }
    }

    public static void Close(int descriptor) => _ = close(descriptor);

    /// <summary>Bytes read, 0 at the end, negative when it failed.</summary>
    public static int Read(int descriptor, Span<byte> buffer)
    {
        fixed (byte* at = buffer)
        {
            return (int)read(descriptor, at, (nuint)buffer.Length);
        }
    }

    /// <summary>Records of struct linux_dirent64; see <see cref="DirectoryReader"/>.</summary>
    public static int ReadDirectory(int descriptor, Span<byte> buffer)
    {
        fixed (byte* at = buffer)
        {
            return (int)getdents64(descriptor, at, (nuint)buffer.Length);
        }
    }

    /// <summary>What a symbolic link says; empty when it cannot be read. Lifetime: aliases <paramref name="buffer"/>.</summary>
    public static ReadOnlySpan<byte> ReadLink(ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        fixed (byte* from = path, to = buffer)
        {
            nint length = readlink(from, to, (nuint)buffer.Length);
            return length <= 0 ? default : buffer[..(int)length];
        }
    }

    /// <summary>As <see cref="ReadLink"/>, of an entry of an open directory.</summary>
    public static ReadOnlySpan<byte> ReadLinkAt(int directory, ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        fixed (byte* from = name, to = buffer)
        {
            nint length = readlinkat(directory, from, to, (nuint)buffer.Length);
            return length <= 0 ? default : buffer[..(int)length];
        }
    }

    /// <summary>The first bytes of a file, as many as fit; empty when it cannot be read.</summary>
    public static ReadOnlySpan<byte> ReadFile(ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        int descriptor = Open(path);
        if (descriptor < 0)
        {
            return default;
        }
        int length = 0;
        int count;
        while (length < buffer.Length && (count = Read(descriptor, buffer[length..])) > 0)
        {
            length += count;
        }
        Close(descriptor);
        return buffer[..length];
    }

    /// <summary>Opens a cgroup by its id alone. Needs CAP_DAC_READ_SEARCH.</summary>
    /// <param name="mount">An open directory of the cgroup2 mount.</param>
    /// <param name="cgroupId">The id.</param>
    /// <remarks>Source: open_by_handle_at(2); kernfs_fh_to_dentry in fs/kernfs/mount.c.</remarks>
    public static int OpenCgroup(int mount, ulong cgroupId)
    {
        FileHandle handle = new() { ByteCount = sizeof(ulong), Type = KernfsHandleType, IdLow = (uint)cgroupId, IdHigh = (uint)(cgroupId >> 32) };
        return open_by_handle_at(mount, &handle, ReadOnlyFlags);
    }

    // Two halves keep the struct free of the padding that a 64-bit member would bring.
    private struct FileHandle
    {
        public uint ByteCount;
        public int Type;
        public uint IdLow;
        public uint IdHigh;
    }

#pragma warning disable SYSLIB1054, IDE1006 // names of libc
    [LibraryImport("libc")]
    private static partial int open(byte* path, int flags);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc")]
    private static partial nint read(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc")]
    private static partial nint getdents64(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc")]
    private static partial nint readlink(byte* path, byte* buffer, nuint count);

    [LibraryImport("libc")]
    private static partial nint readlinkat(int directory, byte* path, byte* buffer, nuint count);

    [LibraryImport("libc")]
    private static partial int open_by_handle_at(int mount, FileHandle* handle, int flags);
#pragma warning restore SYSLIB1054, IDE1006
}
