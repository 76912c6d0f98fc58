namespace KubeBpfBox.Core.Export;

/// <summary>What a batch holds. When there is no room, kinds are given up in this order: the request log first, aggregates last.</summary>
public enum ExportKind
{
    /// <summary>Requests, one by one.</summary>
    Log,

    /// <summary>OOM kills and overflowing accept queues.</summary>
    Events,

    /// <summary>Rate, errors, duration, and how the agent is.</summary>
    Aggregates,
}

/// <summary>What is sent at once: items of one kind, serialized as the server takes them, not yet compressed.</summary>
/// <param name="Kind">What it holds.</param>
/// <param name="Items">How many requests, events or points.</param>
/// <param name="OldestNs">Time of the oldest, nanoseconds since the Unix epoch.</param>
/// <param name="Payload">The bytes. Nobody changes them any more.</param>
public sealed record ExportBatch(ExportKind Kind, int Items, long OldestNs, ReadOnlyMemory<byte> Payload);

/// <summary>What a server said of a batch.</summary>
public enum ExportStatus
{
    /// <summary>Taken, but for <see cref="ExportResult.RejectedItems"/>.</summary>
    Accepted,

    /// <summary>It may take it later: not reachable, overloaded, wrong credentials that somebody may put right. The batch is kept.</summary>
    Retry,

    /// <summary>Too large for it: to be split.</summary>
    TooLarge,

    /// <summary>It will never take this: malformed.</summary>
    Malformed,
}

/// <summary>What came of sending a batch.</summary>
/// <param name="Status">What the server said.</param>
/// <param name="Reason">Why it was not taken whole, in the server's words or the network's; null when it was. One line, at most some hundred characters.</param>
/// <param name="RetryAfter">How long it asked to be left alone; null when it did not.</param>
/// <param name="RejectedItems">Items of an accepted batch that the server refused.</param>
public readonly record struct ExportResult(ExportStatus Status, string? Reason = null, TimeSpan? RetryAfter = null, int RejectedItems = 0)
{
    /// <summary>Taken whole.</summary>
    public static ExportResult Accepted { get; } = new(ExportStatus.Accepted);
}

/// <summary>Brings batches to one server.</summary>
/// <remarks>Errors: none is thrown but for cancellation; each becomes a result. Called by one thread at a time.</remarks>
public interface IExportTransport : IDisposable
{
    /// <summary>Where to, for messages: without credentials.</summary>
    string Target { get; }

    /// <summary>Sends one batch and waits for the answer.</summary>
    /// <remarks>Lifetime: the memory of the payload is used again once the batch was accepted; keep no reference to it.</remarks>
    Task<ExportResult> SendAsync(ExportBatch batch, CancellationToken cancel);

    /// <summary>Divides a batch that is too large.</summary>
    /// <returns>False when it holds one item only.</returns>
    bool TrySplit(ExportBatch batch, out ExportBatch first, out ExportBatch second);
}
