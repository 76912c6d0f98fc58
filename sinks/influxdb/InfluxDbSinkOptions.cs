using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>What is written, and how it waits.</summary>
public sealed record InfluxDbSinkOptions
{
    /// <summary>Where to.</summary>
    public required InfluxDbServer Server { get; init; }

    /// <summary>The tag "nodename".</summary>
    public required string NodeName { get; init; }

    /// <summary>Product's version.</summary>
    public required string Version { get; init; }

    /// <summary>Which requests are written one by one.</summary>
    public LoggedRequests RequestLog { get; init; } = LoggedRequests.All;

    /// <summary>How much of a request's target.</summary>
    public ExportedUrl Url { get; init; } = ExportedUrl.Path;

    /// <summary>How long a point may wait for others.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Bytes of a batch before it is compressed.</summary>
    public int BatchBytes { get; init; } = 1 << 20;

    /// <summary>How batches wait for the server.</summary>
    public ExportOptions Export { get; init; } = new();
}
