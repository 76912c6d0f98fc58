using System.Text.Json.Serialization;

namespace KubeBpfBox.Agent.Api;

/// <summary>An answer that is no success.</summary>
internal sealed record ApiProblem(string Error);

/// <summary>/api/status.</summary>
internal sealed record ApiStatus(string Version, string Commit, string Runtime, string Kernel, string Node, long UptimeS, string? NotReady, IReadOnlyList<string> Degraded, IReadOnlyList<ApiHook> Hooks, int Watchers);

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
