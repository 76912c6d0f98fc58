namespace KubeBpfBox.Agent.Top;

/// <summary>The page of keys and words.</summary>
internal static class TopHelp
{
    private static readonly (string Key, string Does)[] s_lines =
    [
        ("Up Down j k", "move; PgUp PgDn Home End too"),
        ("Enter", "open the workload: routes, callers, callees, pods, events"),
        ("Esc", "back; clears the filter"),
        ("q", "back; quits from the table"),
        ("s > <", "sort by the next or the previous column"),
        ("r", "the other way round"),
        ("/", "filter by a part of namespace/workload, as you type"),
        ("n", "next namespace"),
        ("c", "requests that are served, or those that are made (client)"),
        ("+ -", "longer or shorter range"),
        ("Space", "pause, go on"),
        ("", ""),
        ("ERR %", "5xx, timeouts and broken connections; at clients 4xx too"),
        ("P50 P90 P99", "so many percent of the requests were not slower"),
        ("RATE", "requests over the range, each line for itself"),
        ("complete", "requests seen whole; below 100 % something was missed"),
    ];

    /// <summary>The lines of it.</summary>
    public static IEnumerable<string> Lines(TopCanvas canvas, int width) =>
        s_lines.Select(line => canvas.DrawLine(width, (line.Key.PadRight(13), TopStyles.Strong), (line.Does, TopStyles.Plain)));
}
