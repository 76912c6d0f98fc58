using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Stores series of rate, errors and duration per 10 s, and a bounded request log, in one SQLite file.</summary>
/// <remarks>
/// <see cref="OnTransaction"/> runs on the parse thread and only decides and copies; one writer thread owns the database. A database that
/// cannot be written is tried again with growing pauses; what does not fit the bounded queues meanwhile is dropped and counted.
/// </remarks>
public sealed partial class SqliteSink : ITransactionObserver, INodeEventObserver, IDisposable
{
    private const int TickMs = 250;
    private const int BatchRows = 2000;
    private const int MaxPauseMs = 30_000;

    private readonly SqliteSinkOptions _options;
    private readonly Func<IReadOnlyList<RedSeriesSnapshot>> _takeRedWindow;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly RequestLogPolicy _policy;
    private readonly LedgerStage _logStage;
    private readonly LedgerStage _redStage;
    private readonly Counter _redExpired;
    private readonly Counter _logGivenUp;
    private readonly Queue<(long StartS, RedSeriesSnapshot Series)> _pendingRed = new();
    private readonly List<LogEntry> _batch = [];
    private readonly List<LogWindow> _pendingWindows = [];

    /// <summary>What a database that was away for longer does not learn is how much was thinned before.</summary>
    private const int MaxPendingWindows = 360;

    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private SqliteConnection? _connection;
    private Rows? _rows;
    private long _redWindowS;
    private long _clockOffsetMs;
    private long _nextRetentionS;
    private int _pauseMs;
    private long _retryAtMs;
    private string? _trouble;
    private long _pendingRedCount;

    /// <summary>Makes the sink and opens the database once.</summary>
    /// <param name="options">Where and how much.</param>
    /// <param name="ledger">Gets the stages "sqlite_red", "sqlite_log" and "sqlite_events".</param>
    /// <param name="takeRedWindow">What came since the last call, per series.</param>
    /// <param name="logger">Told when the database cannot be written, and when it can again.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="SqliteSinkException">The file is not for us; nothing was changed.</exception>
    public SqliteSink(SqliteSinkOptions options, Ledger ledger, Func<IReadOnlyList<RedSeriesSnapshot>> takeRedWindow, ILogger logger, TimeProvider? time = null)
    {
        _options = options;
        _takeRedWindow = takeRedWindow;
        _logger = logger;
        _time = time ?? TimeProvider.System;
        _redStage = ledger.AddStage("sqlite_red", "series_windows");
        _redExpired = _redStage.DropReason("queue_full");
        _redStage.Held = () => Interlocked.Read(ref _pendingRedCount);
        _logStage = ledger.AddStage("sqlite_log", "transactions");
        _eventStage = ledger.AddStage("sqlite_events", "events");
        _eventExpired = _eventStage.DropReason("queue_full");
        _eventStage.Held = PendingEvents;
        SetClock();
        _policy = new RequestLogPolicy(options, _logStage, CoarseNowMs);
        _logGivenUp = _logStage.DropReason("write_failed");
        _redWindowS = WindowOf(NowS());
        TryOpen();
        _thread = new Thread(Run) { Name = "sqlite-writer", IsBackground = true };
    }

    /// <summary>What is wrong with the database now, in one line; null when nothing is.</summary>
    public string? Trouble => Volatile.Read(ref _trouble);

    /// <summary>Starts the writer.</summary>
    public void Start() => _thread.Start();

    /// <inheritdoc/>
    public void OnTransaction(in Transaction transaction) => _policy.Offer(in transaction);

    /// <summary>Writes what is there, and closes the database.</summary>
    public void Dispose()
    {
        _stop.Set();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
        CloseDatabase();
        _stop.Dispose();
    }

    /// <summary>One round of the writer: collect, write, retire. The last one ignores the pause after a failure and flushes open windows.</summary>
    internal void RunOnce(bool final = false)
    {
        SetClock();
        _policy.Tick(final);
        CollectRed(final);
        if (!final && NowMs() < _retryAtMs)
        {
            return;
        }
        try
        {
            while (WriteBatch())
            {
            }
            Retire();
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or SqliteSinkException)
        {
            OnFailure(e);
        }
        if (final)
        {
            GiveUp();
        }
    }

    private static long WindowOf(long seconds) => seconds / RequestLogPolicy.WindowSeconds * RequestLogPolicy.WindowSeconds;

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private long NowS() => NowMs() / 1000;

    /// <summary>Time for the parse thread: the tick count costs a tenth of the wall clock, which the writer thread puts it right with.</summary>
    private long CoarseNowMs() => (_time == TimeProvider.System ? Environment.TickCount64 : NowMs()) + Volatile.Read(ref _clockOffsetMs);

    private void SetClock()
    {
        if (_time == TimeProvider.System)
        {
            Volatile.Write(ref _clockOffsetMs, NowMs() - Environment.TickCount64);
        }
    }

    private void Run()
    {
        while (!_stop.Wait(TickMs))
        {
            RunOnce();
        }
        RunOnce(final: true);
    }

    private void CollectRed(bool final)
    {
        long window = WindowOf(NowS());
        if (window == _redWindowS && !final)
        {
            return;
        }
        foreach (RedSeriesSnapshot series in _takeRedWindow())
        {
            if (series.Count == 0)
            {
                continue;
            }
            _redStage.In.Add(1);
            if (_pendingRed.Count >= _options.MaxPendingSeriesWindows)
            {
                _pendingRed.Dequeue();
                _redExpired.Add(1);
            }
            _pendingRed.Enqueue((_redWindowS, series));
        }
        Interlocked.Exchange(ref _pendingRedCount, _pendingRed.Count);
        _redWindowS = window;
    }

    /// <summary>Writes one transaction's worth of what waits; what fails stays and is tried again.</summary>
    private bool WriteBatch()
    {
        while (_batch.Count < BatchRows && _policy.TryTake(out LogEntry entry))
        {
            _batch.Add(entry);
        }
        while (_policy.TryTakeWindow(out LogWindow window))
        {
            if (_pendingWindows.Count == MaxPendingWindows)
            {
                _pendingWindows.RemoveAt(0);
            }
            _pendingWindows.Add(window);
        }
        NodeEvent[] events = FirstEvents();
        if (_batch.Count == 0 && _pendingWindows.Count == 0 && _pendingRed.Count == 0 && events.Length == 0)
        {
            return false;
        }
        if (_connection is null && !TryOpen())
        {
            return false;
        }
        int redRows = WriteRows(events);
        Recover();
        for (int i = 0; i < redRows; i++)
        {
            _pendingRed.Dequeue();
        }
        Interlocked.Exchange(ref _pendingRedCount, _pendingRed.Count);
        RemoveEvents(events);
        _redStage.Out.Add(redRows);
        _logStage.Out.Add(_batch.Count);
        bool isMore = _batch.Count == BatchRows || _pendingRed.Count > 0;
        _batch.ForEach(entry => _policy.Return(in entry));
        _batch.Clear();
        _pendingWindows.Clear();
        return isMore;
    }

    private int WriteRows(NodeEvent[] events)
    {
        using SqliteTransaction transaction = _connection!.BeginTransaction();
        foreach (LogEntry entry in _batch)
        {
            _rows!.Insert(transaction, in entry);
        }
        foreach (LogWindow window in _pendingWindows)
        {
            _rows!.Insert(transaction, in window);
        }
        foreach (NodeEvent happened in events)
        {
            _rows!.Insert(transaction, happened);
        }
        int redRows = 0;
        foreach ((long startS, RedSeriesSnapshot series) in _pendingRed.Take(BatchRows))
        {
            _rows!.Insert(transaction, startS, series);
            redRows++;
        }
        transaction.Commit();
        return redRows;
    }

    private void Retire()
    {
        if (_connection is null)
        {
            return;
        }
        long now = NowS();
        if (now >= _nextRetentionS)
        {
            _nextRetentionS = now + 60;
            if (Retention.DeleteBefore(_connection, now - (_options.MaxAgeNs / 1_000_000_000)) > 0)
            {
                Retention.Shrink(_connection);
            }
        }
        Retention.KeepBelow(_connection, _options.MaxBytes);
    }

    /// <summary>At shutdown: what could not be written is lost and counted.</summary>
    private void GiveUp()
    {
        do
        {
            _logGivenUp.Add(_batch.Count);
            _batch.ForEach(entry => _policy.Return(in entry));
            _batch.Clear();
            while (_policy.TryTake(out LogEntry entry))
            {
                _batch.Add(entry);
            }
        }
        while (_batch.Count > 0);
        GiveUpEvents();
        _redExpired.Add(_pendingRed.Count);
        _pendingRed.Clear();
        Interlocked.Exchange(ref _pendingRedCount, 0);
    }
}
