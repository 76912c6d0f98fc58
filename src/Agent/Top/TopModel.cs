namespace KubeBpfBox.Agent.Top;

/// <summary>What a key asks for beyond drawing anew.</summary>
internal enum TopAction
{
    Draw,

    /// <summary>The question to the agent is another.</summary>
    Ask,

    /// <summary>Everything on the screen is to be drawn, whatever was there.</summary>
    Redraw,
    Suspend,
    Quit,
}

/// <summary>What <c>top</c> shows and where the person is in it; what each key does to that.</summary>
/// <remarks>Lifetime: one thread's. Knows neither terminal nor agent.</remarks>
internal sealed class TopModel(TopQuery query)
{
    private const int LeastRows = 100;
    private const int MostRows = 1000;

    private TopWorkloadRef? _followed;

    /// <summary>What is to be asked of the agent.</summary>
    public TopQuery Query { get; private set; } = query;

    /// <summary>The workload that was opened; null at the table.</summary>
    public TopWorkloadRef? Opened { get; private set; }

    /// <summary>The agent, as last seen.</summary>
    public TopStatus? Status { get; private set; }

    /// <summary>The table, as last seen.</summary>
    public TopWorkloads? Table { get; private set; }

    /// <summary>The opened workload; null until it was answered.</summary>
    public TopDetail? Detail { get; private set; }

    /// <summary>Why the agent does not answer, in one line; null when it does.</summary>
    public string? Trouble { get; private set; }

    public bool IsPaused { get; private set; }

    /// <summary>True while the filter is typed.</summary>
    public bool IsTyping { get; private set; }

    public bool ShowsHelp { get; private set; }

    /// <summary>Index of the chosen row.</summary>
    public int Selected { get; private set; }

    /// <summary>Index of the first row on the screen.</summary>
    public int FirstRow { get; private set; }

    /// <summary>Lines of the opened workload above the screen; the screen keeps it in bounds.</summary>
    public int Scroll { get; set; }

    /// <summary>Rows that the screen has room for.</summary>
    public int VisibleRows { get; private set; } = 1;

    /// <summary>Rows to ask for: what is seen, and some to move into.</summary>
    public int WantedRows => Math.Clamp(Selected + (VisibleRows * 2), LeastRows, MostRows);

    /// <summary>The table's rows; what the agent sent before it knew of the filter is filtered here.</summary>
    public IReadOnlyList<TopRow> Rows => Table is null ? []
        : Query.Filter.Length == 0 ? Table.Workloads
        : [.. Table.Workloads.Where(row => row.Who.FullName.Contains(Query.Filter, StringComparison.OrdinalIgnoreCase))];

    /// <summary>Takes an answer; one to a question that is no longer asked changes nothing.</summary>
    public void Take(TopData data)
    {
        Trouble = null;
        Status = data.Status;
        if (data.Workloads is not null)
        {
            Table = data.Workloads;
            Follow();
        }
        if (data.Detail is not null && data.Detail.Who == Opened)
        {
            Detail = data.Detail;
        }
    }

    /// <summary>Takes note that the agent did not answer; what is shown stays.</summary>
    public void Lose(string trouble) => Trouble = trouble;

    /// <summary>Takes the number of rows that there is room for.</summary>
    public void Fit(int rows)
    {
        VisibleRows = Math.Max(1, rows);
        Select(Selected);
    }

    /// <summary>Does what a key means.</summary>
    public TopAction Press(TerminalKey key)
    {
        switch (key.Kind)
        {
            case TerminalKeyKind.Interrupt:
                return TopAction.Quit;
            case TerminalKeyKind.Suspend:
                return TopAction.Suspend;
            case TerminalKeyKind.Redraw:
                return TopAction.Redraw;
        }
        if (IsTyping)
        {
            return Type(key);
        }
        if (ShowsHelp)
        {
            ShowsHelp = false;
            return TopAction.Draw;
        }
        return key.Kind == TerminalKeyKind.Character ? Press((char)Math.Min(key.Character.Value, char.MaxValue)) : Move(key.Kind);
    }

    private TopAction Press(char character)
    {
        switch (character)
        {
            case 'q':
                return Opened is null ? TopAction.Quit : Back();
            case 'h' or '?':
                ShowsHelp = true;
                return TopAction.Draw;
            case 'j':
                return Move(TerminalKeyKind.Down);
            case 'k':
                return Move(TerminalKeyKind.Up);
            case ' ':
                IsPaused = !IsPaused;
                return IsPaused ? TopAction.Draw : TopAction.Ask;
            case 'c':
                return Ask(Query.WithOtherRole());
            case '+' or '=':
                return Ask(Query.WithRange(isLonger: true));
            case '-':
                return Ask(Query.WithRange(isLonger: false));
            default:
                return Opened is null ? PressAtTable(character) : TopAction.Draw;
        }
    }

    private TopAction PressAtTable(char character)
    {
        switch (character)
        {
            case 's' or '>' or '.':
                return Ask(Query.WithSort(1));
            case '<' or ',':
                return Ask(Query.WithSort(-1));
            case 'r':
                return Ask(Query with { IsReversed = !Query.IsReversed });
            case 'n':
                return Ask(Query.WithNextNamespace(Table?.Namespaces ?? []));
            case '/':
                IsTyping = true;
                return TopAction.Draw;
            default:
                return TopAction.Draw;
        }
    }

    private TopAction Move(TerminalKeyKind key)
    {
        int page = Math.Max(1, VisibleRows - 1);
        switch (key)
        {
            case TerminalKeyKind.Enter or TerminalKeyKind.Right when Opened is null && Selected < Rows.Count:
                (Opened, Detail, Scroll) = (Rows[Selected].Who, null, 0);
                return TopAction.Ask;
            case TerminalKeyKind.Escape or TerminalKeyKind.Left or TerminalKeyKind.Backspace when Opened is not null:
                return Back();
            case TerminalKeyKind.Escape when Query.Filter.Length > 0:
                return Ask(Query with { Filter = string.Empty });
            case TerminalKeyKind.Up:
                return Move(-1);
            case TerminalKeyKind.Down:
                return Move(1);
            case TerminalKeyKind.PageUp:
                return Move(-page);
            case TerminalKeyKind.PageDown:
                return Move(page);
            case TerminalKeyKind.Home:
                return Move(-MostRows);
            case TerminalKeyKind.End:
                return Move(MostRows);
            default:
                return TopAction.Draw;
        }
    }

    private TopAction Move(int rows)
    {
        if (Opened is not null)
        {
            Scroll = Math.Max(0, Scroll + rows);
            return TopAction.Draw;
        }
        int wanted = WantedRows;
        Select(Selected + rows);
        // Who stays at the first row wants to see what comes first, whoever that is.
        _followed = Selected == 0 || Rows.Count == 0 ? null : Rows[Selected].Who;
        return WantedRows > wanted ? TopAction.Ask : TopAction.Draw;
    }

    private TopAction Back()
    {
        (Opened, Detail) = (null, null);
        return TopAction.Ask;
    }

    private TopAction Type(TerminalKey key)
    {
        switch (key.Kind)
        {
            case TerminalKeyKind.Enter:
                IsTyping = false;
                return TopAction.Draw;
            case TerminalKeyKind.Escape:
                IsTyping = false;
                return Ask(Query with { Filter = string.Empty });
            case TerminalKeyKind.Backspace when Query.Filter.Length > 0:
                return Ask(Query with { Filter = Query.Filter[..^(char.IsLowSurrogate(Query.Filter[^1]) ? 2 : 1)] });
            case TerminalKeyKind.Character:
                return Ask(Query with { Filter = Query.Filter + key.Character });
            case TerminalKeyKind.Up or TerminalKeyKind.Down or TerminalKeyKind.PageUp or TerminalKeyKind.PageDown:
                return Move(key.Kind);
            default:
                return TopAction.Draw;
        }
    }

    private TopAction Ask(TopQuery query)
    {
        if (query == Query)
        {
            return TopAction.Draw;
        }
        Query = query;
        Select(Selected);
        return TopAction.Ask;
    }

    private void Follow()
    {
        IReadOnlyList<TopRow> rows = Rows;
        int at = Enumerable.Range(0, rows.Count).FirstOrDefault(index => rows[index].Who == _followed, -1);
        Select(at < 0 ? Selected : at);
    }

    private void Select(int index)
    {
        Selected = Math.Clamp(index, 0, Math.Max(0, Rows.Count - 1));
        FirstRow = Math.Clamp(FirstRow, Math.Max(0, Selected - VisibleRows + 1), Selected);
    }
}
