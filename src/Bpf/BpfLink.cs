using System.Runtime.InteropServices;
using KubeBpfBox.Bpf.Native;
using Microsoft.Win32.SafeHandles;

namespace KubeBpfBox.Bpf;

/// <summary>A program that is attached. Dispose detaches it.</summary>
/// <remarks>
/// Lifetime: the kernel drops the link when its file descriptor is closed, so nothing stays attached when the process dies, however
/// it dies. Keep a reference for as long as the program shall run: a collected link is detached by its finalizer. A link outlives
/// the <see cref="BpfObject"/> it came from, but then its maps can no longer be reached from here.
/// Threads: disposing is safe from any thread and happens once.
/// </remarks>
public abstract class BpfLink : SafeHandleMinusOneIsInvalid
{
    private protected BpfLink(nint value, string description)
        : base(ownsHandle: true)
    {
        SetHandle(value);
        Description = description;
    }

    /// <summary>What is attached where, such as "program 'x' to cgroup '/sys/fs/cgroup'".</summary>
    public string Description { get; }

    /// <summary>The kernel's number of the link ("bpftool link"), or 0 where the kernel has no link object for this kind of attachment.</summary>
    public abstract uint Id { get; }

    /// <inheritdoc/>
    public override string ToString() => Description;
}

/// <summary>A struct bpf_link of libbpf.</summary>
internal sealed class LibbpfLink : BpfLink
{
    internal LibbpfLink(nint link, string description)
        : base(link, description)
        // A perf event's descriptor (kernels before 5.15) has no number: 0.
        => Id = KernelIds.Of(Libbpf.bpf_link__fd(link));

    public override uint Id { get; }

    protected override bool ReleaseHandle() => Libbpf.bpf_link__destroy(handle) == 0;
}

/// <summary>A socket filter: it belongs to the socket, so detaching is a socket option and closing the socket is enough.</summary>
internal sealed class SocketFilterLink : BpfLink
{
    private readonly SafeHandle _socket;

    /// <param name="socket">Must already be referenced (DangerousAddRef); released when the link is.</param>
    /// <param name="description">For messages.</param>
    internal SocketFilterLink(SafeHandle socket, string description)
        : base(socket.DangerousGetHandle(), description) => _socket = socket;

    public override uint Id => 0;

    protected override unsafe bool ReleaseHandle()
    {
        int ignored = 0;
        bool detached = Libc.setsockopt((int)handle, Libc.SolSocket, Libc.SoDetachFilter, &ignored, sizeof(int)) == 0;
        _socket.DangerousRelease();
        return detached;
    }
}
