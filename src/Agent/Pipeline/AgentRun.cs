using KubeBpfBox.Agent.Api;
using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Agent.Live;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Live;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Sinks.Prometheus;
using KubeBpfBox.Sinks.Sqlite;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>One run of the agent: makes the parts, joins them, and takes them down in the order of the path.</summary>
internal sealed class AgentRun
{
    private readonly AgentOptions _options;
    private readonly ILogger _logger;
    private readonly ListenAddress _listen;
    private readonly Ledger _ledger = new();
    private readonly ITransactionSource? _source;
    private readonly RedTable _red;
    private readonly TransactionHub _hub;
    private readonly SqliteSink? _sqlite;
    private volatile bool _isCapturing;

    private AgentRun(AgentOptions options, ILoggerFactory loggers)
    {
        _options = options;
        _logger = loggers.CreateLogger("kubebpfbox");
        _listen = ListenAddress.Parse(options.ApiListen);
        _source = Pipelines.CreateSource(options, _ledger);
        _red = Pipelines.CreateRed(options, _ledger);
        _hub = new TransactionHub(_ledger);
        _sqlite = options.SqliteEnabled ? CreateSqlite(loggers.CreateLogger("sqlite")) : null;
    }

    /// <summary>Runs until it is told to stop.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="warnings">Told once there is a log.</param>
    /// <param name="showsLive">Whether requests are printed.</param>
    /// <param name="stop">Ends the run.</param>
    /// <returns>The process's exit code.</returns>
    public static async Task<int> RunAsync(AgentOptions options, IReadOnlyList<string> warnings, bool showsLive, CancellationToken stop)
    {
        // Before anything else is tried: without rights the rest fails too, and would be told first.
        Pipelines.RequireRights(options);
        using ILoggerFactory loggers = Logging.Create(options.LogLevel);
        AgentRun run = new(options, loggers);
        try
        {
            foreach (string warning in warnings)
            {
                run._logger.LogWarning("{Warning}", warning);
            }
            await run.RunAsync(showsLive, loggers, stop).ConfigureAwait(false);
            return ExitCode.Fine;
        }
        finally
        {
            run._source?.Dispose();
            run._sqlite?.Dispose();
        }
    }

    private async Task RunAsync(bool showsLive, ILoggerFactory loggers, CancellationToken stop)
    {
        string token = Token(out bool isMade);
        await using ApiHost api = await ApiHost.StartAsync(_listen, token, Sources(), loggers).ConfigureAwait(false);
        if (isMade)
        {
            _logger.LogWarning("api.listen is not loopback and api.token is not set: the API's token for this run is {Token}", token);
        }
        using TransactionSubscription? live = showsLive ? _hub.Subscribe(TransactionFilter.All) : null;
        using StandardOutput output = new();
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using MemoryTrimmer trimmer = new(() => _red.Transactions.Value);
        _sqlite?.Start();
        StartSource(end);
        trimmer.Start();
        _logger.LogInformation("kubebpfbox {Version} {State}; API on http://{Address}, ready after {Ms} ms", ProductVersion.Version,
            _source is null ? "captures nothing (plugins.traffic.enabled is false)" : "captures", api.EndPoint, MsSinceStart());
        if (live is not null)
        {
            await new LiveConsole(live, Pipelines.TerminalFormat, output.TryWrite).RunAsync(end.Token).ConfigureAwait(false);
            // The terminal may have gone before the agent is told to stop.
            live.Dispose();
        }
        await Task.Delay(Timeout.Infinite, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        string? trouble = _source is { HasEnded: true } ? _source.Trouble : null;
        _isCapturing = false;
        _source?.Dispose();
        if (trouble is not null)
        {
            // An agent that sees nothing must not look alive: whoever started it starts it anew.
            throw new AgentException(trouble);
        }
    }

    private void StartSource(CancellationTokenSource end)
    {
        if (_source is null)
        {
            return;
        }
        _source.Ended = end.Cancel;
        _source.HookChanged = Tell;
        _source.Start(_sqlite is null ? new ObserverList(_red, _hub) : new ObserverList(_red, _hub, _sqlite), _red);
        _isCapturing = true;
        foreach (HookStatus hook in _source.Hooks)
        {
            Tell(hook);
        }
    }

    private void Tell(HookStatus hook)
    {
        if (hook.Attached)
        {
            _logger.LogInformation("{Plugin}: {Hook} attached, {Detail}", hook.Plugin, hook.Hook, hook.Detail);
        }
        else
        {
            _logger.LogWarning("{Plugin}: {Hook} not attached: {Detail}", hook.Plugin, hook.Hook, hook.Detail);
        }
    }

    private ApiSources Sources() => new()
    {
        Hub = _hub,
        Formats = Pipelines.Formats,
        Ledger = _ledger,
        Completeness = Completeness,
        Red = _red.Snapshot,
        Hooks = () => _source?.Hooks ?? [],
        Sickness = () => _isCapturing && _source is { HasEnded: true } ? _source.Trouble : null,
        Unreadiness = () => _source is null ? null : _isCapturing ? _source.Trouble : "not capturing yet",
        Log = _sqlite is null ? null : new RequestLogReader(_options.SqlitePath),
        Metrics = _options.PrometheusEnabled ? CreatePrometheus() : null,
        NodeName = _options.NodeName,
    };

    private PrometheusSink CreatePrometheus() => new(new PrometheusSources
    {
        Red = _red.Snapshot,
        Ledger = _ledger,
        Completeness = Completeness,
        Version = ProductVersion.Version,
        Revision = ProductVersion.Commit,
    });

    private SqliteSink CreateSqlite(ILogger logger)
    {
        try
        {
            SqliteSink.RequireUsable(_options.SqlitePath);
            return new SqliteSink(
                new SqliteSinkOptions { Path = _options.SqlitePath, MaxBytes = _options.SqliteMaxBytes, MaxAgeNs = _options.SqliteMaxAgeNs, LogRate = (int)_options.SqliteLogRate },
                _ledger, _red.TakeWindow, logger);
        }
        catch (SqliteSinkException e)
        {
            throw new AgentException($"sinks.sqlite.path: {e.Message}");
        }
    }

    private double Completeness() => _source?.Completeness ?? 1;

    /// <summary>The configured token, or one made now when the API is reachable from elsewhere.</summary>
    private string Token(out bool isMade)
    {
        isMade = !_listen.IsLoopback && _options.ApiToken.Length == 0;
        return isMade ? TokenGate.MakeToken() : _options.ApiToken;
    }

    private static long MsSinceStart()
    {
        using System.Diagnostics.Process self = System.Diagnostics.Process.GetCurrentProcess();
        return (long)(DateTime.Now - self.StartTime).TotalMilliseconds;
    }
}
