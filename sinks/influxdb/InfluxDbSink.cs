using System.Buffers;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>Writes requests, series, events and how the agent is into InfluxDB.</summary>
/// <remarks>
/// <see cref="OnTransaction"/> runs on the parse thread and serializes in place; the <see cref="Exporter"/> does the rest. Points of one series never have the same
/// nanosecond, within the limits of <see cref="TakenTimes"/>.
/// </remarks>
public sealed class InfluxDbSink : ISink, ITransactionObserver, INodeEventObserver, IRedWindowObserver
{
    private const long WindowNs = RedWindows.Seconds * 1_000_000_000L;

    private readonly InfluxDbSinkOptions _options;
    private readonly Exporter _exporter;
    private readonly BatchBuilder _log;
    private readonly BatchBuilder _events;
    private readonly BatchBuilder _aggregates;
    private readonly TrafficLines _trafficLines;
    private readonly EventLines _eventLines;
    private readonly RedLines _redLines;
    private readonly AgentLines _agentLines;
    private readonly TakenTimes _windows = new(remembered: 1024);
    private bool _hadWindow;

    /// <summary>Makes the sink; the server need not be there.</summary>
    /// <param name="options">Where, what and how much.</param>
    /// <param name="ledger">Gets the stages "influxdb_log", "influxdb_events" and "influxdb_red", and is written with each window.</param>
    /// <param name="log">Told when the server does not take what is sent, and when it does again.</param>
    /// <param name="health">Tells how the agent is.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="InfluxDbSinkException">The settings are no good.</exception>
    public InfluxDbSink(InfluxDbSinkOptions options, Ledger ledger, ExportLog log, Func<AgentHealth> health, TimeProvider? time = null)
        : this(options, ledger, log, health, new InfluxDbTransport(options.Server, options.Version, time), time)
    {
    }

    internal InfluxDbSink(InfluxDbSinkOptions options, Ledger ledger, ExportLog log, Func<AgentHealth> health, IExportTransport transport, TimeProvider? time)
    {
        _options = options;
        _exporter = new Exporter(Id, "transactions", "events", "points", transport, options.Export, ledger, log, time);
        _log = new BatchBuilder(_exporter, ExportKind.Log, options.BatchBytes, options.FlushInterval);
        _events = new BatchBuilder(_exporter, ExportKind.Events, options.BatchBytes, options.FlushInterval);
        _aggregates = new BatchBuilder(_exporter, ExportKind.Aggregates, options.BatchBytes, options.FlushInterval);
        _trafficLines = new TrafficLines(options.NodeName, options.Url);
        _eventLines = new EventLines(options.NodeName);
        _redLines = new RedLines(options.NodeName);
        _agentLines = new AgentLines(options.NodeName, ledger, health);
    }

    /// <inheritdoc/>
    public string Id => "influxdb";

    /// <inheritdoc/>
    public string? Trouble => _exporter.Trouble;

    /// <inheritdoc/>
    public void Start() => _exporter.Start();

    /// <inheritdoc/>
    public void OnTransaction(in Transaction transaction)
    {
        if (_options.RequestLog.Includes(in transaction) && _log.TryBegin(out IBufferWriter<byte> output))
        {
            _trafficLines.Write(output, in transaction);
            _log.End(transaction.StartNs);
        }
    }

    /// <inheritdoc/>
    public void OnEvent(NodeEvent happened)
    {
        // The builder lets in one at a time.
        if (_events.TryBegin(out IBufferWriter<byte> output))
        {
            _eventLines.Write(output, happened);
            _events.End(happened.TimeNs);
        }
    }

    /// <inheritdoc/>
    public void OnWindow(RedWindow window)
    {
        long timeNs = _windows.Take(0, TimeOf(window));
        _redLines.Write(_aggregates, window, timeNs);
        _agentLines.Write(_aggregates, timeNs);
    }

    /// <summary>Sends what waits, and keeps what the server does not take.</summary>
    public void Dispose() => _exporter.Dispose();

    /// <summary>
    /// A window's start. An agent that was restarted within a window starts with the rest of it: its points are at that rest's start, or they would overwrite
    /// the last ones of the agent before.
    /// </summary>
    private long TimeOf(RedWindow window)
    {
        bool isFirst = !_hadWindow;
        _hadWindow = true;
        return window.StartNs + (isFirst ? Math.Clamp(WindowNs - window.LengthNs, 0, WindowNs - 1) : 0);
    }
}
