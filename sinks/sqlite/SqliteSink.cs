using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Stores series of rate, errors and duration per 10 s, and a bounded request log, in one SQLite file.</summary>
/// <remarks>
/// <see cref="OnTransaction"/> runs on the parse thread and only decides and copies; one writer thread owns the database. A database that
/// cannot be written is tried again with growing pauses; what does not fit the bounded queues meanwhile is dropped and counted.
/// </remarks>
public sealed partial class SqliteSink : ISink, ITransactionObserver, INodeEventObserver, IRedWindowObserver
{
    private const int TickMs = 250;
    private const int BatchRows = 2000;
    private const int MaxPauseMs = 30_000;
    private const int RollUpEveryS = 60;

    private readonly SqliteSinkOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly RequestLogPolicy _policy;
    private readonly LedgerStage _logStage;
    private readonly Counter _logGivenUp;
    private readonly WaitingRows<WindowRow<RedSeriesSnapshot>> _series;
    private readonly WaitingRows<WindowRow<CallSnapshot>> _calls;
    private readonly WaitingRows<NodeEvent> _events;
    private readonly List<LogEntry> _batch = [];
    private readonly List<LogWindow> _pendingWindows = [];

    /// <summary>Events are few; more than this only when the database is away for long.</summary>
    private const int MaxPendingEvents = 4096;

    /// <summary>What a database that was away for longer does not learn is how much was thinned before.</summary>
    private const int MaxPendingWindows = 360;

    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private SqliteConnection? _connection;
    private Rows? _rows;
    private long _clockOffsetMs;
    private long _nextRetentionS;
    private long _nextRollUpS;
    private int _pauseMs;
    private long _retryAtMs;
    private string? _trouble;

    /// <summary>Makes the sink and opens the database once.</summary>
    /// <param name="options">Where and how much.</param>
    /// <param name="ledger">Gets the stages "sqlite_red", "sqlite_calls", "sqlite_log" and "sqlite_events".</param>
    /// <param name="logger">Told when the database cannot be written, and when it can again.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="SqliteSinkException">The file is not for us; nothing was changed.</exception>
    public SqliteSink(SqliteSinkOptions options, Ledger ledger, ILogger logger, TimeProvider? time = null)
    {
        _options = options;
        _logger = logger;
        _time = time ?? TimeProvider.System;
        _series = new WaitingRows<WindowRow<RedSeriesSnapshot>>(ledger.AddStage("sqlite_red", "series_windows"), options.MaxPendingSeriesWindows);
        _calls = new WaitingRows<WindowRow<CallSnapshot>>(ledger.AddStage("sqlite_calls", "call_windows"), options.MaxPendingSeriesWindows);
        _logStage = ledger.AddStage("sqlite_log", "transactions");
        _events = new WaitingRows<NodeEvent>(ledger.AddStage("sqlite_events", "events"), MaxPendingEvents);
        SetClock();
        _policy = new RequestLogPolicy(options, _logStage, CoarseNowMs);
        _logGivenUp = _logStage.DropReason("write_failed");
        TryOpen();
        _thread = new Thread(Run) { Name = "sqlite-writer", IsBackground = true };
    }

    /// <inheritdoc/>
    public string? Trouble => Volatile.Read(ref _trouble);

    /// <inheritdoc/>
    public void Start() => _thread.Start();

    /// <inheritdoc/>
    public string Id => "sqlite";

    /// <inheritdoc/>
    public void OnTransaction(in Transaction transaction) => _policy.Offer(in transaction);

    /// <inheritdoc/>
    public void OnEvent(NodeEvent happened) => _events.Add(happened);

    /// <inheritdoc/>
    public void OnWindow(RedWindow window)
    {
        long startS = window.StartNs / 1_000_000_000;
        foreach (RedSeriesSnapshot series in window.Series)
        {
            _series.Add(new(startS, series));
        }
        foreach (CallSnapshot call in window.Calls)
        {
            _calls.Add(new(startS, call));
        }
    }

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
        if (!final && NowMs() < _retryAtMs)
        {
            return;
        }
        try
        {
            while (WriteBatch())
            {
            }
            MakeLongerSteps();
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
        NodeEvent[] events = _events.First(BatchRows);
        WindowRow<RedSeriesSnapshot>[] series = _series.First(BatchRows);
        WindowRow<CallSnapshot>[] calls = _calls.First(BatchRows);
        if (_batch.Count == 0 && _pendingWindows.Count == 0 && series.Length == 0 && calls.Length == 0 && events.Length == 0)
        {
            return false;
        }
        if (_connection is null && !TryOpen())
        {
            return false;
        }
        WriteRows(events, series, calls);
        Recover();
        _series.Remove(series);
        _calls.Remove(calls);
        _events.Remove(events);
        _logStage.Out.Add(_batch.Count);
        bool isMore = _batch.Count == BatchRows || series.Length == BatchRows || calls.Length == BatchRows;
        _batch.ForEach(entry => _policy.Return(in entry));
        _batch.Clear();
        _pendingWindows.Clear();
        return isMore;
    }

    private void WriteRows(NodeEvent[] events, WindowRow<RedSeriesSnapshot>[] seriesWindows, WindowRow<CallSnapshot>[] callWindows)
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
        foreach ((long startS, RedSeriesSnapshot series) in seriesWindows)
        {
            _rows!.Insert(transaction, startS, series);
        }
        foreach ((long startS, CallSnapshot call) in callWindows)
        {
            _rows!.Insert(transaction, startS, call);
        }
        transaction.Commit();
    }

    private void MakeLongerSteps()
    {
        long now = NowS();
        // A clock that was set back must not stop them.
        if (_rows is null || (now < _nextRollUpS && now > _nextRollUpS - (2 * RollUpEveryS)))
        {
            return;
        }
        bool isMore = _rows.Series.MakeLongerSteps(now) | _rows.Calls.MakeLongerSteps(now);
        _nextRollUpS = isMore ? now : now - (now % RollUpEveryS) + RollUpEveryS + RollUp.GraceS;
    }

    private void Retire()
    {
        if (_connection is null)
        {
            return;
        }
        long now = NowS();
        long deleted = 0;
        if (now >= _nextRetentionS)
        {
            _nextRetentionS = now + 60;
            deleted = Retention.DeleteBefore(_connection, now - (_options.MaxAgeNs / 1_000_000_000));
            if (deleted > 0)
            {
                Retention.Shrink(_connection);
            }
        }
        deleted += Retention.KeepBelow(_connection, _options.MaxBytes);
        if (deleted > 0 && Retention.DeleteUnusedKeys(_connection) > 0)
        {
            _rows!.Series.Forget();
            _rows.Calls.Forget();
        }
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
        _events.GiveUp();
        _series.GiveUp();
        _calls.GiveUp();
    }
}
