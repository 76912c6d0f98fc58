using System.Text.Json;
using System.Text.RegularExpressions;
using KubeBpfBox.Dashboards.Model;
using static System.FormattableString;

namespace KubeBpfBox.Dashboards.Grafana;

/// <summary>Prometheus by its HTTP API.</summary>
/// <remarks>Source: Grafana, packages/grafana-prometheus/src: escaping.ts, metric_find_query.ts; pkg/promlib/models/query.go for $__rate_interval.</remarks>
internal sealed partial class PrometheusDatabase(PrometheusServer server) : IDatabase
{
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Ask(Query query, Selection selection, TimeRange range, int siblings = 1)
    {
        TimeSpan step = range.IntervalFor(query, PrometheusServer.ScrapeInterval);
        string text = Uri.EscapeDataString(Interpolate(query.Text, selection, range, step));
        // Steps are at whole multiples of their length. Grafana takes the last one that has passed; here it is the next, as if asked that much later.
        double start = Math.Floor(Seconds(range.From) / step.TotalSeconds) * step.TotalSeconds, end = Math.Ceiling(Seconds(range.To) / step.TotalSeconds) * step.TotalSeconds;
        string path = query.IsInstant ? Invariant($"query?query={text}&time={Seconds(range.To)}") : Invariant($"query_range?query={text}&start={start}&end={end}&step={step.TotalSeconds}");
        string column = siblings > 1 ? $"Value #{query.RefId}" : "Value";
        List<IReadOnlyDictionary<string, string>> rows = [];
        foreach (JsonElement series in server.Get(path).GetProperty("result").EnumerateArray())
        {
            IEnumerable<JsonElement> points = query.IsInstant ? [series.GetProperty("value")] : series.GetProperty("values").EnumerateArray();
            foreach (string value in points.Select(static point => point[1].GetString()!).Where(static value => value != "NaN"))
            {
                Dictionary<string, string> row = series.GetProperty("metric").EnumerateObject().ToDictionary(static label => label.Name, static label => label.Value.GetString()!, StringComparer.Ordinal);
                row[column] = value;
                rows.Add(row);
            }
        }
        return rows;
    }

    public IReadOnlyList<string> Values(Variable variable, Selection selection, TimeRange range)
    {
        Match match = LabelValues().Match(Interpolate(variable.Query, selection, range, PrometheusServer.ScrapeInterval));
        Assert.True(match.Success, variable.Query);
        string selector = match.Groups["selector"].Success ? $"&match[]={Uri.EscapeDataString(match.Groups["selector"].Value)}" : string.Empty;
        JsonElement values = server.Get(Invariant($"label/{match.Groups["label"].Value}/values?start={Seconds(range.From)}&end={Seconds(range.To)}{selector}"));
        return [.. values.EnumerateArray().Select(static value => value.GetString()!)];
    }

    /// <summary>Traces that a query's exemplars name.</summary>
    public IReadOnlyList<string> Traces(Query query, Selection selection, TimeRange range)
    {
        string text = Uri.EscapeDataString(Interpolate(query.Text, selection, range, range.IntervalFor(query, PrometheusServer.ScrapeInterval)));
        JsonElement all = server.Get(Invariant($"query_exemplars?query={text}&start={Seconds(range.From)}&end={Seconds(range.To)}"));
        return [.. all.EnumerateArray().SelectMany(static series => series.GetProperty("exemplars").EnumerateArray()).Select(static one => one.GetProperty("labels").GetProperty("trace_id").GetString()!)];
    }

    private static string Interpolate(string text, Selection selection, TimeRange range, TimeSpan interval)
    {
        TimeSpan scrape = PrometheusServer.ScrapeInterval;
        double rate = Math.Max((interval + scrape).TotalSeconds, 4 * scrape.TotalSeconds);
        Dictionary<string, string> macros = new(StringComparer.Ordinal)
        {
            ["__interval"] = $"{interval.TotalSeconds:0}s",
            ["__interval_ms"] = $"{interval.TotalMilliseconds:0}",
            ["__rate_interval"] = $"{rate:0}s",
            ["__range"] = $"{range.Length.TotalSeconds:0}s",
        };
        return selection.Interpolate(text, macros, static (variable, values) => (variable.IsMultiple, values.Length) switch
        {
            (false, _) => values[0].Replace(@"\", @"\\", StringComparison.Ordinal),
            (true, 1) => Escape(values[0]),
            _ => $"({string.Join('|', values.Select(Escape))})",
        });
    }

    // For a regular expression inside of a string: what is escaped for the one needs its backslash escaped for the other.
    private static string Escape(string value) => Special().Replace(value.Replace(@"\", @"\\\\", StringComparison.Ordinal), @"\\$0");

    private static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    [GeneratedRegex(@"[$^*{}\[\]'+?.()|]")]
    private static partial Regex Special();

    [GeneratedRegex(@"^label_values\(((?<selector>.+), )?(?<label>\w+)\)$", RegexOptions.ExplicitCapture)]
    private static partial Regex LabelValues();
}
