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

    public bool PrometheusEnabled { get; set; }
    public bool SqliteEnabled { get; set; }
    public string SqlitePath { get; set; } = string.Empty;
    public long SqliteMaxBytes { get; set; }
    public long SqliteMaxAgeNs { get; set; }
    public long SqliteLogRate { get; set; }

    public string LogLevel { get; set; } = string.Empty;
}
