using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Core.Records;

/// <summary>Takes finished transactions, on the thread that parses.</summary>
public interface ITransactionObserver
{
    /// <summary>One request with its response, or one of them alone. The spans live only during the call: copy what must stay.</summary>
    void OnTransaction(in Transaction transaction);
}

/// <summary>What is known to be missing from a transaction.</summary>
[Flags]
public enum TransactionFlags : byte
{
    /// <summary>Seen whole.</summary>
    None = 0,

    /// <summary>The request's head was longer than what was captured, or bytes of it were lost.</summary>
    RequestTruncated = 1,

    /// <summary>The response's head was longer than what was captured, or bytes of it were lost.</summary>
    ResponseTruncated = 2,

    /// <summary>Bytes of a body were lost, or its end was not seen: sizes are lower bounds and the duration ends at the last byte seen.</summary>
    BodyIncomplete = 4,

    /// <summary>Request and response were paired after a loss, by acknowledgement numbers instead of by order.</summary>
    PairedAfterLoss = 8,
}

/// <summary>One request and its response as seen at one end of a connection.</summary>
/// <remarks>
/// Units: times in nanoseconds since the Unix epoch, durations in nanoseconds, sizes in bytes on the wire. Lifetime: spans alias the
/// session's or the ring buffer's memory and end with the call that passes the transaction.
/// </remarks>
public readonly ref struct Transaction
{
    /// <summary>The connection it was seen on: addresses, role, workload.</summary>
    public required Connection Connection { get; init; }

    /// <summary>Protocol name as in output: "http".</summary>
    public required string Protocol { get; init; }

    /// <summary>Which side of the connection sent the request.</summary>
    public required Side ClientSide { get; init; }

    /// <summary>First byte of the request, or of the response when there was no request.</summary>
    public required long StartNs { get; init; }

    /// <summary>From the first byte of the request to the last of the response; -1 when either is missing.</summary>
    public long DurationNs { get; init; } = -1;

    /// <summary>From the first byte of the request to the first of the final response; -1 when either is missing.</summary>
    public long TimeToFirstByteNs { get; init; } = -1;

    /// <summary>Method token; empty when no request was captured.</summary>
    public ReadOnlySpan<byte> Method { get; init; }

    /// <summary>Request target as on the wire; empty when no request was captured.</summary>
    public ReadOnlySpan<byte> Target { get; init; }

    /// <summary>Host header field (or the authority of an absolute target when there is none); empty when absent.</summary>
    public ReadOnlySpan<byte> Host { get; init; }

    /// <summary>"0.9", "1.0", "1.1"; null when malformed or no request line was captured.</summary>
    public string? Version { get; init; }

    /// <summary>Final status code; 0 when no response was captured.</summary>
    public int Status { get; init; }

    /// <summary>Whole request message: head, framing and body.</summary>
    public long RequestBytes { get; init; }

    /// <summary>Whole response message with its interim responses.</summary>
    public long ResponseBytes { get; init; }

    /// <summary>Body of the request as sent (before decoding a content coding, without chunk framing); -1 when not known.</summary>
    public long RequestBodyBytes { get; init; } = -1;

    /// <summary>Body of the response as sent; -1 when not known.</summary>
    public long ResponseBodyBytes { get; init; } = -1;

    /// <summary>
    /// Why there is no usable answer: one of <see cref="TransactionError"/>'s names; null when there is one.
    /// </summary>
    public string? Error { get; init; }

    /// <summary>What is known to be missing.</summary>
    public TransactionFlags Flags { get; init; }

    /// <summary>Protocol-specific fields, written by <see cref="AttributeWriter"/>.</summary>
    public ReadOnlySpan<byte> Attributes { get; init; }

    /// <summary>Makes an empty transaction; required members must be set.</summary>
    public Transaction()
    {
    }
}

/// <summary>Values of <see cref="Transaction.Error"/>, in the spelling of OpenTelemetry's <c>error.type</c>.</summary>
public static class TransactionError
{
    /// <summary>No response within the protocol's request timeout.</summary>
    public const string Timeout = "timeout";

    /// <summary>The connection was reset before the response was complete.</summary>
    public const string ConnectionReset = "connection_reset";

    /// <summary>The connection was closed in order before the response came.</summary>
    public const string ConnectionClosed = "connection_closed";

    /// <summary>Nobody knows whether an answer came: the response's bytes were lost, or the capture ended.</summary>
    public const string NotCaptured = "not_captured";

    /// <summary>The message broke the protocol's grammar.</summary>
    public const string Malformed = "malformed";
}
