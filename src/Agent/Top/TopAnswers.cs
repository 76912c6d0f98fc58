using System.Text.Json.Serialization;

namespace KubeBpfBox.Agent.Top;

/// <summary>Rate, errors and durations, as each row of the API has them.</summary>
/// <remarks>Source: src/Agent/Api/openapi.json. Only what is shown is read.</remarks>
internal record TopFigures
{
    public long Requests { get; init; }

    public double RequestsPerSecond { get; init; }

    public long Errors { get; init; }

    public double ErrorRatio { get; init; }

    public long P50Ns { get; init; }

    public long P90Ns { get; init; }

    public long P99Ns { get; init; }

    public long MaxNs { get; init; }

    public TopSpark? Spark { get; init; }
}

/// <summary>Requests of each step of the range.</summary>
internal sealed record TopSpark(IReadOnlyList<long> Requests);

/// <summary>Who: a row of the table, an end of a call.</summary>
internal sealed record TopWorkloadRef(string Workload, string? Kind = null, string? Namespace = null)
{
    /// <summary>"namespace/workload".</summary>
    public string FullName => Namespace is null ? Workload : $"{Namespace}/{Workload}";
}

/// <summary>One of /api/workloads.</summary>
internal sealed record TopRow : TopFigures
{
    public required string Workload { get; init; }

    public string? Kind { get; init; }

    public string? Namespace { get; init; }

    [JsonIgnore]
    public TopWorkloadRef Who => new(Workload, Kind, Namespace);
}

/// <summary>/api/workloads.</summary>
internal sealed record TopWorkloads(int Total, IReadOnlyList<string> Namespaces, TopFigures Totals, IReadOnlyList<TopRow> Workloads);

/// <summary>A route of /api/workload.</summary>
internal sealed record TopRoute : TopFigures
{
    public required string Method { get; init; }

    public required string Route { get; init; }
}

/// <summary>A pod of /api/workload.</summary>
internal sealed record TopPod : TopFigures
{
    public required string Pod { get; init; }
}

/// <summary>A call to or from the workload.</summary>
internal sealed record TopCall : TopFigures
{
    public required TopWorkloadRef Source { get; init; }

    public required TopWorkloadRef Destination { get; init; }
}

/// <summary>Points of /api/workload.</summary>
internal sealed record TopPoints(IReadOnlyList<long> Requests, IReadOnlyList<long> Errors, IReadOnlyList<long> P99Ns);

/// <summary>/api/workload.</summary>
internal sealed record TopWorkload(
    TopFigures Summary, TopPoints Points, IReadOnlyList<TopRoute> Routes, int RoutesTotal, IReadOnlyList<TopPod> Pods, IReadOnlyList<TopCall> Callers, IReadOnlyList<TopCall> Callees);

/// <summary>One of /api/events: what all have, and what tells most of each type.</summary>
internal sealed record TopEvent
{
    public required string Event { get; init; }

    public required DateTimeOffset Time { get; init; }

    public TopEventWorkload? Workload { get; init; }

    public string? ProcessName { get; init; }

    public long? LimitBytes { get; init; }

    public string? Listener { get; init; }

    public long? Count { get; init; }
}

/// <summary>Whose event it is.</summary>
internal sealed record TopEventWorkload(string? Pod = null, string? Container = null);

/// <summary>/api/events.</summary>
internal sealed record TopEvents(IReadOnlyList<TopEvent> Events);

/// <summary>/api/status.</summary>
internal sealed record TopStatus(string Node, long UptimeS, IReadOnlyList<string> Degraded, string? NotReady = null, double? Completeness = null);

/// <summary>How the API's answers are read.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(TopStatus))]
[JsonSerializable(typeof(TopWorkloads))]
[JsonSerializable(typeof(TopWorkload))]
[JsonSerializable(typeof(TopEvents))]
internal sealed partial class TopJson : JsonSerializerContext;
