using System.Text;
using KubeBpfBox.Agent.Top;

namespace KubeBpfBox.Unit.Top;

public sealed class TopModelTests
{
    private static readonly TopRow s_cart = TopSamples.Row("cart");
    private static readonly TopRow s_pay = TopSamples.Row("pay", "bank");
    private static readonly TopRow s_unit = TopSamples.Row("nginx.service", null, null);

    [Fact]
    public void Sort_goes_through_all_keys_and_back()
    {
        TopModel model = TopSamples.Model(s_cart);
        List<string> seen = [];
        for (int i = 0; i < TopQuery.Sorts.Count; i++)
        {
            Assert.Equal(TopAction.Ask, Type(model, "s"));
            seen.Add(model.Query.Sort);
        }
        Assert.Equal([.. TopQuery.Sorts.Skip(1), "rate"], seen);
        Type(model, "<");
        Assert.Equal("name", model.Query.Sort);
        Assert.Contains("&sort=name&order=asc", model.Query.ToWorkloads(1, 1), StringComparison.Ordinal);
        Type(model, "r");
        Assert.Contains("&sort=name&order=desc", model.Query.ToWorkloads(1, 1), StringComparison.Ordinal);
        Type(model, ">");
        Assert.Contains("&sort=rate&order=desc", model.Query.ToWorkloads(1, 1), StringComparison.Ordinal);
    }

    [Fact]
    public void The_filter_works_as_it_is_typed()
    {
        TopModel model = TopSamples.Model(s_cart, s_pay, s_unit);
        Type(model, "/");
        Assert.Equal(TopAction.Ask, Type(model, "BANK/p"));
        Assert.True(model.IsTyping);
        Assert.Equal(["pay"], model.Rows.Select(static row => row.Workload));
        Assert.EndsWith("&q=BANK%2Fp", model.Query.ToWorkloads(1, 1), StringComparison.Ordinal);

        Press(model, TerminalKeyKind.Backspace);
        Assert.Equal("BANK/", model.Query.Filter);
        // A letter that means something elsewhere is a letter here.
        Type(model, "q😀");
        Press(model, TerminalKeyKind.Backspace);
        Assert.Equal("BANK/q", model.Query.Filter);
        Assert.Empty(model.Rows);

        Press(model, TerminalKeyKind.Enter);
        Assert.False(model.IsTyping);
        Assert.Equal(TopAction.Ask, Press(model, TerminalKeyKind.Escape));
        Assert.Equal((string.Empty, 3), (model.Query.Filter, model.Rows.Count));
    }

    [Fact]
    public void The_chosen_row_is_followed_to_its_new_place()
    {
        TopModel model = TopSamples.Model(s_cart, s_pay, s_unit);
        Press(model, TerminalKeyKind.Down);
        model.Take(TopSamples.Table(model.Query, s_unit, s_cart, s_pay));
        Assert.Equal(("pay", 2), (model.Rows[model.Selected].Workload, model.Selected));
        // It went away: the place stays.
        model.Take(TopSamples.Table(model.Query, s_unit, s_cart));
        Assert.Equal(1, model.Selected);
        // At the first row, what comes first is wanted.
        Press(model, TerminalKeyKind.Home);
        model.Take(TopSamples.Table(model.Query, s_cart, s_unit));
        Assert.Equal("cart", model.Rows[model.Selected].Workload);
    }

    [Fact]
    public void Moving_keeps_the_chosen_row_on_the_screen_and_in_the_table()
    {
        TopModel model = TopSamples.Model(TopSamples.Rows(40));
        Random random = new(1);
        TerminalKeyKind[] keys = [TerminalKeyKind.Up, TerminalKeyKind.Down, TerminalKeyKind.PageUp, TerminalKeyKind.PageDown, TerminalKeyKind.Home, TerminalKeyKind.End];
        for (int i = 0; i < 2000; i++)
        {
            Press(model, keys[random.Next(keys.Length)]);
            if (i % 50 == 0)
            {
                model.Fit(random.Next(-3, 60));
                model.Take(TopSamples.Table(model.Query, TopSamples.Rows(random.Next(50))));
            }
            Assert.InRange(model.Selected, 0, Math.Max(0, model.Rows.Count - 1));
            Assert.InRange(model.Selected, model.FirstRow, model.FirstRow + model.VisibleRows - 1);
        }
    }

    [Fact]
    public void Who_moves_down_gets_more_rows()
    {
        TopModel model = TopSamples.Model(TopSamples.Rows(100));
        Assert.Equal(100, model.WantedRows);
        Assert.Equal(TopAction.Ask, Press(model, TerminalKeyKind.End));
        Assert.Equal(119, model.WantedRows);
    }

    [Fact]
    public void A_workload_is_opened_and_left()
    {
        TopModel model = TopSamples.Model(s_cart, s_pay);
        Press(model, TerminalKeyKind.Down);
        Assert.Equal(TopAction.Ask, Press(model, TerminalKeyKind.Enter));
        Assert.Equal(new TopWorkloadRef("pay", "Deployment", "bank"), model.Opened);
        Assert.Contains("&workload=pay&namespace=bank&kind=Deployment", model.Query.ToWorkload(model.Opened!, 60), StringComparison.Ordinal);
        // Sorting is the table's.
        Assert.Equal(TopAction.Draw, Type(model, "s"));
        Assert.Equal(TopAction.Ask, Type(model, "+"));
        Assert.Equal("5m", model.Query.Last);
        Assert.Equal(TopAction.Ask, Type(model, "q"));
        Assert.Null(model.Opened);
        Assert.Equal(TopAction.Quit, Type(model, "q"));
    }

    [Fact]
    public void An_answer_for_a_workload_that_was_left_changes_nothing()
    {
        TopModel model = TopSamples.Model(s_cart, s_pay);
        Press(model, TerminalKeyKind.Enter);
        TopWorkload empty = new(new TopFigures(), new TopPoints([], [], []), [], 0, [], [], []);
        TopData late = new(model.Query, TopSamples.Status, null, new TopDetail(s_pay.Who, empty, null));
        model.Take(late);
        Assert.Null(model.Detail);
        model.Take(late with { Detail = new TopDetail(s_cart.Who, empty, null) });
        Assert.NotNull(model.Detail);
        Press(model, TerminalKeyKind.Escape);
        Assert.Null(model.Detail);
    }

    [Fact]
    public void Namespaces_go_round()
    {
        TopModel model = TopSamples.Model(s_cart, s_pay);
        List<string?> seen = [];
        for (int i = 0; i < 4; i++)
        {
            Type(model, "n");
            seen.Add(model.Query.Namespace);
        }
        Assert.Equal(["bank", "shop", null, "bank"], seen);
        // One that is no longer there leads back to all.
        Assert.Null((model.Query with { Namespace = "gone" }).WithNextNamespace(["bank"]).Namespace);
    }

    [Theory]
    [InlineData("1m", "+", "5m")]
    [InlineData("7d", "+", "7d")]
    [InlineData("1m", "-", "1m")]
    [InlineData("90s", "+", "5m")]
    [InlineData("90s", "-", "1m")]
    [InlineData("60m", "+", "6h")]
    public void Ranges_are_the_usual_ones(string from, string key, string expected)
    {
        TopModel model = TopSamples.Model(new TopQuery { Last = from }, s_cart);
        Type(model, key);
        Assert.Equal(expected, model.Query.Last);
    }

    [Fact]
    public void Pause_help_side_and_the_other_keys()
    {
        TopModel model = TopSamples.Model(s_cart);
        Assert.Equal((TopAction.Draw, true), (Type(model, " "), model.IsPaused));
        Assert.Equal((TopAction.Ask, false), (Type(model, " "), model.IsPaused));
        Type(model, "?");
        Assert.True(model.ShowsHelp);
        Assert.Equal((TopAction.Draw, false), (Type(model, "q"), model.ShowsHelp));
        Type(model, "c");
        Assert.Equal("client", model.Query.Role);
        Assert.Equal(TopAction.Suspend, Press(model, TerminalKeyKind.Suspend));
        Assert.Equal(TopAction.Redraw, Press(model, TerminalKeyKind.Redraw));
        Assert.Equal(TopAction.Draw, Press(model, TerminalKeyKind.Escape));
        Type(model, "/");
        Assert.Equal(TopAction.Quit, Press(model, TerminalKeyKind.Interrupt));
    }

    private static TopAction Type(TopModel model, string text) => text.EnumerateRunes().Aggregate(TopAction.Draw, (_, rune) => model.Press(new TerminalKey(TerminalKeyKind.Character, rune)));

    private static TopAction Press(TopModel model, TerminalKeyKind key) => model.Press(new TerminalKey(key));
}
