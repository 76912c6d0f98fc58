namespace KubeBpfBox.Core.Export;

/// <summary>How batches wait for a server.</summary>
public sealed record ExportOptions
{
    /// <summary>Directory of this sink's spool; null for none: what does not fit into memory is then dropped.</summary>
    public string? SpoolPath { get; init; }

    /// <summary>Bytes on disk at most; 0 for no spool.</summary>
    public long SpoolMaxBytes { get; init; } = 256L << 20;

    /// <summary>Age at which what waits on disk is given up.</summary>
    public TimeSpan SpoolMaxAge { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Bytes a second, as they lie on disk, at which the spool is sent once the server is back; 0 for no limit.</summary>
    public long SpoolBytesPerSecond { get; init; } = 2 << 20;

    /// <summary>Bytes of batches in memory at most.</summary>
    public long MemoryBytes { get; init; } = 8 << 20;

    /// <summary>First pause after a failure; each further one doubles it, up to <see cref="MaxPause"/>, and half of it is chance.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest pause, unless the server asks for a longer one.</summary>
    public TimeSpan MaxPause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the last batches may take when the agent stops; then they go to the spool.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
