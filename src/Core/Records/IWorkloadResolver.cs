namespace KubeBpfBox.Core.Records;

/// <summary>What the kernel said about the owner of a socket or a process.</summary>
/// <remarks>Lifetime: <see cref="ProcessName"/> and <see cref="CgroupPath"/> are valid during the call only.</remarks>
public readonly ref struct OwnerHint
{
    /// <summary>Id of the cgroup v2 that the socket or process belongs to; 0 when not known, 1 for the root.</summary>
    public ulong CgroupId { get; init; }

    /// <summary>Path of a cgroup of any version, or its innermost segments, parted by slashes; empty when not known.</summary>
    public ReadOnlySpan<byte> CgroupPath { get; init; }

    /// <summary>Inode of the network namespace; 0 when not known.</summary>
    public uint NetworkNamespace { get; init; }

    /// <summary>The process, or that which called connect(), in the root namespace; 0 when that was not seen.</summary>
    public int ProcessId { get; init; }

    /// <summary>Name of that process; empty when it was not seen.</summary>
    public ReadOnlySpan<byte> ProcessName { get; init; }

    /// <summary>The socket's own end; default when there is no socket.</summary>
    public Endpoint Local { get; init; }

    /// <summary>The other end; default when there is none.</summary>
    public Endpoint Remote { get; init; }
}

/// <summary>Finds who is behind a socket, a process or an address.</summary>
/// <remarks>Any thread may call. Answers are never null, and nothing is thrown: what cannot be found is <see cref="Workload.Unknown"/>.</remarks>
public interface IWorkloadResolver
{
    /// <summary>Goes up whenever something was learnt that may change an answer given before.</summary>
    int Generation { get; }

    /// <summary>Who owns a local socket or a process. Called once a connection.</summary>
    Workload Resolve(in OwnerHint hint);

    /// <summary>Who is behind an address: the other end of a connection, or either end of one that was seen on an interface.</summary>
    /// <param name="endpoint">Address and port.</param>
    /// <param name="networkNamespace">Inode of the network namespace in which the address was seen; 0 when not known.</param>
    Workload ResolveAddress(Endpoint endpoint, uint networkNamespace);

    /// <summary>The same workload with what has become known since; itself when that is nothing.</summary>
    Workload Refresh(Workload workload);
}
