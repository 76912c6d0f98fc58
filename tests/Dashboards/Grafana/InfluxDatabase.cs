using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using KubeBpfBox.Dashboards.Model;
using KubeBpfBox.Support;

namespace KubeBpfBox.Dashboards.Grafana;

/// <summary>InfluxDB by InfluxQL.</summary>
/// <remarks>Source: Grafana, public/app/plugins/datasource/influxdb/datasource.ts and pkg/tsdb/influxdb/models/query.go.</remarks>
internal sealed partial class InfluxDatabase(InfluxServer server) : IDatabase
{
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Ask(Query query, Selection selection, TimeRange range, int siblings = 1)
    {
        string text = Interpolate(query.Text, selection, range, range.IntervalFor(query, TimeSpan.FromSeconds(10)));
        // Tags of GROUP BY and the time say nothing by themselves.
        string[] names = [.. GroupedTags().Matches(text).Select(static match => match.Groups[1].Value)];
        return [.. Rows(text).Where(row => row.Keys.Any(name => name != "Time" && !names.Contains(name)))];
    }

    public IReadOnlyList<string> Values(Variable variable, Selection selection, TimeRange range) =>
        [.. Rows(Interpolate(variable.Query, selection, range, TimeSpan.FromSeconds(10))).Select(static row => row["value"]).Distinct()];

    private IReadOnlyList<IReadOnlyDictionary<string, string>> Rows(string text) => [.. server.Query(text).Select(static row => Known(row))];

    /// <summary>What a row has, without the measurement's name.</summary>
    private static Dictionary<string, string> Known(IReadOnlyDictionary<string, JsonElement> row) => row
        .Where(static cell => cell.Key != "name" && cell.Value.ValueKind != JsonValueKind.Null && cell.Value.ToString().Length > 0)
        .ToDictionary(static cell => cell.Key == "time" ? "Time" : cell.Key, static cell => cell.Value.ToString(), StringComparer.Ordinal);

    private static string Interpolate(string text, Selection selection, TimeRange range, TimeSpan interval)
    {
        string from = range.From.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        string to = range.To.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        Dictionary<string, string> macros = new(StringComparer.Ordinal)
        {
            ["timeFilter"] = $"time >= {from}ms and time <= {to}ms",
            ["__interval"] = $"{interval.TotalSeconds:0}s",
            ["__interval_ms"] = $"{interval.TotalMilliseconds:0}",
            ["__from"] = from,
            ["__to"] = to,
        };
        // Single values go in as they are, here where none is used inside of a regular expression.
        return selection.Interpolate(text, macros, static (variable, values) => variable.IsMultiple ? $"({string.Join('|', values.Select(Escape))})" : values[0]);
    }

    private static string Escape(string value) => Special().Replace(value, @"\$0");

    [GeneratedRegex(@"[\\^$*+?.()|[\]{}/]")]
    private static partial Regex Special();

    [GeneratedRegex("(?<=GROUP BY .*)\"(\\w+)\"")]
    private static partial Regex GroupedTags();
}
