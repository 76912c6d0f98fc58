namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>What the SQLite sink is told at start.</summary>
public sealed record SqliteSinkOptions
{
    /// <summary>The database file.</summary>
    public required string Path { get; init; }

    /// <summary>Size the file is kept under.</summary>
    public long MaxBytes { get; init; } = 256 << 20;

    /// <summary>Rows older than this are deleted; nanoseconds.</summary>
    public long MaxAgeNs { get; init; } = 7L * 24 * 3600 * 1_000_000_000;

    /// <summary>Ordinary requests logged a second.</summary>
    public int LogRate { get; init; } = 100;

    /// <summary>Errors logged a second at most; what is beyond is dropped and counted.</summary>
    public int MaxErrorRate { get; init; } = 1000;

    /// <summary>The slowest requests of each second that are kept beside the sampled ones.</summary>
    public int SlowestPerSecond { get; init; } = 10;

    /// <summary>Requests that wait for the writer at most, and their bytes.</summary>
    public int QueueCapacity { get; init; } = 8192;

    /// <summary>Bytes of requests that wait for the writer at most.</summary>
    public long QueueBytes { get; init; } = 6 << 20;

    /// <summary>Series windows that wait for a database that cannot be written; the oldest go first.</summary>
    public int MaxPendingSeriesWindows { get; init; } = 10_000;
}

/// <summary>The database cannot be used as configured, and trying again will not help. The message is one line for the user.</summary>
public sealed class SqliteSinkException(string message) : Exception(message);
