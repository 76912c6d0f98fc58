using System.Text.Json;

namespace KubeBpfBox.Dashboards.Model;

/// <summary>A panel that shows something.</summary>
internal sealed class Panel
{
    public Panel(JsonElement json)
    {
        Title = json.GetProperty("title").GetString()!;
        Json = json;
        TimeSpan interval = json.TryGetProperty("interval", out JsonElement text) ? Query.Duration(text.GetString()!) : TimeSpan.Zero;
        Queries = [.. json.GetProperty("targets").EnumerateArray().Select(target => new Query($"{Title} / {target.GetProperty("refId").GetString()}", target, interval))];
    }

    public string Title { get; }

    public JsonElement Json { get; }

    public IReadOnlyList<Query> Queries { get; }

    /// <summary>Names that the panel expects in the answers to show them as columns; none unless it is a table.</summary>
    public IReadOnlyList<string> Columns => [.. Organized("renameByName").Select(static column => column.Name)];

    /// <summary>What the columns are called in the panel.</summary>
    public IReadOnlyList<string> Titles => [.. Organized("renameByName").Select(static column => column.Value.GetString()!)];

    /// <summary>Names in the answers that it does not show.</summary>
    public IReadOnlyList<string> Excluded => [.. Organized("excludeByName").Select(static column => column.Name)];

    private IEnumerable<JsonProperty> Organized(string option) => Json.TryGetProperty("transformations", out JsonElement all)
        ? all.EnumerateArray().Where(static one => one.GetProperty("id").GetString() == "organize").SelectMany(one => one.GetProperty("options").GetProperty(option).EnumerateObject())
        : [];
}
