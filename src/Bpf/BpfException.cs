using System.Runtime.InteropServices;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>Something the kernel or libbpf refused. The message says what failed, on what, why, and what to do about it.</summary>
public class BpfException : Exception
{
    /// <summary>A failure without an errno.</summary>
    public BpfException(string message)
        : base(message)
    {
    }

    /// <summary>A failure with a cause.</summary>
    public BpfException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    /// <summary>A failure that an errno names.</summary>
    public BpfException(string message, int errno)
        : base(message) => Errno = errno;

    /// <summary>No message: for serialisers only.</summary>
    public BpfException()
    {
    }

    /// <summary>The errno, positive; 4000 and up are libbpf's own codes; 0 when there is none.</summary>
    public int Errno { get; }

    /// <summary>Builds the exception of a failed call: "operation: reason (ENAME). libbpf said. What to do".</summary>
    /// <param name="operation">What was tried and on what, such as "attach program 'x' to cgroup '/y'".</param>
    /// <param name="errno">The error; its sign does not matter.</param>
    /// <param name="needed">Capabilities that the operation needs.</param>
    /// <param name="hint">What to do when it is not a matter of capabilities.</param>
    internal static BpfException From(string operation, int errno, Capability needed = Capability.None, string? hint = null)
    {
        errno = Math.Abs(errno);
        string message = $"{operation}: {Describe(errno)}";
        string said = string.Join("; ", LibbpfLog.Captured.Select(static line => line.Replace("libbpf: ", "", StringComparison.Ordinal)));
        if (said.Length > 0)
        {
            message += $" [libbpf: {said}]";
        }
        string? advice = errno is Errors.EPERM or Errors.EACCES ? PermissionAdvice(needed) ?? hint : hint;
        return new BpfException(advice is null ? message : $"{message}. {advice}", errno);
    }

    /// <summary>"Operation not permitted (EPERM)".</summary>
    internal static unsafe string Describe(int errno)
    {
        errno = Math.Abs(errno);
        if (errno >= Errors.LibbpfStart)
        {
            byte* text = stackalloc byte[128];
            _ = Libbpf.libbpf_strerror(errno, text, 128);
            return $"{Marshal.PtrToStringUTF8((nint)text)} (libbpf {errno})";
        }
        string name = Errors.Name(errno) is { } known ? known : $"errno {errno}";
        return $"{Marshal.GetPInvokeErrorMessage(errno)} ({name})";
    }

    /// <summary>Names what is missing, or says that capabilities are not the reason.</summary>
    internal static string? PermissionAdvice(Capability needed)
    {
        if (needed == Capability.None)
        {
            return null;
        }
        Capability missing = Capabilities.Current.Missing(needed);
        if (missing != Capability.None)
        {
            return $"This process lacks {missing.ToText()}: run as root, or give it the capability "
                + "(Kubernetes: securityContext.capabilities.add; systemd: AmbientCapabilities=)";
        }
        return "The capabilities are there, so something else forbids it: the kernel's configuration or lockdown mode, a seccomp "
            + "profile, SELinux or AppArmor";
    }
}
