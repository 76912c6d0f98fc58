using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Sinks.Sqlite;
using KubeBpfBox.Unit.Support;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Unit.Sqlite;

/// <summary>What is read in any step is what was written, once.</summary>
public sealed class HistoryReaderTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ManualTime _time = new();
    private readonly Random _random = new(5);

    private string Path => _directory.File("k.db");

    private HistoryReader Reader => new(Path);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Every_step_holds_what_the_windows_hold_at_every_moment()
    {
        using SqliteSink sink = Make();
        long firstS = NowS();
        for (int window = 0; window < 800; window++)
        {
            Write(sink, series: 4);
            if (window % 97 == 0 || window > 795)
            {
                AssertSums(firstS);
            }
        }
        using SqliteConnection connection = Database.OpenToRead(Path);
        // The longer steps are read, not only the windows.
        Assert.Equal([true, true, true], StepTables.StepsS[1..].Select(step => Database.Scalar(connection, $"SELECT count(*) FROM series_{step}") > 0));
    }

    [Fact]
    public void A_window_that_comes_late_is_in_every_step_once()
    {
        long firstS = NowS();
        using SqliteSink sink = Make();
        for (int window = 0; window < 400; window++)
        {
            Write(sink, series: 2);
        }
        // Waited for a database that was away, or a clock was set back.
        sink.OnWindow(Window(firstS + 120, 2));
        sink.RunOnce();
        AssertSums(firstS);
        Write(sink, series: 2);
        _time.Advance(120);
        sink.RunOnce();
        AssertSums(firstS);
    }

    [Fact]
    public void A_window_that_comes_late_into_a_quiet_time_is_in_every_step()
    {
        long firstS = NowS();
        using SqliteSink sink = Make();
        Write(sink, series: 2);
        // The steps of 600 s and 3600 s come to their end, those of 60 s only to the end of the first minute.
        _time.Advance(4000);
        sink.RunOnce();
        AssertSums(firstS);
        sink.OnWindow(Window(firstS + 300, 2));
        sink.RunOnce();
        AssertSums(firstS);
        _time.Advance(120);
        sink.RunOnce();
        AssertSums(firstS);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_comes_in_whatever_order_every_step_holds_it_once(int seed)
    {
        Random random = new(seed);
        long firstS = NowS() - 20_000;
        SqliteSink sink = Make();
        for (int turn = 0; turn < 400; turn++)
        {
            switch (random.Next(12))
            {
                case 0:
                    _time.Advance(random.Next(5000));
                    break;
                case 1:
                    _time.Advance(-random.Next(Math.Min(3000, (int)(NowS() - firstS - 10))));
                    break;
                case 2:
                    sink.OnWindow(Window(random.NextInt64(firstS, NowS()), random.Next(3)));
                    break;
                case 3:
                    sink.Dispose();
                    sink = Make();
                    break;
                default:
                    Write(sink, random.Next(4));
                    break;
            }
            sink.RunOnce();
            if (turn % 20 == 0)
            {
                AssertSums(firstS, NowS() + 200_000);
            }
        }
        sink.Dispose();
        AssertSums(firstS, NowS() + 200_000);
    }

    [Fact]
    public void A_copy_of_the_file_at_any_moment_goes_on_as_the_file_would()
    {
        long firstS = NowS();
        SqliteSink sink = Make();
        for (int crash = 0; crash < 8; crash++)
        {
            for (int window = 0; window < 31; window++)
            {
                Write(sink, series: 2);
            }
            // As a machine that lost its power would leave them.
            foreach (string suffix in (string[])["", "-wal"])
            {
                File.Copy(Path + suffix, _directory.File("copy" + suffix), overwrite: true);
            }
            sink.Dispose();
            File.Delete(Path + "-wal");
            foreach (string suffix in (string[])["", "-wal"])
            {
                File.Move(_directory.File("copy" + suffix), Path + suffix, overwrite: true);
            }
            sink = Make();
        }
        sink.Dispose();
        Assert.Equal(8 * 31 * 2, Read(10, firstS, NowS(), HistoryFilter.All).Count);
        AssertSums(firstS);
    }

    [Fact]
    public async Task What_is_read_while_it_is_written_is_whole()
    {
        const int PerWindow = 3;
        long firstS = NowS();
        using CancellationTokenSource written = new();
        Task writer = Task.Run(() =>
        {
            using SqliteSink sink = Make();
            for (int window = 0; window < 700; window++)
            {
                Write(sink, PerWindow);
            }
            written.Cancel();
        }, TestContext.Current.CancellationToken);
        int readings = 0;
        for (; !written.IsCancellationRequested; readings++)
        {
            // Windows are written whole, so each reading holds as many requests as the same rows added up.
            foreach (int step in StepTables.StepsS[1..])
            {
                Dictionary<long, long> sums = [];
                Reader.ReadSeries(firstS / 3600 * 3600, firstS + 10_800, step, HistoryFilter.All, (in HistoryRow<SeriesKey> row) => sums[row.StartS] = sums.GetValueOrDefault(row.StartS) + row.Requests, CancellationToken.None);
                foreach ((long startS, long requests) in sums.Where(pair => pair.Key + step <= sums.Keys.Max()))
                {
                    Assert.Equal(Plain(step, startS, startS + step).Split('\n').Sum(static line => long.Parse(line.Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture)), requests);
                }
            }
        }
        await writer;
        Assert.True(readings > 0);
        AssertSums(firstS);
    }

    [Fact]
    public void A_file_whose_tables_are_not_made_yet_has_nothing()
    {
        File.Create(Path).Dispose();
        Reader.ReadSeries(0, 3600, 60, HistoryFilter.All, static (in HistoryRow<SeriesKey> row) => Assert.Fail($"{row.StartS}"), CancellationToken.None);
        Assert.Null(Reader.SinceS);
    }

    [Fact]
    public void A_file_that_is_too_large_loses_the_oldest_of_every_step()
    {
        const long MaxBytes = 512 << 10;
        using SqliteSink sink = Make(new SqliteSinkOptions { Path = Path, MaxBytes = MaxBytes });
        for (int window = 0; window < 1500; window++)
        {
            Write(sink, series: 6);
            Assert.InRange(new FileInfo(Path).Length, 1, MaxBytes * 5 / 4);
        }
        Assert.InRange(NowS() - Reader.SinceS!.Value, 2000, 14_000);
        AssertSums(Reader.SinceS!.Value);
    }

    [Fact]
    public void A_sink_that_starts_again_goes_on_where_the_other_ended()
    {
        long firstS = NowS();
        for (int run = 0; run < 12; run++)
        {
            using SqliteSink sink = Make();
            for (int window = 0; window < 37; window++)
            {
                Write(sink, series: 3);
            }
        }
        AssertSums(firstS);
    }

    [Fact]
    public void Many_windows_that_were_never_made_longer_are_so_bit_by_bit()
    {
        long firstS = NowS();
        using (SqliteSink sink = Make())
        {
            for (int window = 0; window < 1000; window++)
            {
                sink.OnWindow(Window(firstS + (window * 10), 1));
            }
            sink.RunOnce();
        }
        AssertSums(firstS, untilS: firstS + 10_000);
        using (SqliteSink sink = Make())
        {
            _time.Advance(20_000);
            for (int tick = 0; tick < 60; tick++)
            {
                sink.RunOnce();
                AssertSums(firstS, firstS + 10_800);
            }
        }
        using SqliteConnection connection = Database.OpenToRead(Path);
        Assert.Equal((firstS + 10_800) / 3600 * 3600, RollUp.UntilS(connection, StepTables.Series, 3600) / 3600 * 3600);
    }

    [Fact]
    public void Deleting_old_rows_leaves_every_step_with_the_same_rest()
    {
        using SqliteSink sink = Make(new SqliteSinkOptions { Path = Path, MaxAgeNs = 5000L * 1_000_000_000 });
        for (int window = 0; window < 1500; window++)
        {
            Write(sink, series: 2);
        }
        AssertSums(NowS() - 5000);
        Assert.InRange(Reader.SinceS!.Value, NowS() - 5070, NowS() - 4900);
    }

    [Fact]
    public void Names_that_no_row_has_any_more_are_deleted_and_may_come_back()
    {
        using SqliteSink sink = Make(new SqliteSinkOptions { Path = Path, MaxAgeNs = 3600L * 1_000_000_000 });
        sink.OnWindow(Window(NowS(), 5));
        sink.RunOnce();
        for (int window = 0; window < 1500; window++)
        {
            Write(sink, series: 1);
        }
        using (SqliteConnection connection = Database.OpenToRead(Path))
        {
            Assert.Equal(1, Database.Scalar(connection, "SELECT count(*) FROM series_key"));
        }
        long startS = NowS();
        Write(sink, series: 5);
        Assert.Equal(5, Read(10, startS, startS + 10, HistoryFilter.All).Count);
    }

    [Fact]
    public void Rows_are_filtered_by_each_condition()
    {
        using SqliteSink sink = Make();
        long startS = NowS();
        for (int window = 0; window < 70; window++)
        {
            Write(sink, series: 6);
        }
        foreach (int step in Reader.StepsS)
        {
            long sinceS = startS / 3600 * 3600;
            HashSet<SeriesKey> all = Keys(HistoryFilter.All);
            Assert.Equal(6, all.Count);
            Assert.Equal(all.Where(static key => key.Workload.Name == "w1").ToHashSet(), Keys(new HistoryFilter(Workload: "w1")));
            Assert.Equal(all.Where(static key => key.Workload.Namespace == "shop" && key.Role == "client").ToHashSet(), Keys(new HistoryFilter(Namespace: "shop", Role: "client")));
            Assert.Equal(all.Where(static key => key.Workload.Kind == "Deployment").ToHashSet(), Keys(new HistoryFilter(Kind: "Deployment")));
            Assert.Empty(Keys(new HistoryFilter(Workload: "w1", Namespace: "other")));

            HashSet<SeriesKey> Keys(HistoryFilter filter) => [.. Read(step, sinceS, sinceS + 7200, filter).Select(static row => row.Key)];
        }
    }

    [Fact]
    public void A_key_comes_back_with_all_its_names_and_one_instance()
    {
        using SqliteSink sink = Make();
        long startS = NowS();
        RedSeriesSnapshot series = Series(0);
        sink.OnWindow(new RedWindow(startS * 1_000_000_000, 10_000_000_000, [series]));
        sink.OnWindow(new RedWindow((startS + 10) * 1_000_000_000, 10_000_000_000, [series]));
        sink.RunOnce();
        List<Row> rows = Read(10, startS, startS + 20, HistoryFilter.All);
        SeriesKey key = rows[0].Key;
        Assert.Same(key, rows[1].Key);
        Assert.Equal((series.Workload with { Source = WorkloadSource.Unknown }, series.Role, series.Protocol, series.Method, series.Route, series.Status, series.ErrorType, false),
            (key.Workload, key.Role, key.Protocol, key.Method, key.Route, key.Status, key.ErrorType, key.IsOverflow));
    }

    [Fact]
    public void A_reading_that_is_told_to_stop_stops()
    {
        using SqliteSink sink = Make();
        long startS = NowS();
        for (int window = 0; window < 50; window++)
        {
            Write(sink, series: 50);
        }
        using CancellationTokenSource stop = new();
        int rows = 0;
        Assert.Throws<OperationCanceledException>(() => Reader.ReadSeries(startS, NowS(), 10, HistoryFilter.All, (in HistoryRow<SeriesKey> row) =>
        {
            rows++;
            stop.Cancel();
        }, stop.Token));
        Assert.Equal(1, rows);
    }

    [Fact]
    public void A_statement_that_finds_nothing_for_long_is_interrupted()
    {
        using (SqliteSink sink = Make())
        {
            Write(sink, series: 1);
        }
        using CancellationTokenSource stop = new(TimeSpan.FromMilliseconds(50));
        Assert.Throws<OperationCanceledException>(() => ReadSession.Run(
            Path, static connection => Database.Scalar(connection, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"), stop.Token));
    }

    [Fact]
    public void Without_a_file_there_is_nothing_and_no_file_is_made()
    {
        Assert.Null(Reader.SinceS);
        Assert.Empty(Read(60, 0, long.MaxValue / 2, HistoryFilter.All));
        Assert.False(File.Exists(Path));
    }

    private void AssertSums(long sinceS, long untilS = 0)
    {
        untilS = untilS == 0 ? NowS() + 10 : untilS;
        foreach (int step in Reader.StepsS)
        {
            long fromS = (sinceS + step - 1) / step * step, toS = (untilS + step - 1) / step * step;
            List<Row> rows = Read(step, fromS, toS, HistoryFilter.All);
            Assert.All(rows, row => Assert.Equal(0, row.StartS % step));
            Assert.Equal(Plain(step, fromS, toS), string.Join('\n', rows.GroupBy(static row => (row.StartS, row.Key.Workload.Name)).Order(Comparer<IGrouping<(long, string), Row>>.Create(
                static (one, other) => one.Key.CompareTo(other.Key))).Select(static group => $"{group.Key.Item1} {group.Key.Item2} {group.Sum(static row => row.Requests)} {group.Sum(static row => row.Errors)} "
                    + $"{group.Sum(static row => row.RequestBytes)} {group.Sum(static row => row.ResponseBytes)} {group.Sum(static row => row.Durations.Count)}")));
        }
    }

    /// <summary>The same sums, from the view over the windows.</summary>
    private string Plain(int step, long fromS, long toS)
    {
        using SqliteConnection connection = Database.OpenToRead(Path);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT start_s / {step} * {step}, workload, sum(requests), sum(errors), sum(request_bytes), sum(response_bytes) FROM red WHERE start_s >= {fromS} AND start_s < {toS} GROUP BY 1, 2 ORDER BY 1, 2";
        using SqliteDataReader row = command.ExecuteReader();
        List<string> lines = [];
        while (row.Read())
        {
            lines.Add($"{row.GetInt64(0)} {row.GetString(1)} {row.GetInt64(2)} {row.GetInt64(3)} {row.GetInt64(4)} {row.GetInt64(5)} {row.GetInt64(2)}");
        }
        return string.Join('\n', lines);
    }

    private List<Row> Read(int step, long sinceS, long untilS, HistoryFilter filter)
    {
        List<Row> rows = [];
        Reader.ReadSeries(sinceS, untilS, step, filter, (in HistoryRow<SeriesKey> row) =>
        {
            Assert.True(DurationHistogram.TryDeserialize(row.Durations, out DurationHistogram? durations));
            rows.Add(new Row(row.Key, row.StartS, row.Requests, row.Errors, row.RequestBytes, row.ResponseBytes, durations));
        }, CancellationToken.None);
        return rows;
    }

    private void Write(SqliteSink sink, int series)
    {
        sink.OnWindow(Window(NowS(), series));
        _time.Advance(10);
        sink.RunOnce();
    }

    private RedWindow Window(long startS, int series) => new(startS / 10 * 10 * 1_000_000_000, 10_000_000_000, [.. Enumerable.Range(0, series).Select(Series)]);

    private RedSeriesSnapshot Series(int i)
    {
        DurationHistogram histogram = new();
        int requests = _random.Next(1, 20);
        for (int n = 0; n < requests; n++)
        {
            histogram.Record(_random.NextInt64(1000, 100_000_000));
        }
        return new RedSeriesSnapshot
        {
            Workload = new Workload("w" + i, WorkloadSource.Cgroup) { Kind = i % 3 == 0 ? "Deployment" : null, Namespace = i % 2 == 0 ? "shop" : null, Pod = i == 0 ? "w0-1" : null, Container = i == 0 ? "c" : null, Service = i == 0 ? "s" : null },
            Role = i % 4 < 2 ? "client" : "server", Protocol = "http", Method = "GET", Route = "/items/{id}", Status = 500 + i, ErrorType = "5" + i, Count = requests, Errors = _random.Next(requests),
            RequestBytes = _random.Next(1000), ResponseBytes = _random.Next(100_000), Duration = histogram, IsOverflow = false,
        };
    }

    private SqliteSink Make(SqliteSinkOptions? options = null) => new(options ?? new SqliteSinkOptions { Path = Path }, new Ledger(), new ListLogger(), _time);

    private long NowS() => _time.NowMs / 1000;

    private sealed record Row(SeriesKey Key, long StartS, long Requests, long Errors, long RequestBytes, long ResponseBytes, DurationHistogram Durations);
}
