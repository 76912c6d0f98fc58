using System.Reflection;
using System.Runtime.InteropServices;

namespace KubeBpfBox.Bpf.Native;

/// <summary>Finds libbpf, checks its version and connects its log. Every public way into this library calls it first.</summary>
/// <remarks>
/// Compiled ahead of time with build/StaticLibbpf.props, calls are direct and the resolver is never asked. Otherwise "bpf" is
/// libbpf.so.1: the plain name libbpf.so belongs to the development package, which a user does not have.
/// </remarks>
internal static class LibbpfLoader
{
    internal const string Name = "bpf";
    private const string SharedName = "libbpf.so.1";

    private static readonly Lazy<BpfException?> s_ready = new(Prepare);

    /// <summary>Idempotent and cheap once done.</summary>
    /// <exception cref="BpfException">libbpf is missing or too old.</exception>
    internal static void EnsureReady()
    {
        if (s_ready.Value is { } failure)
        {
            throw new BpfException(failure.Message, failure.InnerException); // a new one: its stack trace is the caller's
        }
    }

    private static unsafe BpfException? Prepare()
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(LibbpfLoader).Assembly, Resolve);
            uint major = Libbpf.libbpf_major_version();
            if (major != 1)
            {
                return new BpfException($"libbpf {major}.{Libbpf.libbpf_minor_version()} was found, but version 1.x is needed");
            }
            _ = Libbpf.libbpf_set_print(&LibbpfLog.Receive);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            // The loader's own account of every path it tried is long; it stays in the inner exception.
            return new BpfException(
                $"{SharedName} cannot be loaded. Install it: 'apt-get install libbpf1' (Debian, Ubuntu), 'dnf install libbpf' (Fedora, RHEL), "
                + "'apk add libbpf' (Alpine)", e);
        }
    }

    private static nint Resolve(string library, Assembly assembly, DllImportSearchPath? path)
    {
        // Zero means "look further", which gives the usual exception that names what was tried.
        return library == Name && NativeLibrary.TryLoad(SharedName, out nint handle) ? handle : 0;
    }
}
