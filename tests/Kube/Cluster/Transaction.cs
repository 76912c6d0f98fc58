using System.Text.Json;

namespace KubeBpfBox.Kube.Cluster;

/// <summary>A line of observe.</summary>
internal readonly record struct Transaction(JsonElement Json)
{
    public string Target => Json.GetProperty("target").GetString() ?? "";

    /// <summary>"client" or "server"; null on an interface.</summary>
    public string? Role => Json.TryGetProperty("role", out JsonElement role) ? role.GetString() : null;

    public int? Status => Json.GetProperty("status") is { ValueKind: JsonValueKind.Number } status ? status.GetInt32() : null;

    /// <summary>A field of who asked; null when it is not there.</summary>
    public string? Source(string field) => Field("source", field);

    /// <summary>A field of who was asked; null when it is not there.</summary>
    public string? Destination(string field) => Field("destination", field);

    public override string ToString() => Json.ToString();

    private string? Field(string end, string field) =>
        Json.TryGetProperty(end, out JsonElement workload) && workload.TryGetProperty(field, out JsonElement value) ? value.GetString() : null;
}
