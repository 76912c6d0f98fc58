using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Export;

/// <content>What follows from what the server says.</content>
internal sealed partial class ExportWorker
{
    // One bad item of n is found with log2(n) divisions; a batch of nothing but bad items must not become as many requests.
    private const int MaxSplits = 64;
    private const int MaxSplitsOfLarge = 1024;

    // In memory, a batch that the server never takes must not stand before all others for ever.
    private const int MaxFailuresAtHead = 5;

    // On disk, one that it does not take while it takes others goes to the end of its line.
    private const int MaxHeadFailures = 3;

    private const int MaxExampleBytes = 200;
    private static readonly TimeSpan s_largestKnown = TimeSpan.FromMinutes(10);

    private readonly Backoff _backoff;
    private readonly Backoff _replayBackoff;
    private readonly RareWarning _refusals;
    private readonly RareWarning _outages;
    private TimeSpan _nextTry;
    private TimeSpan _nextReplay;
    private TimeSpan _largestUntil;
    private int _largestBytes = int.MaxValue;
    private int _headFailures;
    private bool _othersTaken;
    private bool _isAway;
    private bool _isOutageTold;
    private volatile string? _failure;

    /// <summary>What is wrong, in one line that says what to do; null when nothing is.</summary>
    public string? Trouble
    {
        get
        {
            string? spool = _spool.Trouble;
            if (_failure is not { } failure)
            {
                return spool;
            }
            string waits = _spool.Bytes is var bytes and > 0 ? $" ({bytes / 1024} KiB wait on disk, {_options.SpoolMaxBytes / 1024} at most)" : "";
            string also = spool is null ? "" : $"; besides, {spool}";
            return $"{_transport.Target} does not take data{waits}: {failure}; see that it runs and can be reached, and check address and credentials in the settings{also}";
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
        if (delivery.IsDone)
        {
            delivery.Buffer?.Return();
            SettleOnDisk(delivery);
        }
        else if (_stopping.IsCancellationRequested)
        {
            WaitAgain(delivery);
        }
        else
        {
            Send(delivery);
        }
    }

    private void OnAccepted(Delivery delivery, ExportResult result)
    {
        int items = delivery.Current.Items;
        _largestBytes = Math.Max(_largestBytes, delivery.Current.Payload.Length);
        int rejected = Math.Clamp(result.RejectedItems, 0, items);
        _stages[delivery.Kind].Out.AddShared(items - rejected);
        if (rejected > 0)
        {
            CountRefused(delivery.Current, DropReason.Malformed, rejected, result.Reason);
        }
        Settle(delivery);
        _backoff.Succeed();
        if (delivery.IsReplay || _isAway)
        {
            _replayBackoff.Succeed();
            _nextReplay = default;
            _headFailures = 0;
            _failure = null;
        }
        _othersTaken = _headFailures > 0;
        if (_isAway)
        {
            _isAway = false;
            if (_isOutageTold)
            {
                _log.Inform($"{_id}: {_transport.Target} takes data again; {_spool.Bytes / 1024} KiB wait on disk");
            }
        }
    }

    private void OnRetry(Delivery delivery, ExportResult result)
    {
        TimeSpan now = Now;
        delivery.Buffer = null; // the transport may still read it
        delivery.Failures++;
        string reason = result.Reason ?? "no reason given";
        if (delivery.IsReplay)
        {
            _headFailures++;
            _nextReplay = now + _replayBackoff.Fail(result.RetryAfter);
            _nextTry = result.RetryAfter is null ? _nextTry : _nextReplay;
        }
        if (_isAway || !delivery.IsReplay)
        {
            _isAway = true;
            _nextTry = now + _backoff.Fail(result.RetryAfter);
        }
        if (_failure is null && !_stopping.IsCancellationRequested)
        {
            string where = _spool.Path is { } path ? $"what waits goes to {path}" : "what waits is held in memory, the oldest requests are dropped first";
            _isOutageTold = _outages.Tell(now, 1, () => $"{_id}: {_transport.Target} does not take data: {reason}; {where}");
        }
        _failure = reason;
        WaitAgain(delivery);
    }

    private void OnRefused(Delivery delivery, ExportResult result)
    {
        delivery.Buffer = null;
        ExportBatch batch = delivery.Current;
        bool isTooLarge = result.Status == ExportStatus.TooLarge;
        delivery.IsTooLarge |= isTooLarge;
        if (isTooLarge && batch.Items > 1)
        {
            // So that the next one is not refused first; for some time only, because somebody may raise the server's limit.
            _largestBytes = Math.Min(_largestBytes, batch.Payload.Length - 1);
            _largestUntil = Now + s_largestKnown;
        }
        if (!TryDivide(delivery, isTooLarge ? MaxSplitsOfLarge : MaxSplits))
        {
            CountRefused(batch, isTooLarge ? DropReason.TooLarge : DropReason.Malformed, batch.Items, result.Reason);
            Settle(delivery);
        }
    }

    private bool TryDivide(Delivery delivery, int maxSplits)
    {
        if (delivery.Splits >= maxSplits || delivery.Current.Items <= 1 || !_transport.TrySplit(delivery.Current, out ExportBatch first, out ExportBatch second))
        {
            return false;
        }
        delivery.Divide(first, second);
        return true;
    }

    private void CountRefused(ExportBatch batch, DropReason reason, int items, string? words)
    {
        _stages.Drop(batch.Kind, reason, items);
        _refusals.Tell(Now, items, () =>
        {
            ReadOnlySpan<byte> payload = batch.Payload.Span;
            string example = batch.Items == 1 ? $"; it began: {PrintableText.Decode(payload[..Math.Min(payload.Length, MaxExampleBytes)])}" : "";
            string what = reason == DropReason.TooLarge ? "too large" : "malformed";
            return $"{_id}: {_transport.Target} refused {items} of a batch's {batch.Items} items as {what}, they are dropped: {words ?? "no reason given"}{example}";
        });
    }

    // The server did not take it: back to where it came from, or to disk.
    private void WaitAgain(Delivery delivery)
    {
        if (delivery.Ticket is not null)
        {
            bool isToGoLast = delivery.IsReplay && _headFailures >= MaxHeadFailures && _othersTaken;
            if (delivery.Splits == 0 && !isToGoLast)
            {
                if (!_spool.TryPutBack(delivery))
                {
                    _stages.Drop(delivery.Kind, DropReason.SpoolFull, delivery.Items);
                }
                _queue.Leave(delivery, delivery.Items, isLast: true);
                return;
            }
            _headFailures = isToGoLast ? 0 : _headFailures;
        }
        if (!_spool.TryKeep(delivery, Settle))
        {
            WaitInMemory(delivery);
        }
        SettleOnDisk(delivery);
    }

    private void WaitInMemory(Delivery delivery)
    {
        delivery.IsReplay = false;
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

    // The record it came from, if there is one, is not to be sent again.
    private void SettleOnDisk(Delivery delivery)
    {
        if (delivery.Ticket is not null)
        {
            _spool.Settle(delivery);
        }
    }

    // Its current piece was dealt with.
    private void Settle(Delivery delivery)
    {
        int items = delivery.Settle();
        _queue.Leave(delivery, items, delivery.IsDone);
    }

    private void GiveUp(Delivery delivery, DropReason reason)
    {
        _stages.Drop(delivery.Kind, reason, delivery.Items);
        _queue.Leave(delivery, delivery.Items, isLast: true);
    }
}
