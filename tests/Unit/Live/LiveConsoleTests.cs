using System.Text;
using KubeBpfBox.Agent.Live;
using KubeBpfBox.Agent.Pipeline;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Live;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Live;

public sealed class LiveConsoleTests
{
    private const int Max = LiveConsole.MaxLinesPerSecond;

    private readonly ManualTime _time = new();
    private readonly StringBuilder _shown = new();
    private readonly LiveHub _hub = new(new Ledger(), capacity: 4 * Max);

    /// <summary>What was printed, but for the names of the columns.</summary>
    private IEnumerable<string> All => _shown.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private string[] Lines => [.. All.Where(static line => !line.StartsWith("TIME ", StringComparison.Ordinal))];

    [Fact]
    public void What_is_beyond_the_rate_is_counted_once_a_second()
    {
        using LiveSubscription subscription = _hub.Subscribe(TransactionFilter.All);
        LiveConsole console = Make(subscription);
        Offer(Max + 7);
        Assert.True(console.Print());
        Assert.Equal(Max, Lines.Length);
        _time.Advance(1);
        Assert.True(console.Print());
        Assert.StartsWith("(7 more were not shown", Lines[Max], StringComparison.Ordinal);

        // What the queue had no room for is among them.
        _shown.Clear();
        Offer(6 * Max);
        console.Print();
        _time.Advance(1);
        console.Print();
        Assert.Equal(Max + 1, Lines.Length);
        Assert.StartsWith($"({5 * Max} more were not shown", Lines[Max], StringComparison.Ordinal);

        _shown.Clear();
        Offer(3);
        _time.Advance(1);
        console.Print();
        console.Print(last: true);
        Assert.Equal(3, Lines.Length);
    }

    [Fact]
    public void The_columns_names_stand_above_the_first_line_only()
    {
        using LiveSubscription subscription = _hub.Subscribe(TransactionFilter.All);
        LiveConsole console = Make(subscription);
        Offer(2);
        console.Print();
        Offer(2);
        console.Print(last: true);
        Assert.StartsWith("TIME         ROLE   CLIENT", All.First(), StringComparison.Ordinal);
        Assert.Equal(4, Lines.Length);
        Assert.Equal(5, All.Count());
    }

    [Fact]
    public void The_last_count_is_told_at_the_end()
    {
        using LiveSubscription subscription = _hub.Subscribe(TransactionFilter.All);
        LiveConsole console = Make(subscription);
        Offer(Max + 1);
        console.Print(last: true);
        Assert.StartsWith("(1 more", Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_terminal_that_is_gone_ends_it()
    {
        using LiveSubscription subscription = _hub.Subscribe(TransactionFilter.All);
        LiveConsole console = new(subscription, OutputFormat.Of("text"), static _ => false, _time);
        Offer(1);
        Assert.False(console.Print());
    }

    private LiveConsole Make(LiveSubscription subscription) => new(
        subscription,
        OutputFormat.Of("text"),
        bytes =>
        {
            _shown.Append(Encoding.UTF8.GetString(bytes));
            return true;
        },
        _time);

    private void Offer(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _hub.OnTransaction(TestTransactions.Make());
        }
    }
}
