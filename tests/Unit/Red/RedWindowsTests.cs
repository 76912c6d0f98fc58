using KubeBpfBox.Core.Red;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Red;

public sealed class RedWindowsTests
{
    private readonly RedTable _red = new();
    private readonly ManualTime _time = new();

    [Fact]
    public void Every_observer_gets_each_transaction_once_in_the_window_it_belongs_to()
    {
        Collector one = new(), other = new();
        RedWindows windows = new(_red, [one, other], _time);
        long startNs = _time.NowMs * 1_000_000;
        _time.Advance(3);
        Count(2);
        windows.Tick();
        Assert.Empty(one.Windows);

        _time.Advance(7.25);
        windows.Tick();
        windows.Tick();
        RedWindow first = Assert.Single(one.Windows);
        Assert.Equal((startNs, 10_250_000_000, 2), (first.StartNs, first.LengthNs, first.Series.Sum(static series => series.Count)));

        Count(1);
        _time.Advance(2);
        windows.Dispose();
        RedWindow last = one.Windows[^1];
        Assert.Equal((startNs + 10_000_000_000, 2_000_000_000, 1), (last.StartNs, last.LengthNs, last.Series.Sum(static series => series.Count)));
        Assert.Equal(one.Windows, other.Windows);
    }

    [Fact]
    public void A_quiet_window_is_told_too()
    {
        Collector collector = new();
        using RedWindows windows = new(_red, [collector], _time);
        _time.Advance(35);
        windows.Tick();
        Assert.Empty(Assert.Single(collector.Windows).Series);
    }

    [Fact]
    public void Without_an_observer_windows_are_not_taken()
    {
        RedWindows windows = new(_red, [], _time);
        windows.Start();
        Count(1);
        windows.Dispose();
        Assert.Equal(1, Assert.Single(_red.TakeWindow()).Count);
    }

    private void Count(int requests)
    {
        _red.Enter();
        for (int i = 0; i < requests; i++)
        {
            _red.OnTransaction(TestTransactions.Make());
        }
        _red.Exit();
    }

    private sealed class Collector : IRedWindowObserver
    {
        public List<RedWindow> Windows { get; } = [];

        public void OnWindow(RedWindow window) => Windows.Add(window);
    }
}
