using System.Globalization;
using Spectre.Console;

namespace KubeBpfBox.Agent.Top;

/// <summary>One line of a table: who, and the figures.</summary>
/// <param name="Name">Already safe to show.</param>
/// <param name="Kind">Of a workload.</param>
/// <param name="Figures">The rest.</param>
internal sealed record TopTableRow(string Name, string? Kind, TopFigures Figures);

/// <summary>A table of figures that fits a width: where there is little room, columns are left out, those first that are missed least.</summary>
internal sealed class TopTable
{
    private const int LeastName = 20;
    private const int LeastSpark = 11;

    // The order in which they are given up.
    private static readonly TopColumn[] s_dispensable = [TopColumn.Kind, TopColumn.Spark, TopColumn.Max, TopColumn.P90, TopColumn.P50, TopColumn.P99];

    private readonly List<(TopColumn Column, int Width)> _columns = [];
    private readonly string _nameHead;
    private readonly TopQuery? _query;

    /// <summary>Chooses the columns.</summary>
    /// <param name="nameHead">Head of the first one.</param>
    /// <param name="rows">Whose names are to fit.</param>
    /// <param name="width">Room; null for as much as is needed.</param>
    /// <param name="query">Whose order is marked; null for none.</param>
    public TopTable(string nameHead, IReadOnlyList<TopTableRow> rows, int? width, TopQuery? query = null)
    {
        (_nameHead, _query) = (nameHead, query);
        int longest = rows.Select(static row => row.Name.Length).Append(nameHead.Length + 1).Max();
        int points = rows.Select(static row => row.Figures.Spark?.Requests.Count ?? 0).DefaultIfEmpty().Max();
        List<TopColumn> columns = [.. Enum.GetValues<TopColumn>()];
        columns.RemoveAll(column => (column == TopColumn.Kind && rows.All(static row => row.Kind is null)) || (column == TopColumn.Spark && points == 0));
        foreach (TopColumn column in s_dispensable)
        {
            if (width is null || width - Fixed(columns) >= Math.Min(longest, LeastName))
            {
                break;
            }
            columns.Remove(column);
        }
        int left = (width ?? Fixed(columns) + longest) - Fixed(columns);
        int name = Math.Clamp(longest, 1, Math.Max(1, left));
        int more = columns.Contains(TopColumn.Spark) ? Math.Clamp(points + 1 - LeastSpark, 0, Math.Max(0, left - name)) : 0;
        foreach (TopColumn column in columns)
        {
            _columns.Add((column, column switch { TopColumn.Name => Math.Max(1, left - more), TopColumn.Spark => LeastSpark + more, _ => WidthOf(column) }));
        }
    }

    /// <summary>Columns that it takes.</summary>
    public int Width => _columns.Sum(static column => column.Width);

    /// <summary>Makes the table.</summary>
    /// <param name="rows">Those to be shown.</param>
    /// <param name="selected">Index of the one that is marked; -1 for none.</param>
    public Table Build(IReadOnlyList<TopTableRow> rows, int selected = -1)
    {
        Table table = new Table().NoBorder();
        foreach ((TopColumn column, int width) in _columns)
        {
            table.AddColumn(new TableColumn(new Text(Align(column, Head(column), width), TopStyles.Head)).Width(width).Padding(0, 0).NoWrap());
        }
        for (int i = 0; i < rows.Count; i++)
        {
            TopTableRow row = rows[i];
            table.AddRow(_columns.Select(column => new Text(Align(column.Column, Cell(column.Column, row, column.Width), column.Width), Style(column.Column, row, i == selected))));
        }
        return table;
    }

    private static int Fixed(IEnumerable<TopColumn> columns) => columns.Sum(WidthOf);

    // With the space before it.
    private static int WidthOf(TopColumn column) => column switch
    {
        TopColumn.Name => 0,
        TopColumn.Kind => 12,
        TopColumn.Rate => 8,
        TopColumn.Errors => 8,
        TopColumn.Spark => LeastSpark,
        _ => 7,
    };

    private static string Align(TopColumn column, string text, int width) => column switch
    {
        TopColumn.Name => TopText.Cut(text, width).PadRight(width),
        TopColumn.Kind or TopColumn.Spark => (" " + TopText.Cut(text, width - 1)).PadRight(width),
        _ => TopText.Cut(text, width - 1).PadLeft(width),
    };

    private static Style Style(TopColumn column, TopTableRow row, bool isSelected)
    {
        Style style = column == TopColumn.Errors && row.Figures.Errors > 0 ? TopStyles.Error : column == TopColumn.Spark ? TopStyles.Spark : TopStyles.Plain;
        return isSelected ? TopStyles.Selected : style;
    }

    private bool CountsErrors => _query?.Sort == "errors";

    private string Head(TopColumn column)
    {
        (string head, string sort) = column switch
        {
            TopColumn.Name => (_nameHead, "name"),
            TopColumn.Kind => ("KIND", string.Empty),
            TopColumn.Rate => ("REQ/S", "rate"),
            TopColumn.Errors => CountsErrors ? ("ERRORS", "errors") : ("ERR %", "error_ratio"),
            TopColumn.P50 => ("P50", "p50"),
            TopColumn.P90 => ("P90", "p90"),
            TopColumn.P99 => ("P99", "p99"),
            TopColumn.Max => ("MAX", string.Empty),
            _ => ("RATE", string.Empty),
        };
        return _query is null || _query.Sort != sort ? head : head + (_query.IsReversed == (sort == "name") ? "▼" : "▲");
    }

    private string Cell(TopColumn column, TopTableRow row, int width) => column switch
    {
        TopColumn.Name => row.Name,
        TopColumn.Kind => TopText.Escape(row.Kind ?? string.Empty),
        TopColumn.Rate => TopText.Rate(row.Figures.RequestsPerSecond),
        TopColumn.Errors => CountsErrors ? row.Figures.Errors.ToString(CultureInfo.InvariantCulture) : TopText.Percent(row.Figures.ErrorRatio),
        TopColumn.P50 => TopText.Duration(row.Figures.P50Ns),
        TopColumn.P90 => TopText.Duration(row.Figures.P90Ns),
        TopColumn.P99 => TopText.Duration(row.Figures.P99Ns),
        TopColumn.Max => TopText.Duration(row.Figures.MaxNs),
        _ => TopText.Sparkline(row.Figures.Spark?.Requests ?? [], width - 1),
    };
}

/// <summary>Columns, from left to right.</summary>
internal enum TopColumn
{
    Name,
    Kind,
    Rate,
    Errors,
    P50,
    P90,
    P99,
    Max,
    Spark,
}
