using System.Text.RegularExpressions;
using KubeBpfBox.Agent.Top;

namespace KubeBpfBox.Unit.Top;

public sealed partial class TopScreenTests
{
    private static readonly TopScreen s_plain = new(new TopCanvas(isTerminal: false, hasColors: false));
    private static readonly TopScreen s_colored = new(new TopCanvas(isTerminal: true, hasColors: true));

    private static readonly IReadOnlyList<TopRow> s_shop =
        [TopSamples.Row("cart", rate: 300), TopSamples.Row("payment-gateway-of-the-eu-region", rate: 75, errorRatio: 0.009), TopSamples.Row("nginx.service", null, null, 2.5)];

    [Fact]
    public void A_screen_of_80_columns()
    {
        IReadOnlyList<string> lines = s_plain.Draw(TopSamples.Model(s_shop), 80, 10);
        Assert.Equal(
            [
                "kubebpfbox  server side, last 1m  complete 100 %  node node-1  up 3h 05m",
                "346 req/s  1.20 % errors  3 workloads  p50 1.23ms  p99 12.3ms",
                "",
                "WORKLOAD                   REQ/S▼   ERR %    P50    P90    P99    MAX RATE",
                "shop/cart                     300       0 1.23ms 5.60ms 12.3ms  2.34s ▂▃▄▆▇█",
                "shop/payment-gateway-of-…    75.0    0.90 1.23ms 5.60ms 12.3ms  2.34s ▂▃▄▆▇█",
                "nginx.service                2.50       0 1.23ms 5.60ms 12.3ms  2.34s ▂▃▄▆▇█",
                "",
                "",
                "q quit  Enter open  s sort  / filter  h help  r reverse  c client/server",
            ],
            lines.Select(static line => line.TrimEnd()));
    }

    [Theory]
    [InlineData(200, "WORKLOAD KIND REQ/S▼ ERR % P50 P90 P99 MAX RATE")]
    [InlineData(100, "WORKLOAD KIND REQ/S▼ ERR % P50 P90 P99 MAX RATE")]
    [InlineData(80, "WORKLOAD REQ/S▼ ERR % P50 P90 P99 MAX RATE")]
    [InlineData(65, "WORKLOAD REQ/S▼ ERR % P50 P90 P99 MAX")]
    [InlineData(60, "WORKLOAD REQ/S▼ ERR % P50 P90 P99")]
    [InlineData(50, "WORKLOAD REQ/S▼ ERR % P50 P99")]
    [InlineData(43, "WORKLOAD REQ/S▼ ERR % P99")]
    [InlineData(36, "WORKLOAD REQ/S▼ ERR %")]
    public void Columns_that_are_missed_least_go_first(int width, string expected)
    {
        string head = s_plain.Draw(TopSamples.Model(s_shop), width, 10)[3];
        Assert.Equal(expected, Spaces().Replace(head, " ").Trim());
    }

    [Fact]
    public void No_screen_is_wider_or_higher_than_the_terminal()
    {
        TopModel model = TopSamples.Model([.. s_shop, .. TopSamples.Rows(50), TopSamples.Row(new string('x', 300), new string('y', 100), "StatefulSet", points: 60)]);
        model.Lose("connection refused");
        foreach (TopScreen screen in (TopScreen[])[s_plain, s_colored])
        {
            for (int width = 1; width < 150; width += 3)
            {
                for (int height = 1; height < 40; height += 4)
                {
                    IReadOnlyList<string> lines = screen.Draw(model, width, height);
                    Assert.Equal(height, lines.Count);
                    Assert.All(lines, line => Assert.InRange(Sequences().Replace(line, string.Empty).Length, 0, width));
                }
            }
        }
    }

    [Fact]
    public void Hostile_names_are_shown_and_do_nothing()
    {
        const string Hostile = "a\e[2J[red]b[/]\u009b31m\r\n\u202eé";
        TopModel model = TopSamples.Model(TopSamples.Row(Hostile, Hostile, Hostile));
        model.Take(TopSamples.Table(model.Query, model.Rows) with { Status = TopSamples.Status with { Node = Hostile, NotReady = Hostile, Degraded = [Hostile] } });
        foreach (TopScreen screen in (TopScreen[])[s_plain, s_colored])
        {
            IReadOnlyList<string> lines = screen.Draw(model, 400, 12);
            Assert.All(lines, static line => Assert.DoesNotContain(Sequences().Replace(line, string.Empty), static one => char.IsControl(one) || one is '\u202e' or 'é'));
            Assert.Contains(@"a\x1b[2J[red]b[/]\xc2\x9b31m\x0d\x0a\xe2\x80\xae\xc3\xa9/a\x1b[2J", string.Concat(lines), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Colours_only_where_they_are_wanted_and_never_alone()
    {
        TopModel model = TopSamples.Model(s_shop);
        string colored = string.Concat(s_colored.Draw(model, 80, 10));
        Assert.Contains("\e[1;31m    0.90\e[0m", colored, StringComparison.Ordinal);
        string withoutColors = string.Concat(new TopScreen(new TopCanvas(isTerminal: true, hasColors: false)).Draw(model, 80, 10));
        Assert.Contains("\e[1m    0.90\e[0m", withoutColors, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\e\[[0-9;]*(3|4|9|10)[0-7]m", withoutColors);
        Assert.DoesNotContain('\e', string.Concat(s_plain.Draw(model, 80, 10)));
        // The chosen row is marked over its whole width.
        Assert.StartsWith("\e[7m", s_colored.Draw(model, 80, 10)[4], StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_wrong_is_said()
    {
        TopModel model = TopSamples.Model(s_shop);
        model.Take(TopSamples.Table(model.Query, s_shop) with { Status = new TopStatus("n", 5, ["no kprobes"], "capture is off", 0.987) });
        model.Lose("connection refused");
        IReadOnlyList<string> lines = s_plain.Draw(model, 300, 10);
        Assert.Contains("complete 98.7 %", lines[0], StringComparison.Ordinal);
        Assert.Equal("the agent does not answer (connection refused): this is what was seen last; trying again; not ready: capture is off; some traffic was missed: see /api/ledger; degraded: no kprobes", lines[2].TrimEnd());
        Assert.Contains("shop/cart", lines[4], StringComparison.Ordinal);
        model.Take(TopSamples.Table(model.Query, s_shop));
        Assert.Empty(s_plain.Draw(model, 300, 10)[2].TrimEnd());
    }

    [Fact]
    public void An_empty_table_says_what_to_do()
    {
        Assert.Contains("No requests seen at servers in the last 1m.", s_plain.Draw(TopSamples.Model(), 80, 10)[3], StringComparison.Ordinal);
        Assert.Contains("No workload matches.", s_plain.Draw(TopSamples.Model(new TopQuery { Filter = "x" }), 80, 10)[3], StringComparison.Ordinal);
        Assert.Contains("Asking the agent", s_plain.Draw(new TopModel(new TopQuery()), 80, 10)[3], StringComparison.Ordinal);
    }

    [Fact]
    public void Errors_are_counted_when_they_are_sorted_by()
    {
        IReadOnlyList<string> lines = s_plain.Draw(TopSamples.Model(new TopQuery { Sort = "errors" }, s_shop), 100, 10);
        Assert.Contains(" ERRORS▼ ", lines[3], StringComparison.Ordinal);
        Assert.Contains("      41 1.23ms", lines[5], StringComparison.Ordinal);
        Assert.Contains("WORKLOAD▲", s_plain.Draw(TopSamples.Model(new TopQuery { Sort = "name" }, s_shop), 100, 10)[3], StringComparison.Ordinal);
    }

    [Fact]
    public void One_workload_is_shown_in_parts_that_scroll()
    {
        TopModel model = TopSamples.Model(s_shop);
        model.Press(new TerminalKey(TerminalKeyKind.Enter));
        TopWorkloadRef front = new("front", "Deployment", "shop");
        TopCall call = new() { Source = front, Destination = model.Opened!, RequestsPerSecond = 3 };
        TopWorkload seen = new(s_shop[0], new TopPoints([1, 2, 3], [0, 0, 1], [5, 5, 5]), [new TopRoute { Method = "GET", Route = "/items/{id}" }], 3, [new TopPod { Pod = "cart-1" }], [call], []);
        TopEvents events = new([new TopEvent { Event = "oomkill", Time = DateTimeOffset.UnixEpoch, Workload = new TopEventWorkload("cart-1", "main"), ProcessName = "java\e", LimitBytes = 64 << 20 }]);
        model.Take(new TopData(model.Query, TopSamples.Status, null, new TopDetail(model.Opened!, seen, events)));
        string[] lines = [.. s_plain.Draw(model, 80, 40).Select(static line => line.TrimEnd())];
        Assert.Equal(["shop/cart  Deployment", "300 req/s  0 % errors  p50 1.23ms  p90 5.60ms  p99 12.3ms  max 2.34s", "requests ▃▆█", "errors     █", "p99      ███"], lines[3..8]);
        Assert.Equal(["GET /items/{id}", "(2 more)", "CALLER", "shop/front", "POD", "cart-1", "EVENTS"], lines[10..].Select(static line => line.Split("   ")[0]).Where(static line => line.Length > 0).Take(7));
        Assert.Contains(@"01-01 00:00:00Z oomkill cart-1/main killed java\x1b, limit 64 MiB", lines);

        model.Press(new TerminalKey(TerminalKeyKind.End));
        lines = [.. s_plain.Draw(model, 80, 10).Select(static line => line.TrimEnd())];
        Assert.StartsWith("01-01", lines[8], StringComparison.Ordinal);
    }

    [Fact]
    public void Printed_once_all_rows_are_there_and_no_name_is_cut()
    {
        string[] lines = [.. s_plain.DrawOnce(TopSamples.Model([.. s_shop, .. TopSamples.Rows(200)]), null)];
        Assert.Equal(4 + 203, lines.Length);
        Assert.Contains(lines, static line => line.StartsWith("shop/payment-gateway-of-the-eu-region ", StringComparison.Ordinal));
        Assert.All(s_plain.DrawOnce(TopSamples.Model(s_shop), 60), static line => Assert.InRange(line.Length, 0, 60));
    }

    [Fact]
    public void Only_what_changed_is_written()
    {
        ScreenWriter writer = new();
        Assert.Equal("\e[?2026h\e[2J\e[1;1H\e[2Ka\e[2;1H\e[2Kb\e[?2026l", writer.Update(["a", "b"], 10));
        Assert.Empty(writer.Update(["a", "b"], 10));
        Assert.Equal("\e[?2026h\e[2;1H\e[2Kc\e[?2026l", writer.Update(["a", "c"], 10));
        Assert.Contains("\e[2J", writer.Update(["a", "c"], 11), StringComparison.Ordinal);
        Assert.Contains("\e[2J", writer.Update(["a"], 11), StringComparison.Ordinal);
        writer.Forget();
        Assert.Contains("\e[2J", writer.Update(["a"], 11), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\e\[[0-9;]*m")]
    private static partial Regex Sequences();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();
}
