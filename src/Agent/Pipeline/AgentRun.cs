using KubeBpfBox.Agent.Api;
using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Agent.Identity;
using KubeBpfBox.Agent.Kubernetes;
using KubeBpfBox.Agent.Live;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Live;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Plugins.Cgroups;
using KubeBpfBox.Plugins.Tcpsynbl;
using KubeBpfBox.Sinks.Prometheus;
using KubeBpfBox.Sinks.Sqlite;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>One run of the agent: makes the parts, joins them, and takes them down in the order of the path.</summary>
internal sealed class AgentRun : IAsyncDisposable
{
    /// <summary>How long capturing waits for the pods' names.</summary>
    private static readonly TimeSpan s_namesWait = TimeSpan.FromSeconds(1);

    private readonly AgentOptions _options;
    private readonly ILogger _logger;
    private readonly ListenAddress _listen;
    private readonly Ledger _ledger = new();
    private readonly ClusterWatch? _cluster;
    private readonly WorkloadResolver _resolver;
    private readonly CgroupWatch _cgroups;
    private readonly ITransactionSource? _source;
    private readonly RedTable _red;
    private readonly CallTable _calls;
    private readonly LiveHub _hub;
    private readonly IReadOnlyList<ISink> _sinks;
    private readonly RecentHistory _recent;
    private readonly RedWindows _windows;
    private readonly EventCounts _eventCounts = new();
    private readonly EventPipeline _events;
    private readonly IReadOnlyList<IEventPlugin> _eventPlugins;
    private volatile bool _isCapturing;

    private AgentRun(AgentOptions options, ILoggerFactory loggers)
    {
        _options = options;
        _logger = loggers.CreateLogger("kubebpfbox");
        _listen = ListenAddress.Parse(options.ApiListen);
        _cluster = Pipelines.CreateCluster(options, loggers.CreateLogger("kubernetes"));
        _resolver = new WorkloadResolver(cluster: _cluster?.State);
        _cgroups = new CgroupWatch(_resolver.Cgroups);
        _source = Pipelines.CreateSource(options, _ledger, _resolver);
        _red = Pipelines.CreateRed(options, _ledger);
        _calls = Pipelines.CreateCalls(_red, _ledger);
        _hub = new LiveHub(_ledger);
        _sinks = Pipelines.CreateSinks(options, new SinkContext { Ledger = _ledger, Red = _red.Snapshot, Health = Health, Loggers = loggers });
        _recent = new RecentHistory(options.HistoryMaxBytes);
        _windows = new RedWindows(_red, [_recent, .. _sinks.OfType<IRedWindowObserver>()], calls: _calls);
        _events = new EventPipeline(_resolver, _ledger, [_eventCounts, _hub, .. _sinks.OfType<INodeEventObserver>()]);
        _eventPlugins = Pipelines.CreateEventPlugins(options, _resolver, _events, _ledger);
    }

    /// <summary>Runs until it is told to stop.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="showsLive">Whether requests are printed.</param>
    /// <param name="stop">Ends the run.</param>
    /// <returns>The process's exit code.</returns>
    public static async Task<int> RunAsync(AgentOptions options, bool showsLive, CancellationToken stop)
    {
        // Before anything else is tried: without rights the rest fails too, and would be told first.
        Pipelines.RequireRights(options);
        IReadOnlyList<string> lowered = MemoryBudget.Fit(options, MemoryBudget.LimitBytes);
        using ILoggerFactory loggers = Logging.Create(options);
        AgentRun run = new(options, loggers);
        await using (run.ConfigureAwait(false))
        {
            foreach (string change in lowered)
            {
                run._logger.LogWarning("{Change}", change);
            }
            await run.RunAsync(showsLive, loggers, stop).ConfigureAwait(false);
            return ExitCode.Fine;
        }
    }

    /// <summary>Takes the parts down in the order of the path; each may have ended already.</summary>
    public async ValueTask DisposeAsync()
    {
        _source?.Dispose();
        foreach (IEventPlugin plugin in _eventPlugins)
        {
            plugin.Dispose();
        }
        await _events.DisposeAsync().ConfigureAwait(false);
        _windows.Dispose();
        foreach (ISink sink in _sinks)
        {
            sink.Dispose();
        }
        _cgroups.Dispose();
        _resolver.Dispose();
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync().ConfigureAwait(false);
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
        using LiveSubscription? live = showsLive ? _hub.Subscribe(TransactionFilter.All) : null;
        using StandardOutput output = new();
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using MemoryTrimmer trimmer = new(() => _red.Transactions.Value);
        foreach (ISink sink in _sinks)
        {
            sink.Start();
        }
        _windows.Start();
        await StartNamingAsync().ConfigureAwait(false);
        StartSource(end);
        StartEventPlugins();
        trimmer.Start();
        _logger.LogInformation("kubebpfbox {Version} {State}; API on http://{Address}, ready after {Ms} ms", ProductVersion.Version,
            _source is null ? "captures nothing (plugins.traffic.enabled is false)" : "captures", api.EndPoint, MsSinceStart());
        if (live is not null)
        {
            await new LiveConsole(live, OutputFormat.Of(TerminalTraits.HasColors ? "terminal" : "text"), output.TryWrite).RunAsync(end.Token).ConfigureAwait(false);
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

    /// <summary>The names first: so that the first request has its pod.</summary>
    private async Task StartNamingAsync()
    {
        if (_cgroups.Attach())
        {
            _resolver.Cgroups.CatchUp = _cgroups.CatchUp;
            _cgroups.AddTo(_ledger);
            _cgroups.Start();
        }
        Tell(_cgroups.Hooks);
        if (_cluster is not null)
        {
            _cluster.Start();
            if (!await _cluster.WaitForPodsAsync(s_namesWait).ConfigureAwait(false))
            {
                _logger.LogWarning("the API server has not told of this node's pods yet ({Trouble}); capturing begins, and what is known is shown", _cluster.Trouble ?? "still asking");
            }
        }
        _resolver.Prepare();
    }

    private void StartSource(CancellationTokenSource end)
    {
        if (_source is null)
        {
            return;
        }
        _source.Ended = end.Cancel;
        _source.HookChanged = Tell;
        _source.Start(new ObserverList([_red, _calls, _hub, .. _sinks.OfType<ITransactionObserver>()]), _red);
        _isCapturing = true;
        Tell(_source.Hooks);
    }

    private void StartEventPlugins()
    {
        foreach (IEventPlugin plugin in _eventPlugins)
        {
            if (plugin.Attach())
            {
                plugin.Start();
            }
            Tell(plugin.Hooks);
        }
    }

    private void Tell(IReadOnlyList<HookStatus> hooks)
    {
        foreach (HookStatus hook in hooks)
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

    /// <summary>What works with less than it could.</summary>
    private List<string> Degraded()
    {
        List<string> degraded = [];
        if (_cluster?.Trouble is { } trouble)
        {
            degraded.Add(trouble);
        }
        foreach (ISink sink in _sinks)
        {
            if (sink.Trouble is { } reason)
            {
                degraded.Add($"{sink.Id}: {reason}");
            }
        }
        foreach (IEventPlugin plugin in _eventPlugins)
        {
            if (plugin.Trouble is { } reason)
            {
                degraded.Add($"{plugin.Id}: {reason}");
            }
            else if (!plugin.Hooks.Any(static hook => hook.Attached))
            {
                degraded.Add($"{plugin.Id}: {(plugin.Hooks.Count > 0 ? plugin.Hooks[^1].Detail : "not attached yet")}");
            }
        }
        return degraded;
    }

    private IReadOnlyList<HookStatus> Hooks() => [.. _source?.Hooks ?? [], .. _cgroups.Hooks, .. _eventPlugins.SelectMany(static plugin => plugin.Hooks)];

    private ApiSources Sources() => new()
    {
        Hub = _hub,
        Ledger = _ledger,
        Completeness = Completeness,
        Red = _red.Snapshot,
        Hooks = Hooks,
        Degraded = Degraded,
        Sickness = () => _isCapturing && _source is { HasEnded: true } ? _source.Trouble : null,
        Unreadiness = () => _source is null ? null : _isCapturing ? _source.Trouble : "not capturing yet",
        Health = Health,
        Calls = _calls,
        MaxSeries = _red.MaxSeries,
        Recent = new CurrentHistory(_windows, _recent),
        RecentWindows = _recent,
        Stored = _options.SqliteEnabled ? new HistoryReader(_options.SqlitePath) : null,
        Store = _options.SqliteEnabled ? new StoreFile(_options.SqlitePath, _options.SqliteMaxBytes) : null,
        Sinks = () => _sinks,
        Log = _options.SqliteEnabled ? new RequestLogReader(_options.SqlitePath) : null,
        Events = _options.SqliteEnabled ? new EventReader(_options.SqlitePath) : null,
        Metrics = _options.PrometheusEnabled ? CreatePrometheus() : null,
        NodeName = _options.NodeName,
    };

    private PrometheusSink CreatePrometheus() => new(new PrometheusSources
    {
        Red = _red,
        Events = _eventCounts.Snapshot,
        Listeners = () => [.. _eventPlugins.OfType<TcpSynBacklogPlugin>().SelectMany(static plugin => plugin.Listeners)],
        Ledger = _ledger,
        Health = Health,
        IsCapturing = () => _isCapturing && _source is { Trouble: null },
        Hooks = Hooks,
        Sinks = () => _sinks,
        Degraded = Degraded,
        Revision = ProductVersion.Commit,
        NodeName = _options.NodeName,
    });

    private double Completeness() => _source?.Completeness ?? 1;

    private AgentHealth Health() => AgentHealth.Read(Completeness(), _red.SeriesCount, ProductVersion.Version);

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
