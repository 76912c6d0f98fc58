using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.Sqlite;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Sqlite;

public sealed class RequestLogPolicyTests
{
    private readonly ManualTime _time = new();
    private readonly LedgerStage _stage = new("sqlite_log", "transactions");

    [Fact]
    public void Below_the_rate_everything_is_kept_and_stands_for_itself()
    {
        RequestLogPolicy policy = Make(logRate: 10);
        for (int i = 0; i < 100; i++)
        {
            policy.Offer(TestTransactions.Make(durationNs: i));
            _time.Advance(0.1);
        }
        List<(KeptAs Kept, long Weight, long DurationNs)> rows = Take(policy);
        Assert.Equal(100, rows.Count);
        Assert.All(rows, static row => Assert.Equal((KeptAs.Sample, 1), (row.Kept, row.Weight)));
    }

    [Fact]
    public void Above_the_rate_the_rest_is_thinned_and_the_weights_say_so()
    {
        RequestLogPolicy policy = Make(logRate: 10, slowest: 0);
        for (int i = 0; i < 10_000; i++)
        {
            policy.Offer(TestTransactions.Make(durationNs: 1000));
            _time.Advance(0.001);
        }
        policy.Tick(final: true);
        List<(KeptAs Kept, long Weight, long DurationNs)> rows = Take(policy);
        Assert.InRange(rows.Count, 105, 115);
        LogWindow[] windows = TakeWindows(policy);
        Assert.Equal(10_000, windows.Sum(static window => window.Seen));
        Assert.Equal(rows.Count, windows.Sum(static window => window.Kept));
        Assert.Equal(10_000 - rows.Count, windows.Sum(static window => window.Thinned));
        // All but what was thinned after the last row is in some row's weight.
        Assert.InRange(rows.Sum(static row => row.Weight), 9_890, 10_000);
        Assert.Equal(10_000 - rows.Count, Dropped("thinned"));
    }

    [Fact]
    public void The_slowest_of_each_second_are_kept_exactly()
    {
        RequestLogPolicy policy = Make(logRate: 0, slowest: 3);
        Random random = new(7);
        long[] durations = [.. Enumerable.Range(1, 1000).Select(static i => i * 1000L)];
        random.Shuffle(durations);
        foreach (long duration in durations)
        {
            policy.Offer(TestTransactions.Make(durationNs: duration));
        }
        Assert.Empty(Take(policy));
        _time.Advance(1);
        policy.Tick();
        List<(KeptAs Kept, long Weight, long DurationNs)> rows = Take(policy);
        Assert.All(rows, static row => Assert.Equal(KeptAs.Slow, row.Kept));
        Assert.Equal([998_000, 999_000, 1_000_000], rows.Select(static row => row.DurationNs).Order());
        Assert.Equal(997, Dropped("thinned"));
    }

    [Fact]
    public void Errors_are_always_kept_up_to_a_hard_rate()
    {
        RequestLogPolicy policy = Make(logRate: 0, slowest: 0, maxErrorRate: 5);
        for (int second = 0; second < 3; second++)
        {
            for (int i = 0; i < 8; i++)
            {
                policy.Offer(TestTransactions.Make(status: 500));
                policy.Offer(TestTransactions.Make(status: 200));
            }
            _time.Advance(1);
        }
        Assert.Equal(15, Take(policy).Count(static row => row is (KeptAs.Error, 1, _)));
        Assert.Equal((9, 24), (Dropped("error_rate"), Dropped("thinned")));
        policy.Tick(final: true);
        Assert.Equal([(48, 15, 24, 9)], TakeWindows(policy).Select(static window => (window.Seen, window.Kept, window.Thinned, window.Dropped)));
    }

    [Fact]
    public void A_writer_that_takes_nothing_costs_rows_but_no_more_memory()
    {
        RequestLogPolicy policy = Make(logRate: 1000, capacity: 50);
        for (int i = 0; i < 200; i++)
        {
            policy.Offer(TestTransactions.Make(status: 500));
        }
        Assert.Equal((200, 50, 150), (_stage.In.Value, _stage.Held!(), Dropped("queue_full")));
        Assert.Equal(0, _stage.Unaccounted);
        Assert.Equal(50, Take(policy).Count);
        Assert.Equal(0, _stage.Unaccounted);
    }

    [Fact]
    public void The_identity_holds_at_every_step()
    {
        RequestLogPolicy policy = Make(logRate: 20, slowest: 4, maxErrorRate: 10, capacity: 40);
        Random random = new(11);
        for (int i = 0; i < 5000; i++)
        {
            policy.Offer(TestTransactions.Make(status: random.Next(10) == 0 ? 500 : 200, durationNs: random.Next(1_000_000)));
            _time.Advance(random.NextDouble() / 200);
            if (random.Next(50) == 0)
            {
                Take(policy);
            }
            Assert.Equal(0, _stage.Unaccounted);
        }
        policy.Tick(final: true);
        Take(policy);
        LogWindow[] windows = TakeWindows(policy);
        Assert.Equal(5000, windows.Sum(static window => window.Seen));
        Assert.Equal(5000, windows.Sum(static window => window.Kept + window.Thinned + window.Dropped));
        Assert.Equal(_stage.Out.Value, windows.Sum(static window => window.Kept));
    }

    [Fact]
    public void A_clock_set_back_neither_stops_the_log_nor_floods_it()
    {
        RequestLogPolicy policy = Make(logRate: 5, slowest: 0);
        policy.Offer(TestTransactions.Make());
        _time.Advance(-3600);
        for (int i = 0; i < 100; i++)
        {
            policy.Offer(TestTransactions.Make());
        }
        Assert.Equal(5, Take(policy).Count);
        _time.Advance(1);
        for (int i = 0; i < 100; i++)
        {
            policy.Offer(TestTransactions.Make());
        }
        Assert.Equal(5, Take(policy).Count);
        Assert.Equal(1, TakeWindows(policy)[0].Seen);
    }

    private RequestLogPolicy Make(int logRate, int slowest = 10, int maxErrorRate = 1000, int capacity = 100_000) => new(
        new SqliteSinkOptions { Path = "-", LogRate = logRate, SlowestPerSecond = slowest, MaxErrorRate = maxErrorRate, QueueCapacity = capacity, QueueBytes = 1 << 30 },
        _stage, () => _time.NowMs);

    private long Dropped(string reason) => _stage.Dropped.Single(pair => pair.Key == reason).Value.Value;

    private List<(KeptAs Kept, long Weight, long DurationNs)> Take(RequestLogPolicy policy)
    {
        List<(KeptAs, long, long)> rows = [];
        while (policy.TryTake(out LogEntry entry))
        {
            rows.Add((entry.Kept, entry.Weight, entry.Record.DurationNs));
            policy.Return(in entry);
            _stage.Out.Add(1);
        }
        return rows;
    }

    private static LogWindow[] TakeWindows(RequestLogPolicy policy)
    {
        List<LogWindow> windows = [];
        while (policy.TryTakeWindow(out LogWindow window))
        {
            windows.Add(window);
        }
        return [.. windows];
    }
}
