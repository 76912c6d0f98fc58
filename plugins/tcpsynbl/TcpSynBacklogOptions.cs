namespace KubeBpfBox.Plugins.Tcpsynbl;

/// <summary>How the plugin works; the defaults are for every machine, and tests shorten them.</summary>
internal sealed record TcpSynBacklogOptions
{
    /// <summary>Cgroup v2 directory whose sockets are watched, with all below it; null for the root of the hierarchy.</summary>
    public string? CgroupPath { get; init; }

    /// <summary>Listeners that are remembered at once.</summary>
    public int MaxListeners { get; init; } = 16_384;

    /// <summary>Between two looks at the map.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The highest length is that of one to two of these.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A listener that no packet met for so long is forgotten; its next packet makes it known again.</summary>
    public TimeSpan QuietAfter { get; init; } = TimeSpan.FromMinutes(5);
}
