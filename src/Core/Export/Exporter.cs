using System.Diagnostics.CodeAnalysis;
using KubeBpfBox.Core.Accounting;

namespace KubeBpfBox.Core.Export;

/// <summary>Brings batches to one server: waits, tries again, keeps on disk what the server does not take now, and counts what is lost.</summary>
/// <remarks>
/// Threads: one of its own talks to the transport and to the disk; everything else is safe from any thread and never waits for either. So nobody is slowed by a
/// server that is away, and no exporter by another one's.
/// Lifetime: made, started once, disposed once; owns the transport. The ledger gets the stages ID_log, ID_events and ID_red.
/// Errors: none after construction; see <see cref="Trouble"/>.
/// </remarks>
public sealed class Exporter : IDisposable
{
    // Beyond what the last batches may take: the disk, which cannot be interrupted.
    private static readonly TimeSpan s_diskTimeout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_longestNap = TimeSpan.FromHours(1);

    private static readonly TimeSpan s_napAfterFault = TimeSpan.FromSeconds(10);

    private readonly ExportLog _log;
    private readonly ExportStages _stages;
    private readonly BatchQueue _queue;
    private readonly ExportWorker _worker;
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private readonly IExportTransport _transport;
    private readonly TimeSpan _stopTimeout;
    private volatile BatchBuilder[] _builders = [];
    private volatile bool _isOver;

    /// <summary>Makes one.</summary>
    /// <param name="id">The output's id: the prefix of its ledger stages, and its name in messages.</param>
    /// <param name="logUnit">What is counted as the request log: "transactions".</param>
    /// <param name="eventsUnit">What is counted as events.</param>
    /// <param name="aggregatesUnit">What is counted as aggregates: "points".</param>
    /// <param name="transport">Talks to the server.</param>
    /// <param name="options">How batches wait.</param>
    /// <param name="ledger">Gets the stages.</param>
    /// <param name="log">Gets the messages.</param>
    /// <param name="time">The clock.</param>
    public Exporter(
        string id, string logUnit, string eventsUnit, string aggregatesUnit, IExportTransport transport, ExportOptions options, Ledger ledger, ExportLog log,
        TimeProvider? time = null)
    {
        Time = time ?? TimeProvider.System;
        _transport = transport;
        _log = log;
        _stopTimeout = options.StopTimeout;
        _stages = new ExportStages(ledger, id, [logUnit, eventsUnit, aggregatesUnit], Held);
        _queue = new BatchQueue(options.MemoryBytes, OnQueueFull);
        _worker = new ExportWorker(id, transport, options, _queue, _stages, log, Time, () => _wake.Set());
        _thread = new Thread(Run) { IsBackground = true, Name = $"export-{id}" };
    }

    /// <summary>What is wrong now, in one line that says what to do; null when nothing is.</summary>
    public string? Trouble => _worker.Trouble;

    internal TimeProvider Time { get; }

    /// <summary>The ledger's stage of a kind.</summary>
    public LedgerStage Stage(ExportKind kind) => _stages[kind];

    /// <summary>Begins to send.</summary>
    public void Start() => _thread.Start();

    /// <summary>Hands on a batch. The caller has counted its items as In, with <see cref="Counter.AddShared"/>.</summary>
    /// <returns>False when there is no room for it: its items are counted as dropped.</returns>
    public bool TryEnqueue(ExportBatch batch) => TryEnqueue(batch, null);

    /// <summary>Hands on what builders hold, sends what it can in <see cref="ExportOptions.StopTimeout"/>, keeps the rest on disk; counts what is lost.</summary>
    public void Dispose()
    {
        if (_isOver)
        {
            return;
        }
        foreach (BatchBuilder builder in _builders)
        {
            builder.Dispose();
        }
        _isOver = true;
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted))
        {
            Finish();
        }
        else
        {
            _wake.Set();
            _ = _thread.Join(_stopTimeout + s_diskTimeout);
        }
        _transport.Dispose();
        _worker.Dispose();
    }

    internal bool TryEnqueue(ExportBatch batch, BatchBuffer? buffer)
    {
        Delivery delivery = new(batch, buffer);
        if (_isOver || !_queue.TryAdd(delivery))
        {
            _stages.Drop(batch.Kind, _isOver ? DropReason.Stopped : _worker.FullReason, batch.Items);
            buffer?.Return();
            return false;
        }
        Wake();
        return true;
    }

    internal void Register(BatchBuilder builder)
    {
        lock (_stages)
        {
            _builders = [.. _builders, builder];
        }
    }

    internal bool HasRoom(ExportKind kind, long bytes) => _queue.HasRoom(kind, bytes);

    internal void CountIn(ExportKind kind, int items) => _stages[kind].In.AddShared(items);

    internal void Drop(ExportKind kind, DropReason reason, int items) => _stages.Drop(kind, reason, items);

    internal void Wake() => _wake.Set();

    /// <summary>Does all that is due; only the exporter's thread may, or a test in its place.</summary>
    /// <returns>How long to wait for the next thing to do, unless woken.</returns>
    internal TimeSpan Step()
    {
        TimeSpan wait = Timeout.InfiniteTimeSpan;
        foreach (BatchBuilder builder in _builders)
        {
            wait = ExportWorker.Sooner(wait, builder.FlushOld());
        }
        return ExportWorker.Sooner(wait, _worker.Step());
    }

    private long Held(ExportKind kind)
    {
        long held = _queue.Items(kind) + _worker.SpooledItems(kind);
        foreach (BatchBuilder builder in _builders)
        {
            held += builder.Kind == kind ? builder.PendingItems : 0;
        }
        return held;
    }

    private void OnQueueFull(Delivery delivery)
    {
        _stages.Drop(delivery.Kind, _worker.FullReason, delivery.Items);
        delivery.Buffer?.Return();
    }

    [SuppressMessage("Design", "CA1031", Justification = "A fault here must not take the agent with it; it is told, and the thread goes on.")]
    private TimeSpan TryStep()
    {
        try
        {
            return Step();
        }
        catch (Exception e)
        {
            _log.Warn($"export: internal error, trying again: {e}");
            return s_napAfterFault;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "As above: the rest of the agent has to stop in good order.")]
    private void Finish()
    {
        try
        {
            _worker.Finish();
        }
        catch (Exception e)
        {
            _log.Warn($"export: internal error at the end: {e}");
        }
    }

    private void Run()
    {
        while (!_isOver)
        {
            _ = _wake.WaitOne(ExportWorker.Sooner(TryStep(), s_longestNap));
        }
        Finish();
    }
}
