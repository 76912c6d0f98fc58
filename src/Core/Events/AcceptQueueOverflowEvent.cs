using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Events;

/// <summary>The kernel refused connections because a listener's accept queue was full. Stands for <see cref="Count"/> refusals.</summary>
/// <remarks>The kernel refuses while the queue's length is above its limit, so a queue of limit 4 holds 5 (sk_acceptq_is_full in include/net/sock.h).</remarks>
public sealed record AcceptQueueOverflowEvent : NodeEvent
{
    /// <inheritdoc/>
    public override string Type => "tcpsynbl";

    /// <summary>Where it listens; all zeros for any address.</summary>
    public required Endpoint Listener { get; init; }

    /// <summary>Inode of the listener's network namespace.</summary>
    public uint NetworkNamespace { get; init; }

    /// <summary>Connections that waited to be accepted, at the last refusal.</summary>
    public required long QueueLength { get; init; }

    /// <summary>What listen() asked for, bounded by net.core.somaxconn.</summary>
    public required long QueueLimit { get; init; }

    /// <summary>Who was refused last.</summary>
    public required Endpoint Client { get; init; }

    /// <summary>Who that is.</summary>
    public required Workload ClientWorkload { get; init; }

    /// <summary>Refusals since the event before of the same listener, as the kernel counts ListenOverflows.</summary>
    public required long Count { get; init; }

    /// <summary>Of <see cref="Count"/>: new connections (SYN); the others had shaken hands already.</summary>
    public required long SynCount { get; init; }
}

/// <summary>How full a listener's accept queue has been. A copy.</summary>
/// <param name="Workload">Who listens.</param>
/// <param name="Listener">Where.</param>
/// <param name="NetworkNamespace">Inode of its network namespace.</param>
/// <param name="HighestLength">Most connections that waited when a packet came, of late.</param>
/// <param name="Limit">What listen() asked for, bounded by net.core.somaxconn.</param>
/// <param name="Overflows">Refusals since it was first seen.</param>
public sealed record ListenerQueue(Workload Workload, Endpoint Listener, uint NetworkNamespace, long HighestLength, long Limit, long Overflows);
