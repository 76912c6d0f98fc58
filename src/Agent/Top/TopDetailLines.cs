using System.Globalization;
using Spectre.Console;

namespace KubeBpfBox.Agent.Top;

/// <summary>The page of one workload: its figures over the range, routes, callers, callees, pods and events.</summary>
internal static class TopDetailLines
{
    /// <summary>Draws all of it; the screen shows as much as it has room for.</summary>
    public static List<string> Draw(TopCanvas canvas, TopModel model, int width)
    {
        TopWorkloadRef who = model.Opened!;
        List<string> lines = [canvas.DrawLine(width, (TopText.Escape(who.FullName), TopStyles.Strong), ($"  {TopText.Escape(who.Kind ?? string.Empty)}", TopStyles.Plain))];
        if (model.Detail is not { } detail)
        {
            lines.Add(canvas.DrawLine(width, ("Asking the agent …", TopStyles.Plain)));
            return lines;
        }
        TopWorkload seen = detail.Workload;
        lines.AddRange(Summary(canvas, seen, width));
        bool isServer = model.Query.Role == "server";
        Section(canvas, lines, width, "ROUTE", seen.Routes.Select(static route => Row($"{route.Method} {route.Route}", route)), seen.RoutesTotal);
        Section(canvas, lines, width, "CALLER", seen.Callers.Select(static call => Row(call.Source.FullName, call)), seen.Callers.Count, isServer);
        Section(canvas, lines, width, "CALLEE", seen.Callees.Select(static call => Row(call.Destination.FullName, call)), seen.Callees.Count, !isServer);
        Section(canvas, lines, width, "POD", seen.Pods.Select(static pod => Row(pod.Pod, pod)), seen.Pods.Count, isWanted: false);
        lines.AddRange(Events(canvas, detail.Events, width));
        return lines;
    }

    private static TopTableRow Row(string name, TopFigures figures) => new(TopText.Escape(name), null, figures);

    private static IEnumerable<string> Summary(TopCanvas canvas, TopWorkload seen, int width)
    {
        TopFigures figures = seen.Summary;
        yield return canvas.DrawLine(
            width,
            ($"{TopText.Rate(figures.RequestsPerSecond)} req/s  ", TopStyles.Strong),
            ($"{TopText.Percent(figures.ErrorRatio)} % errors", figures.Errors > 0 ? TopStyles.Error : TopStyles.Plain),
            ($"  p50 {TopText.Duration(figures.P50Ns)}  p90 {TopText.Duration(figures.P90Ns)}  p99 {TopText.Duration(figures.P99Ns)}  max {TopText.Duration(figures.MaxNs)}", TopStyles.Plain));
        yield return Line("requests ", seen.Points.Requests, TopStyles.Spark);
        yield return Line("errors   ", seen.Points.Errors, TopStyles.Error);
        yield return Line("p99      ", seen.Points.P99Ns, TopStyles.Spark);

        string Line(string name, IReadOnlyList<long> values, Style style) => canvas.DrawLine(width, (name, TopStyles.Plain), (TopText.Sparkline(values, width - name.Length), style));
    }

    private static void Section(TopCanvas canvas, List<string> lines, int width, string head, IEnumerable<TopTableRow> some, int total, bool isWanted = true)
    {
        List<TopTableRow> rows = [.. some];
        if (rows.Count == 0 && !isWanted)
        {
            return;
        }
        lines.Add(string.Empty);
        if (rows.Count == 0)
        {
            lines.Add(canvas.DrawLine(width, (head, TopStyles.Head), ("  none seen in this range", TopStyles.Plain)));
            return;
        }
        lines.AddRange(canvas.Draw(new TopTable(head, rows, width).Build(rows), width));
        if (total > rows.Count)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"({total - rows.Count} more)"));
        }
    }

    private static IEnumerable<string> Events(TopCanvas canvas, TopEvents? events, int width)
    {
        if (events is not { Events.Count: > 0 })
        {
            yield break;
        }
        yield return string.Empty;
        yield return canvas.DrawLine(width, ("EVENTS", TopStyles.Head));
        foreach (TopEvent one in events.Events)
        {
            yield return canvas.DrawLine(
                width,
                (one.Time.UtcDateTime.ToString("MM-dd HH:mm:ss'Z' ", CultureInfo.InvariantCulture), TopStyles.Plain),
                (TopText.Escape(one.Event), TopStyles.Warning),
                (TopText.Escape(Describe(one)), TopStyles.Plain));
        }
    }

    private static string Describe(TopEvent one)
    {
        string where = one.Workload is { Pod: { } pod } workload ? $" {pod}{(workload.Container is { } container ? "/" + container : string.Empty)}" : string.Empty;
        return one.Event switch
        {
            "oomkill" => string.Create(CultureInfo.InvariantCulture, $"{where} killed {one.ProcessName}{(one.LimitBytes is { } limit ? $", limit {limit >> 20} MiB" : string.Empty)}"),
            "tcpsynbl" => string.Create(CultureInfo.InvariantCulture, $"{where} accept queue of {one.Listener} full, {one.Count} refused"),
            _ => where,
        };
    }
}
