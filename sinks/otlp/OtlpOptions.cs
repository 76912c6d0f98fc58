using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>How a collector is spoken to.</summary>
public enum OtlpProtocol
{
    /// <summary>gRPC over HTTP/2.</summary>
    Grpc,

    /// <summary>Protocol Buffers in HTTP requests.</summary>
    HttpProtobuf,
}

/// <summary>Where the collector is, and what it is sent.</summary>
public sealed record OtlpOptions
{
    /// <summary>The collector's URL, as OTEL_EXPORTER_OTLP_ENDPOINT means it: for HTTP /v1/traces and so on are added.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>How it is spoken to.</summary>
    public OtlpProtocol Protocol { get; init; }

    /// <summary>Headers of each request, as OTEL_EXPORTER_OTLP_HEADERS: key=value,key=value, percent-encoded. Secret.</summary>
    public string Headers { get; init; } = string.Empty;

    /// <summary>PEM file of the authorities that the collector's certificate must come from; empty for the system's.</summary>
    public string CaFile { get; init; } = string.Empty;

    /// <summary>How long an answer may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether metrics are sent.</summary>
    public bool Metrics { get; init; } = true;

    /// <summary>Whether requests are sent as spans.</summary>
    public bool Traces { get; init; } = true;

    /// <summary>Whether events are sent as log records.</summary>
    public bool Logs { get; init; } = true;

    /// <summary>How often metrics are sent.</summary>
    public TimeSpan MetricsInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Share of the requests without a trace context that become spans, from 0 to 1.</summary>
    public double SamplingRatio { get; init; } = 0.01;

    /// <summary>What of a request's target is sent.</summary>
    public ExportedUrl Url { get; init; }

    /// <summary>This node's name.</summary>
    public required string NodeName { get; init; }

    /// <summary>Spans that may wait to be serialized.</summary>
    public int QueueCapacity { get; init; } = 8192;

    /// <summary>Bytes that these may take.</summary>
    public long QueueBytes { get; init; } = 4 << 20;
}

/// <summary>What is sent is read from.</summary>
public sealed record OtlpSources
{
    /// <summary>The series so far.</summary>
    public required Func<IReadOnlyList<RedSeriesSnapshot>> Red { get; init; }

    /// <summary>How the agent is.</summary>
    public required Func<AgentHealth> Health { get; init; }

    /// <summary>The stages of the path; gets those of the sink: otlp_log (spans), otlp_events, otlp_red (metric points).</summary>
    public required Ledger Ledger { get; init; }
}

/// <summary>A setting that cannot work. The message names it and says what to do.</summary>
public sealed class OtlpException(string message) : Exception(message);
