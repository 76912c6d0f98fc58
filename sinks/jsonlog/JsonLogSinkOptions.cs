using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.JsonLog;

/// <summary>What the JSON log is told at start.</summary>
public sealed record JsonLogSinkOptions
{
    /// <summary>Which requests are written.</summary>
    public LoggedRequests RequestLog { get; init; }

    /// <summary>How much of their targets.</summary>
    public ExportedUrl Url { get; init; }

    /// <summary>Bytes of lines that wait for the writer at most; there are two such buffers.</summary>
    public int BufferBytes { get; init; } = 1 << 20;
}
