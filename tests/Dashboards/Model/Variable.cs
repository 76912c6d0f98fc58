using System.Text.Json;

namespace KubeBpfBox.Dashboards.Model;

/// <summary>A dashboard's variable.</summary>
internal sealed class Variable(JsonElement json)
{
    public string Name { get; } = json.GetProperty("name").GetString()!;

    /// <summary>"query", "custom", "textbox" or "datasource".</summary>
    public string Type { get; } = json.GetProperty("type").GetString()!;

    /// <summary>What is asked, or what can be chosen.</summary>
    public string Query { get; } = json.GetProperty("query").GetString()!;

    /// <summary>Takes several values.</summary>
    public bool IsMultiple { get; } = json.GetProperty("multi").GetBoolean();

    /// <summary>What stands for all values; null when that cannot be chosen.</summary>
    public string? AllValue { get; } = json.TryGetProperty("allValue", out JsonElement all) ? all.GetString() : null;

    /// <summary>Chosen when the dashboard is opened.</summary>
    public JsonElement Current { get; } = json.GetProperty("current").GetProperty("value");

    /// <summary>Values that can be chosen of a custom variable: "name : value" or just "value", parted by commas.</summary>
    public IReadOnlyList<string> Choices => [.. Query.Split(", ").Select(static choice => choice.Split(" : ")[^1])];
}
