using System.Text.Json;

namespace KubeBpfBox.Dashboards.Model;

/// <summary>A dashboard's JSON, as far as its queries go.</summary>
internal sealed class DashboardFile
{
    private DashboardFile(string path, JsonElement root)
    {
        Name = $"{Path.GetFileName(Path.GetDirectoryName(path))}/{Path.GetFileNameWithoutExtension(path)}";
        Backend = Path.GetFileName(Path.GetDirectoryName(path))!;
        Root = root;
        Variables = [.. root.GetProperty("templating").GetProperty("list").EnumerateArray().Select(static variable => new Variable(variable))];
        Panels = [.. root.GetProperty("panels").EnumerateArray().Where(static panel => panel.GetProperty("type").GetString() != "row").Select(static panel => new Panel(panel))];
        Annotations = [.. Annotate(root)];
    }

    /// <summary>Folder of the generator.</summary>
    public static string Generator { get; } = FindGenerator();

    /// <summary>All that are committed.</summary>
    public static IReadOnlyList<DashboardFile> All { get; } = [.. Directory.EnumerateFiles(Path.Combine(Generator, "dashboards"), "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(Read)];

    /// <summary>Such as "influxdb/red".</summary>
    public string Name { get; }

    /// <summary>"influxdb" or "prometheus".</summary>
    public string Backend { get; }

    public JsonElement Root { get; }

    public string Uid => Root.GetProperty("uid").GetString()!;

    public string Title => Root.GetProperty("title").GetString()!;

    public IReadOnlyList<Variable> Variables { get; }

    public IReadOnlyList<Panel> Panels { get; }

    public IReadOnlyList<Query> Annotations { get; }

    public override string ToString() => Name;

    private static DashboardFile Read(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        return new DashboardFile(path, document.RootElement.Clone());
    }

    private static IEnumerable<Query> Annotate(JsonElement root) =>
        root.GetProperty("annotations").TryGetProperty("list", out JsonElement list)
            ? list.EnumerateArray().Select(static annotation => new Query($"annotation {annotation.GetProperty("name").GetString()}", annotation.GetProperty("target")))
            : [];

    private static string FindGenerator()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "KubeBpfBox.slnx")))
        {
            folder = folder.Parent;
        }
        return Path.Combine(folder?.FullName ?? throw new InvalidOperationException("not below the solution"), "deploy", "grafana");
    }
}
