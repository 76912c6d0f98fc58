using System.Text.Json.Serialization;

namespace KubeBpfBox.Agent.Api;

/// <summary>An answer that is no success.</summary>
internal sealed record ApiProblem(string Error);

/// <summary>/api/status.</summary>
internal sealed record ApiStatus
{
    public required string Version { get; init; }

    public required string Commit { get; init; }

    public required string Runtime { get; init; }

    public required string Kernel { get; init; }

    public required string Node { get; init; }

    public required DateTime Now { get; init; }

    public required DateTime Started { get; init; }

    public required long UptimeS { get; init; }

    public required string? NotReady { get; init; }

    public required IReadOnlyList<string> Degraded { get; init; }

    public required IReadOnlyList<ApiHook> Hooks { get; init; }

    public required double Completeness { get; init; }

    public required int Watchers { get; init; }

    public required ApiMemory Memory { get; init; }

    public required double CpuSeconds { get; init; }

    public required ApiUsage Series { get; init; }

    public required ApiUsage Calls { get; init; }

    public required ApiHistory History { get; init; }

    public required ApiStore? Store { get; init; }

    public required IReadOnlyList<ApiSink> Sinks { get; init; }
}

/// <summary>The agent's memory.</summary>
internal sealed record ApiMemory(long ResidentBytes, long? LimitBytes, long ManagedBytes);

/// <summary>How much of a table is in use.</summary>
internal sealed record ApiUsage(int Used, int Limit);

/// <summary>The windows in memory.</summary>
internal sealed record ApiHistory(int Windows, long Bytes, long MaxBytes, DateTime? Since);

/// <summary>The embedded database.</summary>
internal sealed record ApiStore(string Path, long Bytes, long MaxBytes, DateTime? Since);

/// <summary>One output, and the names of its stages in the ledger.</summary>
internal sealed record ApiSink(string Id, string? Trouble, IReadOnlyList<string> Stages);

/// <summary>One hook of /api/status.</summary>
internal sealed record ApiHook(string Plugin, string Hook, bool Attached, string Detail);

/// <summary>/api/ledger.</summary>
internal sealed record ApiLedger(double Completeness, IReadOnlyList<ApiStage> Stages, IReadOnlyDictionary<string, long> Notes);

/// <summary>One stage of /api/ledger: in = out + the sum of dropped + held + unaccounted.</summary>
internal sealed record ApiStage(string Name, string Unit, long In, long Out, IReadOnlyDictionary<string, long> Dropped, long Held, long Unaccounted);

/// <summary>How the API writes JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ApiProblem))]
[JsonSerializable(typeof(ApiStatus))]
[JsonSerializable(typeof(ApiLedger))]
internal sealed partial class ApiJson : JsonSerializerContext;
