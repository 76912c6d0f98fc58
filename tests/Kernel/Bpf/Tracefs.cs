using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace KubeBpfBox.Kernel.Bpf;

/// <summary>Runs code on a thread that sees tracefs: where it is not mounted, in a mount namespace of its own.</summary>
internal static partial class Tracefs
{
    private const int CloneNewNamespace = 0x20000;
    private const ulong Recursive = 0x4000, Private = 1 << 18;

    internal static void OnThreadThatHasIt(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                if (Directory.Exists("/sys/kernel/tracing/events"))
                {
                    action();
                    return;
                }
                Check(unshare(CloneNewNamespace), "unshare");
                Check(mount("none", "/", null, Recursive | Private, 0), "make mounts private");
                Check(mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, 0), "mount tracefs");
                action();
            }
#pragma warning disable CA1031 // Passed on to the test's thread.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    private static void Check(int result, string what) =>
        Assert.True(result == 0, $"{what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string source, string target, string? type, ulong flags, nint data);
}
