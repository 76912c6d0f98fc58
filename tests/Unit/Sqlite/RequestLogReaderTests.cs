using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.Sqlite;
using KubeBpfBox.Unit.Support;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Unit.Sqlite;

/// <summary>Pages, bounds and conditions of searches in the request log and the events.</summary>
public sealed class RequestLogReaderTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ManualTime _time = new();

    private string Path => _directory.File("k.db");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(1, 100)]
    [InlineData(7, 2500)]
    [InlineData(1000, 2500)]
    public void Pages_give_every_request_once_in_the_same_order(int limit, int requests)
    {
        // Ten at each moment: only their ids tell them apart.
        Fill(requests, static i => TestTransactions.Make(status: i % 3 == 0 ? 500 : 200, target: "/" + i, startNs: i / 10));
        foreach (TransactionFilter filter in (TransactionFilter[])[new() { StatusFrom = 500, StatusTo = 599 }, new() { Workload = "nginx.service" }, new() { StatusFrom = 200, StatusTo = 200 }])
        {
            List<long> ids = [];
            LogCursor? after = null;
            do
            {
                LogPage page = Search(new LogQuery(filter, 0, long.MaxValue, limit) { After = after }, ids);
                Assert.True(page.SearchedUntilNs is null && page.Count <= limit && (page.Count > 0 || ids.Count == 0));
                after = page.Next;
            }
            while (after is not null);
            Assert.Equal(Ids(filter), ids);
        }
    }

    [Fact]
    public void Requests_that_come_meanwhile_do_not_move_the_next_page()
    {
        Fill(10, static i => TestTransactions.Make(startNs: 100 + i));
        List<long> ids = [];
        LogCursor? next = Search(new LogQuery(TransactionFilter.All, 0, long.MaxValue, 4), ids).Next;
        Fill(5, static i => TestTransactions.Make(startNs: 200 + i));
        Search(new LogQuery(TransactionFilter.All, 0, long.MaxValue, 100) { After = next }, ids);
        Assert.Equal([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], ids);
    }

    [Fact]
    public void A_search_that_finds_little_stops_at_its_bound_and_goes_on_from_there()
    {
        Fill(5000, static i => TestTransactions.Make(method: i is 3 or 4990 ? "DELETE" : "GET", startNs: 1000 + i));
        RequestLogReader reader = new(Path) { MaxRows = 1500 };
        TransactionFilter filter = new() { Method = "DELETE" };
        List<long> ids = [], searchedUntil = [];
        LogCursor? after = null;
        do
        {
            LogPage page = reader.Search(new LogQuery(filter, 0, long.MaxValue, 100) { After = after }, (in Transaction _, LogRow row) => ids.Add(row.Id), CancellationToken.None);
            after = page.Next;
            Assert.Equal(after is null, page.SearchedUntilNs is null);
            searchedUntil.AddRange(page.SearchedUntilNs is { } until ? [until] : []);
        }
        while (after is not null);
        Assert.Equal([4991, 4], ids);
        Assert.Equal([4500, 3000, 1500], searchedUntil);
    }

    [Fact]
    public void A_search_that_takes_too_long_says_how_far_it_came()
    {
        Fill(3000, static i => TestTransactions.Make(startNs: i));
        RequestLogReader reader = new(Path) { MaxTime = TimeSpan.Zero };
        LogPage page = reader.Search(new LogQuery(new TransactionFilter { Method = "PUT" }, 0, long.MaxValue, 10), static (in Transaction _, LogRow _) => { }, CancellationToken.None);
        Assert.Equal((0, 2000, 2000), (page.Count, page.Next!.Value.TimeNs, page.SearchedUntilNs));
    }

    [Fact]
    public void Rows_of_a_workload_and_errors_are_found_without_looking_at_the_others()
    {
        Fill(5000, static i => TestTransactions.Make(status: i == 2 ? 503 : 200, workload: i == 1 ? "rare" : "common", startNs: i));
        RequestLogReader reader = new(Path) { MaxRows = 10 };
        foreach (TransactionFilter filter in (TransactionFilter[])[new() { Workload = "rare" }, new() { StatusFrom = 500, StatusTo = 599 }])
        {
            LogPage page = reader.Search(new LogQuery(filter, 0, long.MaxValue, 10), static (in Transaction _, LogRow _) => { }, CancellationToken.None);
            Assert.Equal(new LogPage(1, null, null), page);
        }
    }

    [Theory]
    [InlineData(null, 0, "request_log_start")]
    [InlineData("web", 0, "request_log_workload")]
    [InlineData(null, 500, "request_log_errors")]
    [InlineData("web", 500, "request_log_workload")]
    public void A_page_is_read_along_an_index_without_sorting(string? workload, int statusFrom, string index)
    {
        Fill(1, static i => TestTransactions.Make());
        using SqliteConnection connection = Database.OpenToRead(Path);
        LogConditions conditions = new(new LogQuery(new TransactionFilter { Workload = workload, StatusFrom = statusFrom }, 0, 1, 1));
        Assert.Equal(index, conditions.Index);
        using SqliteCommand command = RequestLogReader.Select(connection, conditions, LoggedRequest.Columns, conditions.All, 0, new LogCursor(5, 5), new LogCursor(1, 1));
        command.CommandText = "EXPLAIN QUERY PLAN " + command.CommandText;
        using SqliteDataReader row = command.ExecuteReader();
        List<string> plan = [];
        while (row.Read())
        {
            plan.Add(row.GetString(3));
        }
        string step = Assert.Single(plan);
        Assert.StartsWith("SEARCH request_log USING INDEX " + index, step, StringComparison.Ordinal);
        Assert.Contains("start_ns>?", step, StringComparison.Ordinal);
    }

    [Fact]
    public void Ends_are_found_by_address()
    {
        Fill(3, static i => TestTransactions.Make(role: i == 0 ? "client" : "server", startNs: i));
        string local = TestTransactions.Local.ToString(), remote = TestTransactions.Remote.ToString();
        Assert.Equal([1L], Found(new LogQuery(TransactionFilter.All, 0, 100, 10) { Client = local, Server = remote }));
        Assert.Equal([3L, 2L], Found(new LogQuery(TransactionFilter.All, 0, 100, 10) { Client = remote }));
        Assert.Empty(Found(new LogQuery(TransactionFilter.All, 0, 100, 10) { Server = "10.9.9.9:80" }));
    }

    [Theory]
    [InlineData("ORDERS", 1)]
    [InlineData("100%", 2)]
    [InlineData("a_b", 3)]
    [InlineData("c\\d", 4)]
    [InlineData("\u00e9t\u00e9", 5)]
    [InlineData("Cart-7", 6)]
    [InlineData("shop", 6)]
    [InlineData("peer-x", 6)]
    [InlineData("nothing has this", 0)]
    public void A_text_is_found_in_the_target_and_in_names_of_both_ends(string text, int id)
    {
        string[] targets = ["/orders/1", "/rate/100%25", "/a_b", "/c\\d", "", "/", "/aXb", "/rate/100x"];
        Fill(targets.Length, i =>
        {
            Transaction made = TestTransactions.Make(target: targets[i], startNs: i);
            if (i == 5)
            {
                made.Connection.Workload = TestEvents.Pod("cart-7");
                made.Connection.Peer = new Workload("peer-x", WorkloadSource.Address);
            }
            return i != 4 ? made : new Transaction
            {
                Connection = made.Connection, Protocol = "http", ClientSide = made.ClientSide, StartNs = i, DurationNs = 1, TimeToFirstByteNs = 1, Method = "GET"u8, Target = "/\u00e9t\u00e9"u8,
                Host = default, Version = "1.1", Status = 200, RequestBytes = 1, ResponseBytes = 1, RequestBodyBytes = 0, ResponseBodyBytes = 0, Error = null,
            };
        });
        List<long> expected = id == 0 ? [] : [id];
        Assert.Equal(expected, Found(new LogQuery(new TransactionFilter { Text = text }, 0, 100, 10)));
    }

    [Fact]
    public void A_route_is_found_by_what_the_target_is_counted_under()
    {
        string[] targets = ["/users/1", "/users/2?x=1", "/users/me", "/users/3/pets", "//users/4"];
        Fill(targets.Length, i => TestTransactions.Make(target: targets[i], startNs: i));
        Assert.Equal([5L, 2L, 1L], Found(new LogQuery(new TransactionFilter { Route = "/users/{id}" }, 0, 100, 10)));
    }

    [Fact]
    public void A_range_holds_for_the_first_page_and_the_next()
    {
        Fill(20, static i => TestTransactions.Make(startNs: i));
        List<long> ids = [];
        LogCursor? next = Search(new LogQuery(TransactionFilter.All, 5, 10, 3), ids).Next;
        Assert.Null(Search(new LogQuery(TransactionFilter.All, 5, 10, 3) { After = next }, ids).Next);
        Assert.Equal([10, 9, 8, 7, 6], ids);
    }

    [Fact]
    public void A_search_that_is_told_to_stop_stops()
    {
        Fill(10, static i => TestTransactions.Make(startNs: i));
        using CancellationTokenSource stop = new();
        int rows = 0;
        Assert.Throws<OperationCanceledException>(() => new RequestLogReader(Path).Search(new LogQuery(TransactionFilter.All, 0, 100, 10), (in Transaction _, LogRow _) =>
        {
            rows++;
            stop.Cancel();
        }, stop.Token));
        Assert.Equal(1, rows);
    }

    [Fact]
    public void Events_come_in_pages()
    {
        using (SqliteSink sink = Make())
        {
            for (int i = 0; i < 25; i++)
            {
                sink.OnEvent(TestEvents.Kill(NowNs() + (i / 10), "web-" + i));
            }
            sink.RunOnce();
        }
        List<string> found = [];
        LogCursor? after = null;
        do
        {
            EventPage page = new EventReader(Path).Search(new EventQuery(0, long.MaxValue, 7) { Type = "oomkill", After = after }, CancellationToken.None);
            found.AddRange(page.Events);
            after = page.Next;
        }
        while (after is not null);
        Assert.Equal(Enumerable.Range(0, 25).Reverse().Select(static i => $"\"web-{i}\""), found.Select(static json => json.Split("\"pod\":")[1].Split(',')[0]));
    }

    [Theory]
    [InlineData("1769860800000000000-42", true)]
    [InlineData("0-0", true)]
    [InlineData("", false)]
    [InlineData("12", false)]
    [InlineData("-1-2", false)]
    [InlineData("1-2x", false)]
    [InlineData("99999999999999999999-1", false)]
    public void A_cursor_is_read_as_it_was_written_and_nothing_else(string text, bool isCursor)
    {
        Assert.Equal(isCursor, LogCursor.TryParse(text, out LogCursor cursor));
        Assert.Equal(isCursor ? text : "0-0", cursor.ToString());
    }

    private List<long> Found(LogQuery query)
    {
        List<long> ids = [];
        Search(query, ids);
        return ids;
    }

    private LogPage Search(LogQuery query, List<long> ids) =>
        new RequestLogReader(Path).Search(query, (in Transaction _, LogRow row) => ids.Add(row.Id), CancellationToken.None);

    /// <summary>What a plain look at the whole table finds.</summary>
    private List<long> Ids(TransactionFilter filter)
    {
        List<long> ids = [];
        using SqliteConnection connection = Database.OpenToRead(Path);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT id FROM request_log WHERE status BETWEEN {filter.StatusFrom} AND {filter.StatusTo} ORDER BY start_ns DESC, id DESC";
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            ids.Add(row.GetInt64(0));
        }
        return ids;
    }

    private delegate Transaction Maker(int i);

    private void Fill(int count, Maker make)
    {
        using SqliteSink sink = Make();
        for (int i = 0; i < count; i++)
        {
            sink.OnTransaction(make(i));
        }
        sink.RunOnce();
    }

    private SqliteSink Make() => new(
        new SqliteSinkOptions { Path = Path, LogRate = 1_000_000, MaxErrorRate = 1_000_000, SlowestPerSecond = 0, QueueCapacity = 10_000, MaxAgeNs = long.MaxValue }, new Ledger(), new ListLogger(), _time);

    private long NowNs() => _time.NowMs * 1_000_000;
}
