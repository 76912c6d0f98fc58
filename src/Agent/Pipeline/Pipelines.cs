using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Agent.Identity;
using KubeBpfBox.Agent.Kubernetes;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Plugins.OomKill;
using KubeBpfBox.Plugins.Tcpsynbl;
using KubeBpfBox.Protocols.Http1;
using KubeBpfBox.Sinks.InfluxDb;
using KubeBpfBox.Sinks.JsonLog;
using KubeBpfBox.Sinks.Otlp;
using KubeBpfBox.Sinks.Sqlite;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>What sinks are made with.</summary>
internal sealed record SinkContext
{
    public required Ledger Ledger { get; init; }

    /// <summary>The series since the start.</summary>
    public required Func<IReadOnlyList<RedSeriesSnapshot>> Red { get; init; }

    public required Func<AgentHealth> Health { get; init; }

    public required ILoggerFactory Loggers { get; init; }
}

/// <summary>The one list of what there is: protocols, plugins, sinks.</summary>
internal static class Pipelines
{
    /// <summary>Protocols that are on, in the order in which they are asked.</summary>
    public static IReadOnlyList<IProtocol> CreateProtocols(AgentOptions options)
    {
        List<IProtocol> protocols = [];
        if (options.Http1Enabled)
        {
            protocols.Add(new Http1Protocol(Span(options.Http1RequestTimeoutNs)));
        }
        return protocols;
    }

    /// <summary>What feeds transactions; null when nothing is to be captured.</summary>
    public static ITransactionSource? CreateSource(AgentOptions options, Ledger ledger, WorkloadResolver resolver) =>
        options.NetInterface.Length > 0 ? new InterfaceSource(options, ledger, resolver) : options.TrafficEnabled ? new TrafficSource(options, ledger, resolver) : null;

    /// <summary>The plugins that report events of the node.</summary>
    public static IReadOnlyList<IEventPlugin> CreateEventPlugins(AgentOptions options, IWorkloadResolver resolver, INodeEventObserver observer, Ledger ledger)
    {
        List<IEventPlugin> plugins = [];
        if (options.OomKillEnabled)
        {
            plugins.Add(new OomKillPlugin(resolver, observer, ledger));
        }
        if (options.TcpSynBacklogEnabled)
        {
            plugins.Add(new TcpSynBacklogPlugin(options.TrafficCgroupPath.Length == 0 ? null : options.TrafficCgroupPath, resolver, observer, ledger));
        }
        return plugins;
    }

    /// <summary>The outputs that are on. /metrics is not among them: it is asked, not told.</summary>
    /// <exception cref="AgentException">The file of one cannot be written.</exception>
    /// <exception cref="ConfigurationException">The settings of one do not fit each other.</exception>
    public static IReadOnlyList<ISink> CreateSinks(AgentOptions options, SinkContext context)
    {
        List<ISink> sinks = [];
        if (options.SqliteEnabled)
        {
            sinks.Add(CreateSqlite(options, context));
        }
        if (options.InfluxUrl.Length > 0)
        {
            sinks.Add(CreateInfluxDb(options, context));
        }
        if (options.JsonLogPath.Length > 0)
        {
            sinks.Add(CreateJsonLog(options, context));
        }
        if (options.OtlpEndpoint.Length > 0)
        {
            sinks.Add(CreateOtlp(options, context));
        }
        return sinks;
    }

    private static OtlpSink CreateOtlp(AgentOptions options, SinkContext context)
    {
        try
        {
            return new OtlpSink(
                new OtlpOptions
                {
                    Endpoint = new Uri(options.OtlpEndpoint),
                    Protocol = options.OtlpProtocol == "grpc" ? OtlpProtocol.Grpc : OtlpProtocol.HttpProtobuf,
                    Headers = options.OtlpHeaders,
                    CaFile = options.OtlpCaFile,
                    Timeout = Span(options.OtlpTimeoutNs),
                    Metrics = options.OtlpMetrics,
                    Traces = options.OtlpTraces,
                    Logs = options.OtlpLogs,
                    MetricsInterval = Span(options.OtlpMetricsIntervalNs),
                    SamplingRatio = options.OtlpSamplingRatio,
                    Url = options.ExportUrl,
                    NodeName = options.NodeName,
                },
                new OtlpSources { Red = context.Red, Health = context.Health, Ledger = context.Ledger },
                Export(options, "otlp", options.OtlpSpool), LogOf(context.Loggers.CreateLogger("otlp")));
        }
        catch (OtlpException e)
        {
            throw new ConfigurationException(e.Message);
        }
    }

    private static JsonLogSink CreateJsonLog(AgentOptions options, SinkContext context)
    {
        ILineOutput output;
        if (options.JsonLogPath == "-")
        {
            output = new StandardOutputLines();
        }
        else
        {
            FileLines file = new(options.JsonLogPath, options.JsonLogMaxBytes, (int)options.JsonLogMaxFiles);
            output = file.TryOpen(out string? trouble) ? file : throw new AgentException(trouble!);
        }
        return new JsonLogSink(new JsonLogSinkOptions { RequestLog = options.JsonLogRequestLog, Url = options.ExportUrl }, context.Ledger, context.Loggers.CreateLogger("jsonlog"), output);
    }

    private static SqliteSink CreateSqlite(AgentOptions options, SinkContext context)
    {
        try
        {
            SqliteSink.RequireUsable(options.SqlitePath);
            return new SqliteSink(
                new SqliteSinkOptions { Path = options.SqlitePath, MaxBytes = options.SqliteMaxBytes, MaxAgeNs = options.SqliteMaxAgeNs, LogRate = (int)options.SqliteLogRate },
                context.Ledger, context.Loggers.CreateLogger("sqlite"));
        }
        catch (SqliteSinkException e)
        {
            throw new AgentException($"sinks.sqlite.path: {e.Message}");
        }
    }

    private static InfluxDbSink CreateInfluxDb(AgentOptions options, SinkContext context)
    {
        InfluxDbServer server = new()
        {
            Url = options.InfluxUrl, Org = options.InfluxOrg, Bucket = options.InfluxBucket, Token = options.InfluxToken, Database = options.InfluxDatabase,
            RetentionPolicy = options.InfluxRetentionPolicy, Username = options.InfluxUsername, Password = options.InfluxPassword, CaFile = options.InfluxCaFile,
            Timeout = Span(options.InfluxTimeoutNs),
        };
        InfluxDbSinkOptions sink = new()
        {
            Server = server, NodeName = options.NodeName, Version = ProductVersion.Version, RequestLog = options.InfluxRequestLog, Url = options.ExportUrl,
            FlushInterval = Span(options.InfluxFlushIntervalNs), BatchBytes = (int)options.InfluxBatchBytes, Export = Export(options, "influxdb", options.InfluxSpool),
        };
        try
        {
            return new InfluxDbSink(sink, context.Ledger, LogOf(context.Loggers.CreateLogger("influxdb")), context.Health);
        }
        catch (InfluxDbSinkException e)
        {
            throw new ConfigurationException(e.Message);
        }
    }

    private static ExportOptions Export(AgentOptions options, string id, SpoolOptions spool) => new()
    {
        SpoolPath = spool.MaxBytes == 0 ? null : Path.Combine(options.SpoolPath, id),
        SpoolMaxBytes = spool.MaxBytes,
        SpoolMaxAge = Span(spool.MaxAgeNs),
        SpoolBytesPerSecond = spool.BytesPerSecond,
    };

    private static ExportLog LogOf(ILogger logger) => new(message => logger.LogWarning("{Message}", message), message => logger.LogInformation("{Message}", message));

    private static TimeSpan Span(long ns) => TimeSpan.FromTicks(ns / TimeSpan.NanosecondsPerTick);

    /// <summary>The API server's watch; null where there is no cluster to ask.</summary>
    /// <exception cref="AgentException">The kubeconfig or service account cannot be used.</exception>
    public static ClusterWatch? CreateCluster(AgentOptions options, ILogger logger)
    {
        string? configPath = options.KubeConfigPath.Length == 0 ? null : options.KubeConfigPath;
        bool isPod = options.InCluster == "true" || (options.InCluster == "auto" && configPath is null && HasServiceAccount());
        return configPath is null && !isPod ? null
            : ClusterWatch.Create(new KubernetesOptions { ConfigPath = configPath, InCluster = isPod, NodeName = options.NodeName }, logger);
    }

    private static bool HasServiceAccount() =>
        Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is { Length: > 0 } && File.Exists("/var/run/secrets/kubernetes.io/serviceaccount/token");

    /// <summary>Looks whether this process may capture what it is told to.</summary>
    /// <exception cref="AgentException">It may not; the message names what is missing.</exception>
    public static void RequireRights(AgentOptions options)
    {
        if (options.NetInterface.Length > 0)
        {
            RequireRights(InterfaceSource.Needed);
        }
        else if (options.TrafficEnabled)
        {
            RequireRights(TrafficSource.Needed);
        }
    }

    private static void RequireRights(Capability needed)
    {
        Capability missing = Capabilities.Current.Missing(needed);
        if (missing != Capability.None)
        {
            throw new AgentException($"capturing needs {needed.ToText()}, and this process lacks {missing.ToText()}: run it as root, or grant them (Kubernetes: securityContext.capabilities.add; systemd: AmbientCapabilities=)");
        }
    }

    /// <summary>The table of series, with its page in the ledger.</summary>
    public static RedTable CreateRed(AgentOptions options, Ledger ledger)
    {
        RedTable red = new((int)options.RedMaxSeries);
        LedgerStage stage = ledger.AddStage("red", "transactions");
        Counter responses = stage.DropReason("response_without_request");
        ledger.OnRead(() =>
        {
            red.Enter();
            stage.In.Value = red.Transactions.Value;
            responses.Value = red.ResponsesWithoutRequest.Value;
            stage.Out.Value = red.SeriesTransactions.Value;
            red.Exit();
        });
        return red;
    }

    /// <summary>The table of calls of the same transactions, with its page in the ledger.</summary>
    public static CallTable CreateCalls(RedTable red, Ledger ledger)
    {
        CallTable calls = new(red);
        LedgerStage stage = ledger.AddStage("calls", "transactions");
        Counter responses = stage.DropReason("response_without_request"), withoutRole = stage.DropReason("no_role");
        ledger.OnRead(() =>
        {
            red.Enter();
            stage.In.Value = calls.Transactions.Value;
            responses.Value = calls.ResponsesWithoutRequest.Value;
            withoutRole.Value = calls.WithoutRole.Value;
            stage.Out.Value = calls.CallTransactions.Value;
            red.Exit();
        });
        return calls;
    }

    /// <summary>Limits of the streams.</summary>
    public static StreamOptions StreamOptions(AgentOptions options) => new()
    {
        MaxBytes = options.StreamsMaxBytes,
        MaxConnections = (int)options.StreamsMaxConnections,
        IdleTimeout = Span(options.StreamsIdleTimeoutNs),
    };
}
