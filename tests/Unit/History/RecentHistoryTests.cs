using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.History;

public sealed class RecentHistoryTests
{
    private const long FirstS = 1_769_860_800;

    private static readonly Workload Web = TestCalls.Deployment("web"), Cart = TestCalls.Deployment("cart");

    private static RedWindow Window(int index, IEnumerable<RedSeriesSnapshot> series, params IEnumerable<CallSnapshot> calls) =>
        new((FirstS + (index * 10)) * TestCalls.SecondNs, 10 * TestCalls.SecondNs, [.. series]) { Calls = [.. calls] };

    private static RedSeriesSnapshot Series(Workload workload, string route, long count, string role = "server", long? requestBytes = null) => new()
    {
        Workload = workload, Role = role, Protocol = "http", Method = "GET", Route = route, Status = 200, ErrorType = null, Count = count, Errors = count / 2,
        RequestBytes = requestBytes ?? count * 1000, ResponseBytes = count * 70_000, Duration = Durations(count), IsOverflow = false,
    };

    private static CallSnapshot Call(Workload source, Workload destination, long count, string role = "server") => new()
    {
        Key = new CallKey(source, destination, role, "http", IsOverflow: false), Count = count, Errors = 0, RequestBytes = count, ResponseBytes = count * 2, Duration = Durations(count),
    };

    private static DurationHistogram Durations(long count)
    {
        DurationHistogram histogram = new();
        for (long i = 0; i < count; i++)
        {
            histogram.Record(i * 1_700_000);
        }
        return histogram;
    }

    private static List<(SeriesKey Key, long StartS, long Requests)> Read(RecentHistory history, HistoryFilter? filter = null, long sinceS = 0, long untilS = long.MaxValue)
    {
        List<(SeriesKey, long, long)> rows = [];
        history.ReadSeries(sinceS, untilS, 10, filter ?? HistoryFilter.All, (in row) => rows.Add((row.Key, row.StartS, row.Requests)), TestContext.Current.CancellationToken);
        return rows;
    }

    private static List<(CallKey Key, long StartS, long Requests)> ReadCalls(RecentHistory history, HistoryFilter? filter = null)
    {
        List<(CallKey, long, long)> rows = [];
        history.ReadCalls(0, long.MaxValue, 10, filter ?? HistoryFilter.All, (in row) => rows.Add((row.Key, row.StartS, row.Requests)), TestContext.Current.CancellationToken);
        return rows;
    }

    [Fact]
    public void Rows_are_what_the_windows_had()
    {
        RecentHistory history = new();
        RedSeriesSnapshot given = Series(Web, "/items/{id}", 300);
        history.OnWindow(Window(0, [given, Series(Cart, "/", 1)], Call(Web, Cart, 5)));
        history.OnWindow(Window(1, []));
        history.OnWindow(Window(2, [Series(Web with { Source = WorkloadSource.Socket }, "/items/{id}", 7)]));
        Assert.Equal((3, FirstS, FirstS + 20), (history.WindowCount, history.SinceS, history.NewestStartS));

        List<(SeriesKey Key, long StartS, long Requests)> rows = Read(history);
        Assert.Equal([(FirstS, 300L), (FirstS, 1L), (FirstS + 20, 7L)], rows.Select(static row => (row.StartS, row.Requests)));
        Assert.Same(rows[0].Key, rows[2].Key);
        Assert.Equal(new SeriesKey(Web, "server", "http", "GET", "/items/{id}", 200, null, IsOverflow: false), rows[0].Key);
        Assert.Equal([FirstS + 20], Read(history, sinceS: FirstS + 10, untilS: FirstS + 30).Select(static row => row.StartS));
        Assert.Empty(Read(history, untilS: FirstS));

        history.ReadSeries(FirstS, FirstS + 10, 10, new HistoryFilter(Workload: "web"), (in row) =>
        {
            Assert.Equal((150, 300_000, 21_000_000), (row.Errors, row.RequestBytes, row.ResponseBytes));
            Assert.Equal(given.Duration.Serialize(), row.Durations);
        }, TestContext.Current.CancellationToken);
        Assert.Equal(("web", "cart", 5), ReadCalls(history) is [var only] ? (only.Key.Source.Name, only.Key.Destination.Name, only.Requests) : default);
    }

    [Theory]
    [InlineData(null, null, null, null, 3, 3)]
    [InlineData("shop", null, null, null, 3, 3)]
    [InlineData("other", null, null, null, 0, 0)]
    [InlineData(null, "web", null, null, 2, 2)]
    [InlineData(null, "db", null, null, 0, 1)]
    [InlineData(null, "web", "Deployment", "client", 1, 2)]
    [InlineData(null, "web", "StatefulSet", null, 0, 0)]
    public void A_filter_holds_for_the_workload_and_for_either_end_of_a_call(string? @namespace, string? workload, string? kind, string? role, int series, int calls)
    {
        RecentHistory history = new();
        Workload db = TestCalls.Deployment("db");
        history.OnWindow(Window(0, [Series(Web, "/", 1), Series(Web, "/", 1, "client"), Series(Cart, "/", 1)], Call(Web, Cart, 1), Call(Web, Cart, 1, "client"), Call(Cart, db, 1)));
        HistoryFilter filter = new(@namespace, workload, kind, role);
        Assert.Equal((series, calls), (Read(history, filter).Count, ReadCalls(history, filter).Count));
    }

    [Fact]
    public void The_oldest_windows_go_first_and_an_hour_stays()
    {
        RecentHistory history = new();
        for (int i = 0; i < 400; i++)
        {
            history.OnWindow(Window(i, [Series(Web, "/", 1)]));
        }
        Assert.Equal((360, FirstS + 400, FirstS + 3990), (history.WindowCount, history.SinceS, history.NewestStartS));
        Assert.Equal(360, Read(history).Count);
        Assert.Equal(0, history.CutRows.Value);
    }

    [Fact]
    public void Bytes_stay_within_their_bound_and_what_is_gone_leaves_nothing_behind()
    {
        RecentHistory history = new(maxBytes: 200_000);
        for (int i = 0; i < 1000; i++)
        {
            // Other pods all the time: their names must go with their windows.
            history.OnWindow(Window(i, Enumerable.Range(0, 50).Select(n => Series(TestCalls.Deployment("web", $"{i / 20}-{n}"), "/", 3)), Call(TestCalls.Deployment($"job-{i}"), Web, 2)));
            Assert.InRange(history.Bytes, 1, history.MaxBytes);
        }
        Assert.InRange(history.WindowCount, 20, 200);
        Assert.Equal(FirstS + 9990, history.NewestStartS);
        for (int i = 1000; i < 1360; i++)
        {
            history.OnWindow(Window(i, []));
        }
        Assert.Empty(Read(history));
        Assert.InRange(history.Bytes, 360, 360 * 200);
    }

    [Fact]
    public void A_deleted_pod_is_forgotten_with_its_last_window()
    {
        RecentHistory history = new();
        WeakReference pod = AddPod(history);
        for (int i = 1; i <= 360; i++)
        {
            history.OnWindow(Window(i, [Series(Web, "/", 1)]));
        }
        GC.Collect();
        Assert.False(pod.IsAlive);
        Assert.Equal("web", Assert.Single(Read(history).Select(static row => row.Key.Workload.Name).Distinct()));
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference AddPod(RecentHistory history)
    {
        Workload pod = TestCalls.Deployment("gone");
        history.OnWindow(Window(0, [Series(pod, "/", 1)]));
        Assert.Single(Read(history));
        return new WeakReference(pod);
    }

    [Fact]
    public void Of_a_window_that_is_too_large_what_fits_is_kept_and_the_rest_counted()
    {
        RecentHistory history = new(maxBytes: 50_000);
        history.OnWindow(Window(0, [Series(Web, "/", 1)]));
        history.OnWindow(Window(1, Enumerable.Range(0, 1000).Select(static i => Series(Web, $"/{i}", 2)), Call(Web, Cart, 1)));
        int kept = Read(history).Count(static row => row.StartS > FirstS);
        Assert.InRange(kept, 50, 500);
        Assert.Equal(1000, kept + history.CutRows.Value);
        Assert.Single(ReadCalls(history));
        Assert.InRange(history.Bytes, 1, 50_000);
    }

    [Fact]
    public void A_sum_that_ran_over_costs_no_other_row()
    {
        RecentHistory history = new();
        history.OnWindow(Window(0, [Series(Web, "/", 1, requestBytes: long.MinValue), Series(Cart, "/", 2, requestBytes: long.MaxValue)]));
        List<long> bytes = [];
        history.ReadSeries(0, long.MaxValue, 10, HistoryFilter.All, (in row) => bytes.Add(row.RequestBytes), TestContext.Current.CancellationToken);
        Assert.Equal([0, long.MaxValue], bytes);
        Assert.Equal([1L, 2L], Read(history).Select(static row => row.Requests));
    }

    [Fact]
    public void The_open_window_is_shown_until_its_window_comes()
    {
        RecentHistory history = new();
        history.OnWindow(Window(0, [Series(Web, "/", 1)]));
        history.ShowOpen(Window(1, [Series(Web, "/", 2)], Call(Web, Cart, 2)));
        history.ShowOpen(Window(1, [Series(Web, "/", 3), Series(Cart, "/", 1)], Call(Web, Cart, 3)));
        List<(SeriesKey Key, long StartS, long Requests)> rows = Read(history);
        Assert.Equal([1L, 3L, 1L], rows.Select(static row => row.Requests));
        Assert.Same(rows[0].Key, rows[1].Key);
        Assert.Equal((1, FirstS, 3), (history.WindowCount, history.NewestStartS, Assert.Single(ReadCalls(history)).Requests));
        history.OnWindow(Window(1, [Series(Web, "/", 4)]));
        Assert.Equal([1L, 4L], Read(history).Select(static row => row.Requests));
        Assert.Empty(ReadCalls(history));
    }

    [Fact]
    public void A_reader_may_stop_and_asks_for_a_step_there_is()
    {
        RecentHistory history = new();
        Assert.Null(history.SinceS);
        history.OnWindow(Window(0, [Series(Web, "/", 1)]));
        using CancellationTokenSource stopped = new();
        stopped.Cancel();
        Assert.Throws<OperationCanceledException>(() => history.ReadSeries(0, long.MaxValue, 10, HistoryFilter.All, static (in _) => { }, stopped.Token));
        Assert.Throws<ArgumentOutOfRangeException>(() => history.ReadCalls(0, long.MaxValue, 60, HistoryFilter.All, static (in _) => { }, TestContext.Current.CancellationToken));
    }
}
