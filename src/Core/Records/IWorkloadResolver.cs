namespace KubeBpfBox.Core.Records;

/// <summary>What the kernel said about a socket's owner.</summary>
/// <remarks>Lifetime: <see cref="ProcessName"/> is valid during the call only.</remarks>
public readonly ref struct SocketOwner
{
    /// <summary>Id of the cgroup v2 that the socket belongs to; 0 when not known, 1 for the root.</summary>
    public ulong CgroupId { get; init; }

    /// <summary>Inode of the network namespace; 0 when not known.</summary>
    public uint NetworkNamespace { get; init; }

    /// <summary>Process that called connect(), in the root namespace; 0 when that was not seen.</summary>
    public int ProcessId { get; init; }

    /// <summary>Name of that process; empty when it was not seen.</summary>
    public ReadOnlySpan<byte> ProcessName { get; init; }

    /// <summary>The socket's own end.</summary>
    public Endpoint Local { get; init; }

    /// <summary>The other end.</summary>
    public Endpoint Remote { get; init; }
}

/// <summary>Finds who owns a socket. Called once a connection, on the thread that parses.</summary>
public interface IWorkloadResolver
{
    /// <summary>Never null, never throws: what cannot be found is <see cref="Workload.Unknown"/>.</summary>
    Workload Resolve(in SocketOwner owner);
}
