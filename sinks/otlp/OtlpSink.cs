using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Sends metrics, requests as spans, and events as log records to an OpenTelemetry collector.</summary>
/// <remarks>
/// Threads: <see cref="OnTransaction"/> decides and copies on the parse thread; one thread of the sink's own serializes once a second; the exporter's thread sends.
/// Lifetime: the last metrics are read while it is disposed.
/// </remarks>
public sealed class OtlpSink : ISink, ITransactionObserver, INodeEventObserver
{
    private const int SpansOfBatch = 1024;
    private const int MaxWaitingEvents = 4096;
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    private readonly OtlpOptions _options;
    private readonly TimeProvider _time;
    private readonly Exporter _exporter;
    private readonly Resources _resources;
    private readonly ProtoWriter _writer = new();
    private readonly SpanQueue _spans;
    private readonly SpanWriter _spanWriter;
    private readonly WaitingSpan[] _taken = new WaitingSpan[SpansOfBatch];
    private readonly EventWriter _eventWriter;
    private readonly Counter _eventsIn;
    private readonly Counter _eventsFull;
    private readonly MetricBatches _metrics;
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private List<NodeEvent> _events = [];
    private long _nextMetricsNs;
    private volatile bool _isOver;

    /// <summary>Checks the settings; nothing is sent before <see cref="Start"/>.</summary>
    /// <param name="options">Where to, and what.</param>
    /// <param name="sources">What metrics are read from.</param>
    /// <param name="export">How batches wait.</param>
    /// <param name="log">Gets the messages.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="OtlpException">The settings are no good.</exception>
    public OtlpSink(OtlpOptions options, OtlpSources sources, ExportOptions export, ExportLog log, TimeProvider? time = null)
    {
        _options = options;
        _time = time ?? TimeProvider.System;
        string version = sources.Health().Version;
        _exporter = new Exporter("otlp", "spans", "events", "points", new OtlpTransport(options, version, _time), export, sources.Ledger, log, _time);
        _resources = new Resources(options.NodeName, version);

        Sampling sampling = new(options.SamplingRatio);
        LedgerStage stage = _exporter.Stage(ExportKind.Log);
        _spans = new SpanQueue(options, sampling, stage, () => _wake.Set());
        AddHeld(stage, () => _spans.Held);
        _spanWriter = new SpanWriter(_writer, options.Url, sampling.TraceState);

        LedgerStage events = _exporter.Stage(ExportKind.Events);
        _eventsIn = events.In;
        _eventsFull = events.DropReason("pool_empty");
        AddHeld(events, WaitingEvents);
        _eventWriter = new EventWriter(_writer);

        _metrics = new MetricBatches(_resources, sources, _time.NowNs(), HandOn);
        _nextMetricsNs = _time.NowNs() + Nanoseconds(options.MetricsInterval);
        _thread = new Thread(Run) { Name = "otlp-writer", IsBackground = true };
    }

    /// <inheritdoc/>
    public string Id => "otlp";

    /// <inheritdoc/>
    public string? Trouble => _exporter.Trouble;

    /// <inheritdoc/>
    public void Start()
    {
        _exporter.Start();
        _thread.Start();
    }

    /// <inheritdoc/>
    public void OnTransaction(in Transaction transaction)
    {
        if (_options.Traces)
        {
            _spans.Offer(in transaction);
        }
    }

    /// <inheritdoc/>
    public void OnEvent(NodeEvent happened)
    {
        if (!_options.Logs)
        {
            return;
        }
        _eventsIn.AddShared(1);
        lock (_wake)
        {
            if (_events.Count < MaxWaitingEvents)
            {
                _events.Add(happened);
                return;
            }
        }
        _eventsFull.AddShared(1);
    }

    /// <summary>Serializes what waits, reads the metrics a last time, and sends what it can.</summary>
    public void Dispose()
    {
        _isOver = true;
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted))
        {
            RunOnce(isLast: true);
        }
        else
        {
            _wake.Set();
            _thread.Join();
        }
        _exporter.Dispose();
        _wake.Dispose();
    }

    /// <summary>One round of the writer. The last one reads the metrics whether they are due or not.</summary>
    internal void RunOnce(bool isLast = false)
    {
        while (WriteSpans())
        {
        }
        WriteEvents();
        long nowNs = _time.NowNs();
        if (_options.Metrics && (isLast || nowNs >= _nextMetricsNs))
        {
            // By the plan and not by now, or the intervals would grow by the time that each round takes.
            _nextMetricsNs = Math.Max(_nextMetricsNs, nowNs - Nanoseconds(_options.MetricsInterval)) + Nanoseconds(_options.MetricsInterval);
            _metrics.Collect(nowNs);
        }
    }

    private void Run()
    {
        while (!_isOver)
        {
            _wake.WaitOne(s_tick);
            RunOnce();
        }
        RunOnce(isLast: true);
    }

    private bool WriteSpans()
    {
        int count = _spans.Take(_taken);
        if (count == 0)
        {
            return false;
        }
        Span<WaitingSpan> taken = _taken.AsSpan(0, count);
        long oldestNs = long.MaxValue;
        _writer.Clear();
        // Each resource once: the spans of one workload behind each other.
        for (int start = 0, end; start < count; start = end)
        {
            Workload workload = taken[start].Record.Workload;
            Resources.Opened opened = _resources.Open(_writer, workload, withContainerId: true);
            end = start;
            for (int i = start; i < count; i++)
            {
                if (ReferenceEquals(taken[i].Record.Workload, workload))
                {
                    _spanWriter.Write(taken[i].Record.AsTransaction(), taken[i].Place);
                    oldestNs = Math.Min(oldestNs, taken[i].Record.StartNs);
                    (taken[end], taken[i]) = (taken[i], taken[end]);
                    end++;
                }
            }
            Resources.Close(_writer, opened);
        }
        _ = _exporter.TryEnqueue(new ExportBatch(ExportKind.Log, count, oldestNs, _writer.Written.ToArray()));
        _spans.Return(taken);
        taken.Clear();
        return count == SpansOfBatch;
    }

    private void WriteEvents()
    {
        List<NodeEvent> events;
        lock (_wake)
        {
            if (_events.Count == 0)
            {
                return;
            }
            // They stay counted as held until they are handed on.
            events = [.. _events];
        }
        long nowNs = _time.NowNs();
        _writer.Clear();
        foreach (IGrouping<Workload, NodeEvent> group in events.GroupBy(static happened => happened.Workload))
        {
            Resources.Opened opened = _resources.Open(_writer, group.Key, withContainerId: true);
            foreach (NodeEvent happened in group)
            {
                _eventWriter.Write(happened, nowNs);
            }
            Resources.Close(_writer, opened);
        }
        _ = _exporter.TryEnqueue(new ExportBatch(ExportKind.Events, events.Count, events.Min(static happened => happened.TimeNs), _writer.Written.ToArray()));
        lock (_wake)
        {
            _events = _events[events.Count..];
        }
    }

    private void HandOn(ExportBatch batch)
    {
        _exporter.Stage(batch.Kind).In.AddShared(batch.Items);
        _ = _exporter.TryEnqueue(batch);
    }

    private long WaitingEvents()
    {
        lock (_wake)
        {
            return _events.Count;
        }
    }

    private static void AddHeld(LedgerStage stage, Func<long> more)
    {
        Func<long>? exporters = stage.Held;
        stage.Held = () => (exporters?.Invoke() ?? 0) + more();
    }

    private static long Nanoseconds(TimeSpan span) => span.Ticks * TimeSpan.NanosecondsPerTick;
}
