using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Agent.Configuration;

/// <summary>Every setting, typed. Defaults, ranges and meaning stand in <see cref="SettingsTable"/>.</summary>
internal sealed class AgentOptions
{
    public string NodeName { get; set; } = string.Empty;
    public string ApiListen { get; set; } = string.Empty;
    public string ApiToken { get; set; } = string.Empty;

    public bool TrafficEnabled { get; set; }
    public long TrafficRingBytes { get; set; }
    public long TrafficBytesPerPacket { get; set; }
    public string TrafficCgroupPath { get; set; } = string.Empty;

    public bool OomKillEnabled { get; set; }
    public bool TcpSynBacklogEnabled { get; set; }

    public string KubeConfigPath { get; set; } = string.Empty;
    public string InCluster { get; set; } = string.Empty;
    public string NetInterface { get; set; } = string.Empty;

    public long StreamsMaxBytes { get; set; }
    public long StreamsMaxConnections { get; set; }
    public long StreamsIdleTimeoutNs { get; set; }

    public bool Http1Enabled { get; set; }
    public long Http1RequestTimeoutNs { get; set; }

    public long RedMaxSeries { get; set; }

    public long HistoryMaxBytes { get; set; }

    public bool PrometheusEnabled { get; set; }
    public bool SqliteEnabled { get; set; }
    public string SqlitePath { get; set; } = string.Empty;
    public long SqliteMaxBytes { get; set; }
    public long SqliteMaxAgeNs { get; set; }
    public long SqliteLogRate { get; set; }

    public ExportedUrl ExportUrl { get; set; }
    public string SpoolPath { get; set; } = string.Empty;

    public string InfluxUrl { get; set; } = string.Empty;
    public string InfluxOrg { get; set; } = string.Empty;
    public string InfluxBucket { get; set; } = string.Empty;
    public string InfluxToken { get; set; } = string.Empty;
    public string InfluxDatabase { get; set; } = string.Empty;
    public string InfluxRetentionPolicy { get; set; } = string.Empty;
    public string InfluxUsername { get; set; } = string.Empty;
    public string InfluxPassword { get; set; } = string.Empty;
    public string InfluxCaFile { get; set; } = string.Empty;
    public LoggedRequests InfluxRequestLog { get; set; }
    public long InfluxFlushIntervalNs { get; set; }
    public long InfluxBatchBytes { get; set; }
    public long InfluxTimeoutNs { get; set; }
    public SpoolOptions InfluxSpool { get; } = new();

    public string OtlpEndpoint { get; set; } = string.Empty;
    public string OtlpProtocol { get; set; } = string.Empty;
    public string OtlpHeaders { get; set; } = string.Empty;
    public string OtlpCaFile { get; set; } = string.Empty;
    public bool OtlpMetrics { get; set; }
    public bool OtlpTraces { get; set; }
    public bool OtlpLogs { get; set; }
    public long OtlpMetricsIntervalNs { get; set; }
    public double OtlpSamplingRatio { get; set; }
    public long OtlpTimeoutNs { get; set; }
    public SpoolOptions OtlpSpool { get; } = new();

    public string JsonLogPath { get; set; } = string.Empty;
    public LoggedRequests JsonLogRequestLog { get; set; }
    public long JsonLogMaxBytes { get; set; }
    public long JsonLogMaxFiles { get; set; }

    public string LogLevel { get; set; } = string.Empty;
    public string LogSavePath { get; set; } = string.Empty;
    public string LogFileName { get; set; } = string.Empty;
    public string LogFileExt { get; set; } = string.Empty;
    public long LogMaxBytes { get; set; }
    public long LogMaxFiles { get; set; }
}

/// <summary>How one sink's batches wait on disk.</summary>
internal sealed record SpoolOptions
{
    public long MaxBytes { get; set; }
    public long MaxAgeNs { get; set; }
    public long BytesPerSecond { get; set; }
}
