using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>A request that becomes a span.</summary>
/// <param name="Record">The copy; returned to the pool once written.</param>
/// <param name="Place">Where the span stands.</param>
internal readonly record struct WaitingSpan(TransactionRecord Record, SpanPlace Place);

/// <summary>Picks requests on the parse thread and keeps copies of them until they are serialized.</summary>
/// <remarks>Threads: one offers, another takes. In = not_sampled + response_without_request + pool_empty + what was taken + <see cref="Held"/>.</remarks>
internal sealed class SpanQueue
{
    /// <summary>So many that it is worth waking the writer.</summary>
    private const int ManySpans = 512;

    private readonly Lock _lock = new();
    private readonly Queue<WaitingSpan> _waiting = new();
    private readonly TransactionRecordPool _pool;
    private readonly Sampling _sampling;
    private readonly Counter _in;
    private readonly Counter _notSampled;
    private readonly Counter _noRequest;
    private readonly Counter _poolEmpty;
    private readonly Action _wake;

    /// <param name="options">Ratio and bounds.</param>
    /// <param name="sampling">Decides.</param>
    /// <param name="stage">Gets the counts.</param>
    /// <param name="wake">Called when many wait.</param>
    public SpanQueue(OtlpOptions options, Sampling sampling, LedgerStage stage, Action wake)
    {
        _sampling = sampling;
        _pool = new TransactionRecordPool(options.QueueCapacity, options.QueueBytes);
        _in = stage.In;
        _notSampled = stage.DropReason("not_sampled");
        _noRequest = stage.DropReason("response_without_request");
        _poolEmpty = stage.DropReason("pool_empty");
        _wake = wake;
    }

    /// <summary>Copies that are not returned yet.</summary>
    public int Held => _pool.Out;

    /// <summary>Judges one request, on the parse thread.</summary>
    public void Offer(in Transaction transaction)
    {
        _in.Add(1);
        if (transaction.Method.IsEmpty)
        {
            _noRequest.Add(1);
            return;
        }
        if (!_sampling.TrySample(in transaction, out SpanPlace place))
        {
            _notSampled.Add(1);
            return;
        }
        if (_pool.TryRent(in transaction, references: 1) is not { } record)
        {
            _poolEmpty.Add(1);
            return;
        }
        bool isMany;
        lock (_lock)
        {
            _waiting.Enqueue(new WaitingSpan(record, place));
            isMany = _waiting.Count == ManySpans;
        }
        if (isMany)
        {
            _wake();
        }
    }

    /// <summary>Takes the oldest.</summary>
    /// <returns>How many there were.</returns>
    public int Take(Span<WaitingSpan> taken)
    {
        lock (_lock)
        {
            int count = 0;
            while (count < taken.Length && _waiting.TryDequeue(out taken[count]))
            {
                count++;
            }
            return count;
        }
    }

    /// <summary>Gives back what was written.</summary>
    public void Return(ReadOnlySpan<WaitingSpan> taken)
    {
        foreach (WaitingSpan span in taken)
        {
            _pool.Return(span.Record);
        }
    }
}
