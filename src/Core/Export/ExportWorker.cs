using System.Diagnostics.CodeAnalysis;

namespace KubeBpfBox.Core.Export;

/// <summary>What an exporter's thread does: sends, tries again, divides, gives up.</summary>
/// <remarks>Threads: one at a time, but for <see cref="Trouble"/>.</remarks>
internal sealed class ExportWorker : IDisposable
{
    // One bad item of n is found with 2 log2(n) divisions; a batch of nothing but bad items must not become as many requests.
    private const int MaxSplits = 64;

    // In memory, a batch that the server never takes must not stand before all others for ever.
    private const int MaxFailuresAtHead = 5;

    private readonly string _id;
    private readonly IExportTransport _transport;
    private readonly ExportOptions _options;
    private readonly BatchQueue _queue;
    private readonly ExportStages _stages;
    private readonly ExportLog _log;
    private readonly TimeProvider _time;
    private readonly Action _wake;
    private readonly long _startedAt;
    private readonly Backoff _backoff;
    private readonly CancellationTokenSource _stopping = new();
    private Delivery? _sending;
    private Task<ExportResult>? _answer;
    private TimeSpan _nextTry;
    private volatile string? _failure;

    public ExportWorker(
        string id, IExportTransport transport, ExportOptions options, BatchQueue queue, ExportStages stages, ExportLog log, TimeProvider time, Action wake)
    {
        _id = id;
        _transport = transport;
        _options = options;
        _queue = queue;
        _stages = stages;
        _log = log;
        _time = time;
        _wake = wake;
        _startedAt = time.GetTimestamp();
        _backoff = new Backoff(options.FirstPause, options.MaxPause);
    }

    /// <summary>What is wrong, in one line.</summary>
    public string? Trouble => _failure is { } failure
        ? $"{_id}: {_transport.Target} does not take data: {failure}; check that it runs, and the address and the credentials in this agent's settings"
        : null;

    private TimeSpan Now => _time.GetElapsedTime(_startedAt);

    /// <summary>The shorter of two waits, of which either may be infinite.</summary>
    public static TimeSpan Sooner(TimeSpan a, TimeSpan b) => a < TimeSpan.Zero ? b : b < TimeSpan.Zero || a < b ? a : b;

    /// <summary>Does all that is due.</summary>
    /// <returns>How long to wait.</returns>
    public TimeSpan Step()
    {
        while (true)
        {
            if (_sending is not null)
            {
                if (!_answer!.IsCompleted)
                {
                    return Timeout.InfiniteTimeSpan;
                }
                OnAnswer();
            }
            TimeSpan pause = _nextTry - Now;
            if (pause > TimeSpan.Zero)
            {
                return pause;
            }
            if (_queue.Take() is not { } delivery)
            {
                return Timeout.InfiniteTimeSpan;
            }
            Send(delivery);
        }
    }

    /// <summary>Sends the last batches while that is allowed, then gives up.</summary>
    public void Finish()
    {
        TimeSpan end = Now + _options.StopTimeout;
        while (_failure is null && Now < end && (_sending is not null || _queue.WaitingBytes > 0))
        {
            _ = Step();
            WaitForAnswer(end - Now);
        }
        _stopping.Cancel();
        WaitForAnswer(TimeSpan.FromSeconds(1));
        if (_sending is not null)
        {
            OnAnswer();
        }
        while (_queue.Take() is { } rest)
        {
            GiveUp(rest, DropReason.Stopped);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    private void WaitForAnswer(TimeSpan limit)
    {
        try
        {
            _ = _answer?.Wait(limit < TimeSpan.Zero ? TimeSpan.Zero : limit);
        }
        catch (AggregateException)
        {
            // OnAnswer looks at it.
        }
    }

    private void Send(Delivery delivery)
    {
        _sending = delivery;
        _answer = SendAsync(delivery.Current);
        if (!_answer.IsCompleted)
        {
            _answer.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_wake);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever a transport throws: the batch is kept, the thread goes on.")]
    private async Task<ExportResult> SendAsync(ExportBatch batch)
    {
        try
        {
            return await _transport.SendAsync(batch, _stopping.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            return new ExportResult(ExportStatus.Retry, e.Message);
        }
    }

    private void OnAnswer()
    {
        Delivery delivery = _sending!;
        ExportResult result = _answer!.IsCompletedSuccessfully ? _answer.Result : new ExportResult(ExportStatus.Retry, "it did not answer in time");
        _sending = null;
        _answer = null;
        switch (result.Status)
        {
            case ExportStatus.Accepted:
                OnAccepted(delivery, result);
                break;
            case ExportStatus.Retry:
                OnRetry(delivery, result);
                return;
            default:
                OnRefused(delivery, result);
                break;
        }
        if (!delivery.IsDone)
        {
            Send(delivery);
        }
        else
        {
            delivery.Buffer?.Return();
        }
    }

    private void OnAccepted(Delivery delivery, ExportResult result)
    {
        int items = delivery.Current.Items;
        int rejected = Math.Clamp(result.RejectedItems, 0, items);
        _stages[delivery.Kind].Out.AddShared(items - rejected);
        _stages.Drop(delivery.Kind, DropReason.Malformed, rejected);
        Settle(delivery, items);
        _backoff.Succeed();
        if (_failure is not null)
        {
            _failure = null;
            _log.Inform($"{_id}: {_transport.Target} takes data again");
        }
    }

    private void OnRetry(Delivery delivery, ExportResult result)
    {
        delivery.Buffer = null; // the transport may still read it
        delivery.Failures++;
        _nextTry = Now + _backoff.Fail(result.RetryAfter);
        string reason = result.Reason ?? "no reason given";
        if (_failure is null)
        {
            _log.Warn($"{_id}: {_transport.Target} does not take data: {reason}; trying again");
        }
        _failure = reason;
        if (delivery.Failures < MaxFailuresAtHead)
        {
            _queue.PutBack(delivery);
        }
        else
        {
            delivery.Failures = 0;
            _queue.PutLast(delivery);
        }
    }

    private void OnRefused(Delivery delivery, ExportResult result)
    {
        delivery.Buffer = null;
        ExportBatch batch = delivery.Current;
        bool isTooLarge = result.Status == ExportStatus.TooLarge;
        if ((isTooLarge || delivery.Splits < MaxSplits) && batch.Items > 1 && _transport.TrySplit(batch, out ExportBatch first, out ExportBatch second))
        {
            delivery.Divide(first, second);
            return;
        }
        _stages.Drop(delivery.Kind, isTooLarge ? DropReason.TooLarge : DropReason.Malformed, batch.Items);
        Settle(delivery, batch.Items);
    }

    private void Settle(Delivery delivery, int items)
    {
        delivery.Settle();
        _queue.Leave(delivery, items, delivery.IsDone);
    }

    private void GiveUp(Delivery delivery, DropReason reason)
    {
        int items = delivery.Items;
        _stages.Drop(delivery.Kind, reason, items);
        _queue.Leave(delivery, items, isLast: true);
    }
}
