using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <summary>HTTP/1.0 and HTTP/1.1, request by request.</summary>
/// <remarks>Source: RFC 9110, RFC 9112. One thread, that of the engine it serves.</remarks>
public sealed class Http1Protocol : IProtocol
{
    /// <summary>How long a request waits for its response before it is reported without one, unless told otherwise.</summary>
    public static readonly TimeSpan DefaultRequestTimeout = TimeSpan.FromSeconds(60);

    /// <summary>What all sessions together hold of long request lines, unless told otherwise.</summary>
    public const long DefaultTextBudgetBytes = 4 * 1024 * 1024;

    private const int MaxPooled = 256;

    private readonly Stack<Http1Session> _pool = new();
    private readonly long _requestTimeoutNs;
    private readonly QueueMemory _memory;

    /// <summary>Makes the protocol.</summary>
    /// <param name="requestTimeout">From the end of a request; <see cref="DefaultRequestTimeout"/> when null.</param>
    /// <param name="textBudgetBytes">
    /// Ceiling for all sessions' buffers beyond 2 KiB each; when it is reached, targets are cut to what fits in 2 KiB.
    /// </param>
    public Http1Protocol(TimeSpan? requestTimeout = null, long textBudgetBytes = DefaultTextBudgetBytes)
    {
        TimeSpan timeout = requestTimeout ?? DefaultRequestTimeout;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero, nameof(requestTimeout));
        ArgumentOutOfRangeException.ThrowIfNegative(textBudgetBytes);
        _requestTimeoutNs = (long)timeout.TotalNanoseconds;
        _memory = new QueueMemory(textBudgetBytes);
    }

    /// <inheritdoc/>
    public string Id => "http1";

    /// <summary>Bytes of text held beyond the ordinary, by all sessions together.</summary>
    public long TextBudgetTakenBytes => _memory.TakenBytes;

    /// <inheritdoc/>
    public Detection Detect(ReadOnlySpan<byte> data) => Http1Detector.Judge(data);

    /// <inheritdoc/>
    public ProtocolSession Rent()
    {
        return _pool.TryPop(out Http1Session? pooled) ? pooled : new Http1Session(_requestTimeoutNs, _memory);
    }

    /// <inheritdoc/>
    public void Return(ProtocolSession session)
    {
        session.Reset();
        if (session is Http1Session mine && _pool.Count < MaxPooled)
        {
            _pool.Push(mine);
        }
    }
}
