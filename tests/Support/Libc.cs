using System.Runtime.InteropServices;

namespace KubeBpfBox.Support;

/// <summary>The few calls that .NET has no name for.</summary>
internal static partial class Libc
{
    public const int SigKill = 9, SigTerm = 15, CloneNewNet = 0x4000_0000, ReadOnly = 0, NoFileLimit = 7, Children = -1;

    [LibraryImport("libc", SetLastError = true)]
    public static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setns(int fd, int type);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getrlimit(int resource, ref ResourceLimit limit);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setrlimit(int resource, ref ResourceLimit limit);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getrusage(int who, ref ResourceUsage usage);

    /// <summary>struct rusage: two times, then 14 numbers that nobody here reads.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 144)]
    public struct ResourceUsage
    {
        public long UserSeconds;
        public long UserMicroseconds;
        public long SystemSeconds;
        public long SystemMicroseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct ResourceLimit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
