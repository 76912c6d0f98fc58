using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.History;

public sealed class CurrentHistoryTests
{
    private static readonly Connection Cart = TestCalls.Between(TestCalls.Deployment("cart"), TestCalls.Deployment("web"));

    private readonly RedTable _red = new();
    private readonly CallTable _calls;
    private readonly RecentHistory _recent = new();
    private readonly ManualTime _time = new();

    public CurrentHistoryTests() => _calls = new CallTable(_red);

    private void Count(int requests)
    {
        _red.Enter();
        for (int i = 0; i < requests; i++)
        {
            Transaction transaction = TestCalls.Request(Cart);
            _red.OnTransaction(in transaction);
            _calls.OnTransaction(in transaction);
        }
        _red.Exit();
    }

    private static (long Series, long Calls) Read(IRedHistory history)
    {
        (long series, long calls) = (0, 0);
        history.ReadSeries(0, long.MaxValue, 10, HistoryFilter.All, (in row) => series += row.Requests, TestContext.Current.CancellationToken);
        history.ReadCalls(0, long.MaxValue, 10, HistoryFilter.All, (in row) => calls += row.Requests, TestContext.Current.CancellationToken);
        return (series, calls);
    }

    [Fact]
    public void A_request_shows_at_once_and_once_only()
    {
        using RedWindows windows = new(_red, [_recent], _time, _calls);
        CurrentHistory history = new(windows, _recent, _time);
        Count(3);
        Assert.Equal((3, 3), Read(history));
        Assert.Equal((_time.NowMs / 1000, 0), (history.SinceS, _recent.WindowCount));
        Count(1);
        Assert.Equal((3, 3), Read(history)); // asked again within a second
        _time.Advance(1);
        Assert.Equal((4, 4), Read(history));
        _time.Advance(9);
        windows.Tick();
        Assert.Equal((4, 4), Read(history));
        Assert.Equal(1, _recent.WindowCount);
        Count(1);
        _time.Advance(1);
        Assert.Equal((5, 5), Read(history));
    }

    [Fact]
    public async Task Whatever_is_read_while_windows_are_taken_neither_loses_nor_doubles()
    {
        const int Passed = 200_000;
        using RedWindows windows = new(_red, [_recent], _time, _calls);
        CurrentHistory history = new(windows, _recent, _time);
        long begun = 0, ended = 0;
        using CancellationTokenSource over = new();
        Task taking = Task.Run(() =>
        {
            // A window for each thousand requests, so that all of them fit.
            for (long next = 250; !over.IsCancellationRequested; Thread.Yield())
            {
                if (Volatile.Read(ref begun) >= next)
                {
                    next += 250;
                    _time.Advance(2.5);
                    windows.Tick();
                }
            }
        }, TestContext.Current.CancellationToken);
        Task reading = Task.Run(() =>
        {
            long last = 0;
            do
            {
                (long series, long calls) = Read(history);
                Assert.True(series >= last, $"{series} requests after {last}");
                Assert.True(series <= Volatile.Read(ref begun) && calls <= Volatile.Read(ref begun), $"{series} requests and {calls} in calls of {begun} begun");
                last = Math.Min(series, calls);
            }
            while (!over.IsCancellationRequested);
        }, TestContext.Current.CancellationToken);
        while (ended < Passed)
        {
            Volatile.Write(ref begun, ended + 100);
            Count(100);
            ended += 100;
            // Whoever counts must not leave the others behind.
            Assert.True(SpinWait.SpinUntil(() => _recent.WindowCount >= (ended / 1000) - 2 || reading.IsCompleted, 30_000));
        }
        await over.CancelAsync();
        await taking;
        await reading;
        windows.Dispose();
        Assert.InRange(_recent.WindowCount, 100, RecentHistory.MaxWindows - 1);
        Assert.Equal((Passed, Passed), Read(_recent));
    }
}
