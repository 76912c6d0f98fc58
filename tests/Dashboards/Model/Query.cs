using System.Globalization;
using System.Text.Json;

namespace KubeBpfBox.Dashboards.Model;

/// <summary>A query of a panel or an annotation, with variables and macros in it.</summary>
internal sealed class Query(string name, JsonElement target, TimeSpan minInterval = default)
{
    /// <summary>Where it is, for messages.</summary>
    public string Name { get; } = name;

    public string RefId { get; } = target.GetProperty("refId").GetString()!;

    /// <summary>InfluxQL or PromQL.</summary>
    public string Text { get; } = target.TryGetProperty("query", out JsonElement query) ? query.GetString()! : target.GetProperty("expr").GetString()!;

    /// <summary>Asks for the state at the end, not for steps. Prometheus only.</summary>
    public bool IsInstant { get; } = target.TryGetProperty("instant", out JsonElement instant) && instant.GetBoolean();

    /// <summary>Shows single traced requests beside the series. Prometheus only.</summary>
    public bool HasExemplars { get; } = target.TryGetProperty("exemplar", out JsonElement exemplar) && exemplar.GetBoolean();

    /// <summary>Steps are not shorter.</summary>
    public TimeSpan MinInterval { get; } = target.TryGetProperty("interval", out JsonElement interval) ? Duration(interval.GetString()!) : minInterval;

    /// <summary>Reads "10s" or "1m".</summary>
    public static TimeSpan Duration(string text) => double.Parse(text[..^1], CultureInfo.InvariantCulture) * text[^1] switch
    {
        's' => TimeSpan.FromSeconds(1),
        'm' => TimeSpan.FromMinutes(1),
        _ => throw new FormatException(text),
    };
}
