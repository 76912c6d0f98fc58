using System.Buffers;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Sinks.JsonLog;

/// <summary>Writes requests and events as JSON lines to a file that it rotates, or to standard output.</summary>
/// <remarks>
/// Lines are made on the thread that passes them, into one of two buffers; a writer thread empties the other. A line for which there is no
/// room is dropped and counted, so a slow disk or a reader that stopped slows nobody.
/// </remarks>
public sealed class JsonLogSink : ISink, ITransactionObserver, INodeEventObserver
{
    private const int TickMs = 250;

    private readonly Lock _lock = new();
    private readonly JsonLogSinkOptions _options;
    private readonly ILogger _logger;
    private readonly ILineOutput _output;
    private readonly Lane _requests;
    private readonly Lane _events;
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private ArrayBufferWriter<byte> _filling;
    private ArrayBufferWriter<byte> _writing;
    private bool _isWoken;
    private volatile bool _isStopping;
    private volatile string? _trouble;

    /// <summary>Makes the sink.</summary>
    /// <param name="options">What is written.</param>
    /// <param name="ledger">Gets the stages "jsonlog_log" and "jsonlog_events".</param>
    /// <param name="logger">Told when lines cannot be written, and when they can again.</param>
    /// <param name="output">Takes the lines, and is disposed with the sink.</param>
    public JsonLogSink(JsonLogSinkOptions options, Ledger ledger, ILogger logger, ILineOutput output)
    {
        (_options, _logger, _output) = (options, logger, output);
        _requests = new Lane(ledger.AddStage("jsonlog_log", "transactions"));
        _events = new Lane(ledger.AddStage("jsonlog_events", "events"));
        _filling = new ArrayBufferWriter<byte>(options.BufferBytes);
        _writing = new ArrayBufferWriter<byte>(options.BufferBytes);
        _thread = new Thread(Run) { Name = "jsonlog-writer", IsBackground = true };
    }

    /// <inheritdoc/>
    public string Id => "jsonlog";

    /// <inheritdoc/>
    public string? Trouble => _trouble;

    /// <inheritdoc/>
    public void Start() => _thread.Start();

    /// <inheritdoc/>
    public void OnTransaction(in Transaction transaction)
    {
        if (_options.RequestLog.Includes(in transaction))
        {
            Span<byte> route = stackalloc byte[RouteTemplate.MaxBytes];
            Transaction shown = transaction with { Target = ExportedTarget.Of(in transaction, _options.Url, route) };
            lock (_lock)
            {
                if (_requests.TryBegin(HasRoom(TransactionRecord.VariableBytes(in shown))))
                {
                    TransactionJson.Write(_filling, in shown);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void OnEvent(NodeEvent happened)
    {
        lock (_lock)
        {
            if (_events.TryBegin(HasRoom(0)))
            {
                NodeEventJson.Write(_filling, happened);
            }
        }
    }

    /// <summary>Writes what waits, and ends.</summary>
    public void Dispose()
    {
        _isStopping = true;
        _wake.Set();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
        _output.Dispose();
        _wake.Dispose();
    }

    /// <summary>One round of the writer.</summary>
    internal void RunOnce()
    {
        lock (_lock)
        {
            (_filling, _writing) = (_writing, _filling);
            _isWoken = false;
            _requests.Swap();
            _events.Swap();
        }
        if (_writing.WrittenCount == 0)
        {
            return;
        }
        bool isWritten = _output.TryWrite(_writing.WrittenSpan, out string? trouble);
        _requests.Settle(isWritten);
        _events.Settle(isWritten);
        _writing.ResetWrittenCount();
        Tell(trouble);
    }

    // No line may grow a buffer: six bytes for each byte of the wire (\u00XX), and what names and numbers take at most.
    private bool HasRoom(int variableBytes)
    {
        const int Fixed = 16 << 10;
        if (!_isWoken && _filling.WrittenCount > _options.BufferBytes / 2)
        {
            _isWoken = true;
            _wake.Set();
        }
        return _filling.FreeCapacity >= Fixed + (6 * variableBytes);
    }

    private void Run()
    {
        while (!_isStopping)
        {
            _wake.WaitOne(TickMs);
            RunOnce();
        }
        RunOnce();
    }

    private void Tell(string? trouble)
    {
        if (_trouble == trouble)
        {
            return;
        }
        _trouble = trouble;
        if (trouble is not null)
        {
            _logger.LogError("{Trouble}; lines are dropped and counted meanwhile", trouble);
        }
        else
        {
            _logger.LogInformation("{Output}: is written again", _output.Name);
        }
    }

    /// <summary>Counts of one kind of lines: those that fill the one buffer, those in the other.</summary>
    private sealed class Lane
    {
        private readonly LedgerStage _stage;
        private readonly Counter _full;
        private readonly Counter _failed;
        private long _filling;
        private long _writing;

        public Lane(LedgerStage stage)
        {
            _stage = stage;
            _full = stage.DropReason("queue_full");
            _failed = stage.DropReason("write_failed");
            stage.Held = () => Interlocked.Read(ref _filling) + Interlocked.Read(ref _writing);
        }

        public bool TryBegin(bool hasRoom)
        {
            _stage.In.Add(1);
            if (hasRoom)
            {
                _filling++;
            }
            else
            {
                _full.Add(1);
            }
            return hasRoom;
        }

        public void Swap() => (_filling, _writing) = (0, _filling);

        public void Settle(bool isWritten)
        {
            (isWritten ? _stage.Out : _failed).Add(_writing);
            Interlocked.Exchange(ref _writing, 0);
        }
    }
}
