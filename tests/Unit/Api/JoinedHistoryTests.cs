using KubeBpfBox.Agent.Api;
using KubeBpfBox.Agent.Api.History;
using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Unit.Api;

/// <summary>Ranges, their steps, and what is read of memory and of the store.</summary>
public sealed class JoinedHistoryTests
{
    /// <summary>2026-01-31T12:34:56Z.</summary>
    private const long NowS = 1_769_862_896;

    private const long NowNs = NowS * 1_000_000_000;

    private static readonly Workload s_workload = new("w", "cgroup");

    [Theory]
    [InlineData("1m", 60, 10, "12:34:00", "12:35:00")]
    [InlineData("15m", 60, 20, "12:20:00", "12:35:00")]
    [InlineData("15m", 90, 10, "12:20:00", "12:35:00")]
    [InlineData("15m", 400, 10, "12:20:00", "12:35:00")]
    [InlineData("1h", 60, 60, "11:35:00", "12:35:00")]
    [InlineData("6h", 60, 600, "06:40:00", "12:40:00")]
    [InlineData("24h", 60, 1800, "13:00:00", "13:00:00")]
    [InlineData("24h", 400, 300, "12:35:00", "12:35:00")]
    [InlineData("7d", 60, 10_800, "15:00:00", "15:00:00")]
    [InlineData("3650d", 60, 5_270_400, "00:00:00", "00:00:00")]
    [InlineData("1s", 60, 10, "12:34:50", "12:35:00")]
    [InlineData("1s", 1, 10, "12:34:50", "12:35:00")]
    public void The_last_so_long_ends_with_the_open_step(string last, int points, int step, string since, string until)
    {
        HistoryRange range = Range($"last={last}", points);
        Assert.Equal((step, since, until), (range.StepS, TimeOf(range.SinceS), TimeOf(range.UntilS)));
        Assert.InRange(range.Steps, 1, points);
        Assert.InRange(range.UntilS, NowS, NowS + step);
    }

    [Theory]
    [InlineData("since=2026-01-31T12:00:05Z&until=2026-01-31T12:10:05Z", 60, 10, "12:00:00", "12:10:10")]
    [InlineData("since=2026-01-31T12:00:00Z&until=2026-01-31T12:10:00Z", 60, 10, "12:00:00", "12:10:00")]
    [InlineData("since=2026-01-31T12:30:00Z", 60, 10, "12:30:00", "12:35:00")]
    [InlineData("since=2026-01-31T12:30:00Z&until=2030-01-01T00:00:00Z", 60, 10, "12:30:00", "12:35:00")]
    [InlineData("since=1769862895000000000&until=1769862895000000001", 60, 10, "12:34:50", "12:35:00")]
    [InlineData("until=2026-01-31T12:10:00Z", 60, 20, "11:55:00", "12:10:00")]
    [InlineData("", 60, 20, "12:20:00", "12:35:00")]
    public void Between_two_times_the_steps_that_hold_them_are_whole(string query, int points, int step, string since, string until)
    {
        HistoryRange range = Range(query, points);
        Assert.Equal((step, since, until), (range.StepS, TimeOf(range.SinceS), TimeOf(range.UntilS)));
        Assert.InRange(range.Steps, 1, points + 1);
    }

    [Fact]
    public void Memory_alone_is_read_when_it_has_the_range_or_there_is_no_store()
    {
        TestHistory recent = new() { SinceS = NowS - 6 - 600 }, stored = new(10, 60);
        HistoryRange range = Range("last=10m", 60);
        HistoryPlan plan = Read(new JoinedHistory(recent, stored, 0), range);
        Assert.Equal(("memory", recent.SinceS, 600 - 4), (plan.Source, plan.KnownSinceS, plan.KnownSeconds));
        Assert.Equal([(range.SinceS, range.UntilS, 10)], recent.Readings);
        Assert.Empty(stored.Readings);

        recent = new() { SinceS = NowS - 36 };
        plan = Read(new JoinedHistory(recent, null, 0), range);
        Assert.Equal(("memory", 36), (plan.Source, plan.KnownSeconds));
        Assert.Equal((null, 596), (new JoinedHistory(new TestHistory(), null, 0).Plan(range).KnownSinceS, new JoinedHistory(new TestHistory(), null, 0).Plan(range).KnownSeconds));
    }

    [Theory]
    [InlineData("12:34:50", "12:34:53", "12:34:53", 3)]
    [InlineData("12:34:50", "12:34:50", "12:34:50", 6)]
    [InlineData("12:34:30", "12:34:53", "12:34:30", 26)]
    [InlineData("12:34:50", "12:00:00", "12:34:50", 6)]
    public void The_agent_s_first_window_is_known_from_its_start_on(string first, string started, string known, long seconds)
    {
        HistoryPlan plan = new JoinedHistory(new TestHistory { SinceS = At(first) }, null, At(started)).Plan(Range("last=10m", 60));
        Assert.Equal((At(known), seconds), (plan.KnownSinceS, plan.KnownSeconds));
    }

    [Fact]
    public void The_store_ends_where_memory_begins_and_no_window_comes_twice()
    {
        // A window every ten seconds for three hours; memory has what is newer than 12:03:20, the store all but the newest two.
        (TestHistory recent, TestHistory stored) = (new(), new(10, 60, 600, 3600));
        long memoryS = At("12:03:20");
        for (long startS = At("09:30:00"); startS <= NowS; startS += 10)
        {
            if (startS >= memoryS)
            {
                recent.Add(startS, s_workload);
            }
            if (startS < NowS - 20)
            {
                stored.Add(startS, s_workload);
            }
        }
        stored.SinceS = At("09:30:00");
        HistoryRange range = Range("last=6h", 10);
        Assert.Equal((3600, "07:00:00", "13:00:00"), (range.StepS, TimeOf(range.SinceS), TimeOf(range.UntilS)));
        HistoryPlan plan = new JoinedHistory(recent, stored, 0).Plan(range);
        long[] requests = new long[range.Steps];
        plan.ReadSeries(HistoryFilter.All, (in row) => requests[range.IndexOf(row.StartS)] += row.Requests, TestContext.Current.CancellationToken);
        Assert.Equal([0, 0, 180, 360, 360, 210], requests);
        Assert.Equal([(At("07:00:00"), At("12:00:00"), 3600), (At("12:00:00"), At("12:03:00"), 60), (At("12:03:00"), memoryS, 10)], stored.Readings);
        Assert.Equal([(memoryS, At("13:00:00"), 10)], recent.Readings);
        Assert.Equal(("store", At("09:30:00"), NowS - At("09:30:00")), (plan.Source, plan.KnownSinceS, plan.KnownSeconds));
    }

    [Fact]
    public void An_agent_that_has_just_started_shows_what_an_earlier_one_stored()
    {
        (TestHistory recent, TestHistory stored) = (new(), new(10, 60));
        stored.Add(At("12:30:00"), s_workload, requests: 3);
        HistoryRange range = Range("last=15m", 90);
        HistoryPlan plan = Read(new JoinedHistory(recent, stored, 0), range);
        Assert.Equal(("store", At("12:30:00")), (plan.Source, plan.KnownSinceS));
        Assert.Equal([(range.SinceS, range.UntilS, 10)], stored.Readings);
        Assert.Empty(recent.Readings);
    }

    [Fact]
    public void A_range_before_memory_is_the_store_s_alone()
    {
        (TestHistory recent, TestHistory stored) = (new() { SinceS = At("12:00:00") }, new(10, 60));
        Read(new JoinedHistory(recent, stored, 0), Range("since=2026-01-31T10:00:00Z&until=2026-01-31T11:00:00Z", 60));
        Assert.Equal([(At("10:00:00"), At("11:00:00"), 60)], stored.Readings);
        Assert.Empty(recent.Readings);
    }

    private static HistoryPlan Read(JoinedHistory history, HistoryRange range)
    {
        HistoryPlan plan = history.Plan(range);
        plan.ReadSeries(HistoryFilter.All, static (in _) => { }, TestContext.Current.CancellationToken);
        return plan;
    }

    private static HistoryRange Range(string text, int points)
    {
        QueryReader query = new(new QueryCollection(Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(text)));
        HistoryRange range = HistoryRange.From(TimeRange.Read(query), points, NowNs, query);
        Assert.Null(query.Problem);
        return range;
    }

    private static long At(string time) => (long)(DateTime.Parse($"2026-01-31T{time}Z", null, System.Globalization.DateTimeStyles.AdjustToUniversal) - DateTime.UnixEpoch).TotalSeconds;

    private static string TimeOf(long seconds) => DateTime.UnixEpoch.AddSeconds(seconds).ToString("HH:mm:ss", null);
}
