using Spectre.Console;

namespace KubeBpfBox.Agent.Top;

/// <summary>Draws a <see cref="TopModel"/>: as a screen, or as text to be printed once.</summary>
internal sealed class TopScreen(TopCanvas canvas)
{
    private const int HeaderLines = 3;
    private const int TableHeadLines = 1;
    private const int FooterLines = 1;

    private static readonly (string Key, string Does)[] s_tableKeys =
    [
        ("q", "quit"), ("Enter", "open"), ("s", "sort"), ("/", "filter"), ("h", "help"), ("r", "reverse"), ("c", "client/server"), ("n", "namespace"), ("+-", "range"), ("Space", "pause"),
    ];

    private static readonly (string Key, string Does)[] s_detailKeys = [("Esc", "back"), ("↑↓", "scroll"), ("c", "client/server"), ("+-", "range"), ("h", "help"), ("Space", "pause")];

    /// <summary>Steps of a sparkline that are of use on a screen.</summary>
    public const int Points = 60;

    /// <summary>Draws a screen of exactly so many lines, none wider than the screen.</summary>
    public IReadOnlyList<string> Draw(TopModel model, int width, int height)
    {
        model.Fit(height - HeaderLines - TableHeadLines - FooterLines);
        int room = height - HeaderLines - FooterLines;
        List<string> lines = [.. Header(model, width)];
        lines.AddRange((model.ShowsHelp ? TopHelp.Lines(canvas, width) : model.Opened is null ? TableLines(model, width) : DetailLines(model, width, room)).Take(Math.Max(0, room)));
        lines = [.. lines.Take(Math.Max(0, height - FooterLines))];
        while (lines.Count < height - FooterLines)
        {
            lines.Add(string.Empty);
        }
        lines.Add(Footer(model, width));
        return lines;
    }

    /// <summary>Draws what is printed once: header and all rows.</summary>
    /// <param name="model">What.</param>
    /// <param name="width">Columns of the terminal; null where there is none.</param>
    public IReadOnlyList<string> DrawOnce(TopModel model, int? width)
    {
        List<TopTableRow> rows = RowsOf(model.Rows);
        TopTable table = new("WORKLOAD", rows, width, model.Query);
        List<string> lines = [.. Header(model, width ?? 1000), .. rows.Count == 0 ? Nothing(model, width ?? 1000) : canvas.Draw(table.Build(rows), table.Width)];
        if (model.Table is { } seen && seen.Total > rows.Count)
        {
            lines.Add($"({seen.Total - rows.Count} more)");
        }
        return [.. lines.Select(static line => line.TrimEnd())];
    }

    private List<string> Header(TopModel model, int width)
    {
        TopQuery query = model.Query;
        TopFigures totals = model.Table?.Totals ?? new TopFigures();
        // What matters most stands first: a narrow screen cuts off the rest.
        List<(string, Style)> first = [("kubebpfbox", TopStyles.Strong), ($"  {query.Role} side, last {query.Last}", TopStyles.Plain), (model.IsPaused ? "  PAUSED" : string.Empty, TopStyles.Strong)];
        if (model.Status is { } status)
        {
            if (status.Completeness is { } completeness)
            {
                first.Add(($"  complete {TopText.Percent(completeness)} %", completeness < 1 ? TopStyles.Warning : TopStyles.Plain));
            }
            first.Add(($"  node {TopText.Escape(status.Node)}  up {TopText.Uptime(status.UptimeS)}", TopStyles.Plain));
        }
        List<(string, Style)> second =
        [
            ($"{TopText.Rate(totals.RequestsPerSecond)} req/s  ", TopStyles.Strong),
            ($"{TopText.Percent(totals.ErrorRatio)} % errors", totals.Errors > 0 ? TopStyles.Error : TopStyles.Plain),
            (query.Namespace is { } @namespace ? $"  in {TopText.Escape(@namespace)}" : string.Empty, TopStyles.Strong),
            (query.Filter.Length > 0 && !model.IsTyping ? $"  with \"{TopText.Escape(query.Filter)}\"" : string.Empty, TopStyles.Strong),
            ($"  {model.Table?.Total ?? 0} workloads  p50 {TopText.Duration(totals.P50Ns)}  p99 {TopText.Duration(totals.P99Ns)}", TopStyles.Plain),
        ];
        return [canvas.DrawLine(width, first), canvas.DrawLine(width, second), canvas.DrawLine(width, (string.Join("; ", Warnings(model)), TopStyles.Warning))];
    }

    private static IEnumerable<string> Warnings(TopModel model)
    {
        if (model.Trouble is { } trouble)
        {
            yield return $"the agent does not answer ({TopText.Escape(trouble)}): this is what was seen last; trying again";
        }
        if (model.Status is not { } status)
        {
            yield break;
        }
        if (status.NotReady is { } notReady)
        {
            yield return $"not ready: {TopText.Escape(notReady)}";
        }
        if (status.Completeness < 1)
        {
            yield return "some traffic was missed: see /api/ledger";
        }
        foreach (string degraded in status.Degraded)
        {
            yield return $"degraded: {TopText.Escape(degraded)}";
        }
    }

    private static List<TopTableRow> RowsOf(IEnumerable<TopRow> rows) => [.. rows.Select(static row => new TopTableRow(TopText.Escape(row.Who.FullName), row.Kind, row))];

    private IReadOnlyList<string> TableLines(TopModel model, int width)
    {
        List<TopTableRow> rows = RowsOf(model.Rows);
        if (rows.Count == 0)
        {
            return Nothing(model, width);
        }
        // Columns are chosen for all rows, so that they stay where they are while one scrolls.
        TopTable table = new("WORKLOAD", rows, width, model.Query);
        return canvas.Draw(table.Build([.. rows.Skip(model.FirstRow).Take(model.VisibleRows)], model.Selected - model.FirstRow), width);
    }

    private List<string> Nothing(TopModel model, int width)
    {
        TopQuery query = model.Query;
        string[] lines = model.Table is null ? ["Asking the agent …"]
            : query.Filter.Length > 0 || query.Namespace is not null
                ? ["No workload matches. Esc clears the filter, n goes to the next namespace, + takes a longer range."]
                : [$"No requests seen {(query.Role == "server" ? "at servers" : "from clients")} in the last {query.Last}.", "+ takes a longer range, c shows the other side; /api/status says what the agent captures."];
        return [.. lines.Select(line => canvas.DrawLine(width, (line, TopStyles.Plain)))];
    }

    private IEnumerable<string> DetailLines(TopModel model, int width, int room)
    {
        List<string> lines = TopDetailLines.Draw(canvas, model, width);
        model.Scroll = Math.Clamp(model.Scroll, 0, Math.Max(0, lines.Count - room));
        return lines.Skip(model.Scroll);
    }

    private string Footer(TopModel model, int width)
    {
        if (model.IsTyping)
        {
            return canvas.DrawLine(width, ("Filter: ", TopStyles.Strong), (TopText.Escape(model.Query.Filter), TopStyles.Plain), ("_", TopStyles.Selected), ("   Enter keeps it, Esc clears it", TopStyles.Faint));
        }
        List<(string, Style)> pieces = [];
        int left = width;
        foreach ((string key, string does) in model.ShowsHelp ? [("any key", "back")] : model.Opened is null ? s_tableKeys : s_detailKeys)
        {
            left -= key.Length + does.Length + 3;
            if (left < -2)
            {
                break;
            }
            pieces.Add((key, TopStyles.Strong));
            pieces.Add(($" {does}  ", TopStyles.Plain));
        }
        return canvas.DrawLine(width, pieces);
    }
}
