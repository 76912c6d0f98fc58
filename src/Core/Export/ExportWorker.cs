using System.Diagnostics.CodeAnalysis;

namespace KubeBpfBox.Core.Export;

/// <summary>What an exporter's thread does: sends what is new, moves it to disk while the server is away, sends what waits there, gives up what it must.</summary>
/// <remarks>
/// The server is <em>away</em> from a failure of a new batch until the next success. Meanwhile everything goes to disk, and after each pause one batch is tried:
/// a new one if there is one, else the oldest on disk. What the spool fails with while new batches are taken is the fault of that batch, and only the spool pauses.
/// Threads: one at a time, but for <see cref="Trouble"/>, <see cref="FullReason"/> and <see cref="SpooledItems"/>.
/// </remarks>
internal sealed partial class ExportWorker : IDisposable
{
    private static readonly TimeSpan s_expiryPause = TimeSpan.FromSeconds(1);

    private readonly string _id;
    private readonly IExportTransport _transport;
    private readonly ExportOptions _options;
    private readonly BatchQueue _queue;
    private readonly SpoolKeeper _spool;
    private readonly ExportStages _stages;
    private readonly ExportLog _log;
    private readonly TimeProvider _time;
    private readonly Action _wake;
    private readonly long _startedAt;
    private readonly ReplayAllowance _allowance;
    private readonly CancellationTokenSource _stopping = new();
    private Delivery? _sending;
    private Task<ExportResult>? _answer;
    private TimeSpan _nextExpiry;
    private bool _lastWasReplay;
    private bool _isStopping;

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
        _spool = new SpoolKeeper(id, options, stages, log, time);
        _allowance = new ReplayAllowance(options.SpoolBytesPerSecond);
        _backoff = new Backoff(options.FirstPause, options.MaxPause);
        _replayBackoff = new Backoff(options.FirstPause, options.MaxPause);
        _refusals = new RareWarning(log.Warn);
        _outages = new RareWarning(log.Warn);
    }

    /// <summary>What is lost when memory is full, is lost for this.</summary>
    public DropReason FullReason => _spool.Trouble is null ? DropReason.QueueFull : DropReason.SpoolFailed;

    private TimeSpan Now => _time.GetElapsedTime(_startedAt);

    /// <summary>The shorter of two waits, of which either may be infinite.</summary>
    public static TimeSpan Sooner(TimeSpan a, TimeSpan b) => a < TimeSpan.Zero ? b : b < TimeSpan.Zero || a < b ? a : b;

    /// <summary>Items on disk.</summary>
    public long SpooledItems(ExportKind kind) => _spool.Items(kind);

    /// <summary>Does all that is due.</summary>
    /// <returns>How long to wait.</returns>
    public TimeSpan Step()
    {
        _spool.Open();
        while (_sending is null ? TrySendNext() : _answer!.IsCompleted)
        {
            if (_answer!.IsCompleted)
            {
                OnAnswer();
            }
        }
        MoveToSpool();
        if (!_isAway && _sending is null && !_spool.HasItems)
        {
            _failure = null; // nothing is left that the server did not take
        }
        TimeSpan wait = _sending is null ? NextSendIn(Now) : Timeout.InfiniteTimeSpan;
        return Sooner(Sooner(wait, _spool.RetryIn ?? Timeout.InfiniteTimeSpan), Expire());
    }

    /// <summary>Sends the last batches while that is allowed, then keeps what it can on disk.</summary>
    public void Finish()
    {
        _isStopping = true;
        TimeSpan end = Now + _options.StopTimeout;
        _ = Step();
        while (_sending is not null && !_isAway && WaitForAnswer(end - Now))
        {
            _ = Step();
        }
        _stopping.Cancel();
        _ = WaitForAnswer(TimeSpan.FromSeconds(1));
        if (_sending is not null)
        {
            OnAnswer();
        }
        while (_queue.Take() is { } rest)
        {
            if (!_spool.TryKeep(rest, Settle))
            {
                GiveUp(rest, DropReason.Stopped);
            }
        }
        _spool.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    private bool WaitForAnswer(TimeSpan limit) =>
        _answer is { } answer && limit > TimeSpan.Zero && Task.WhenAny(answer, Task.Delay(limit)).GetAwaiter().GetResult() == answer;

    private bool TrySendNext()
    {
        TimeSpan now = Now;
        bool mayReplay = ReplayIn(now) == TimeSpan.Zero;
        // New ones first, but every other one may be an old one: else a server that just keeps up would never get those.
        Delivery? next = mayReplay && !_lastWasReplay && !_isAway ? TakeFromSpool() : null;
        next ??= now >= _nextTry ? _queue.Take() : null;
        next ??= mayReplay ? TakeFromSpool() : null;
        if (next is null)
        {
            return false;
        }
        _lastWasReplay = next.IsReplay;
        Send(next);
        return true;
    }

    private Delivery? TakeFromSpool()
    {
        if (_spool.Take() is not { } delivery)
        {
            return null;
        }
        _queue.Adopt(delivery);
        _allowance.Use(delivery.Ticket!.Value.Bytes);
        return delivery;
    }

    private TimeSpan NextSendIn(TimeSpan now)
    {
        TimeSpan live = _queue.IsEmpty ? Timeout.InfiniteTimeSpan : Later(_nextTry - now, TimeSpan.Zero);
        return Sooner(live, ReplayIn(now));
    }

    // Time until the spool may send; infinite when nothing waits there.
    private TimeSpan ReplayIn(TimeSpan now)
    {
        if (_isStopping || !_spool.HasItems)
        {
            return Timeout.InfiniteTimeSpan;
        }
        // A batch on disk that failed before leaves a new one the chance to find out whether it is only that batch that the server does not take.
        TimeSpan probe = _isAway && _headFailures > 0 ? _nextTry + _options.FirstPause : _nextTry;
        return Later(Later(probe, _nextReplay) - now, _allowance.Wait(now));
    }

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;

    // While the server is away, or slower than what comes in.
    private void MoveToSpool()
    {
        long mayWait = _options.MemoryBytes / 2;
        if (_queue.IsEmpty || !_spool.IsUsable || (!_isAway && _queue.WaitingBytes <= mayWait))
        {
            return;
        }
        if (_sending is { IsReplay: false, Ticket: null, Splits: 0 } first)
        {
            _spool.TryKeepSent(first); // it comes before those that follow
        }
        while ((_isAway || _queue.WaitingBytes > mayWait) && _queue.TakeLeast() is { } delivery)
        {
            if (!_spool.TryKeep(delivery, Settle))
            {
                _queue.PutBack(delivery);
                return;
            }
            delivery.Buffer?.Return();
        }
    }

    private TimeSpan Expire()
    {
        TimeSpan now = Now;
        if (!_spool.HasItems || _sending is not null)
        {
            return Timeout.InfiniteTimeSpan;
        }
        if (now >= _nextExpiry)
        {
            _spool.Expire();
            _nextExpiry = now + s_expiryPause;
        }
        return _nextExpiry - now;
    }

    private void Send(Delivery delivery)
    {
        if (Now >= _largestUntil)
        {
            _largestBytes = int.MaxValue;
        }
        // Once it was refused, its pieces try how large they may be: one odd item must not make all that follows small.
        while (!delivery.IsTooLarge && delivery.Current.Payload.Length > _largestBytes && TryDivide(delivery, MaxSplitsOfLarge))
        {
        }
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
}
