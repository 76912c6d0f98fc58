using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Sinks.Sqlite;
using KubeBpfBox.Unit.Support;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Unit.Sqlite;

public sealed class SqliteSinkTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ManualTime _time = new();
    private readonly Ledger _ledger = new();
    private readonly ListLogger _logger = new();

    private string Path => _directory.File("k.db");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_logged_request_comes_back_as_it_was()
    {
        byte[] attributes = new byte[64];
        AttributeWriter writer = new(attributes);
        Assert.True(writer.TryAdd("interim"u8, 103));
        Transaction given = TestTransactions.Make(status: 404, role: "client");
        Transaction transaction = new()
        {
            Connection = given.Connection, Protocol = "http", ClientSide = given.ClientSide, StartNs = NowNs(), DurationNs = 5, TimeToFirstByteNs = 4, Method = "GET"u8,
            Target = "/caf\u00e9?\n\"'"u8, Host = default, Version = null, Status = 404, RequestBytes = 1, ResponseBytes = 2, RequestBodyBytes = -1, ResponseBodyBytes = 9,
            Flags = TransactionFlags.PairedAfterLoss, Attributes = writer.Written,
        };
        using (SqliteSink sink = Make())
        {
            sink.OnTransaction(in transaction);
            sink.OnTransaction(TestTransactions.Make(status: 0, role: "server", durationNs: -1, startNs: NowNs() - 1, error: TransactionError.ConnectionReset));
            sink.RunOnce();
            string expected = Json(in transaction);
            List<(string Json, string Kept, long Weight)> rows = Search(TransactionFilter.All);
            Assert.Equal((expected, "error", 1), rows[0]);
            Assert.Contains("\"error\":\"connection_reset\"", rows[1].Json, StringComparison.Ordinal);
            Assert.Contains("\"role\":\"server\"", rows[1].Json, StringComparison.Ordinal);
        }
        AssertIdentity();
    }

    [Fact]
    public void The_file_is_for_its_owner_only()
    {
        using SqliteSink sink = Make();
        sink.OnTransaction(TestTransactions.Make());
        sink.RunOnce();
        Assert.All(_directory.Names.Select(_directory.File), static file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Fact]
    public void A_search_is_filtered_limited_and_newest_first()
    {
        using SqliteSink sink = Make();
        for (int i = 0; i < 10; i++)
        {
            sink.OnTransaction(TestTransactions.Make(status: i % 2 == 0 ? 200 : 503, method: i < 5 ? "GET" : "POST", durationNs: i * 1000, startNs: NowNs() + i, workload: "w" + (i % 3)));
        }
        sink.RunOnce();
        Assert.Equal(10, Search(TransactionFilter.All).Count);
        Assert.Equal(3, Search(TransactionFilter.All, limit: 3).Count);
        Assert.Contains("\"duration_ns\":9000", Search(TransactionFilter.All, limit: 1)[0].Json, StringComparison.Ordinal);
        Assert.Equal(2, Search(TransactionFilter.All, sinceNs: NowNs() + 2, untilNs: NowNs() + 4).Count);
        Assert.Equal(5, Search(new TransactionFilter { StatusFrom = 500, StatusTo = 599 }).Count);
        Assert.Equal(5, Search(new TransactionFilter { Method = "post" }).Count);
        Assert.Equal(2, Search(new TransactionFilter { SlowerThanNs = 7000 }).Count);
        Assert.Equal(4, Search(new TransactionFilter { Workload = "w0" }).Count);
        Assert.Equal(10, Search(new TransactionFilter { Role = "server", Protocol = "HTTP" }).Count);
        Assert.Empty(Search(new TransactionFilter { Pod = "x" }));
    }

    [Fact]
    public void Series_are_stored_per_window_with_their_histogram()
    {
        using (SqliteSink sink = Make())
        {
            DurationHistogram histogram = new();
            histogram.Record(1_000_000);
            histogram.Record(9_000_000);
            sink.OnWindow(Window(Series(histogram, requests: 2)));
            sink.RunOnce();
        }
        using SqliteConnection connection = Database.OpenToRead(Path);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT start_s, requests, p50_ns, max_ns, histogram FROM red";
        using SqliteDataReader reader = command.ExecuteReader();
        Assert.True(reader.Read());
        Assert.Equal((_time.NowMs / 1000, 2), (reader.GetInt64(0), reader.GetInt64(1)));
        Assert.InRange(reader.GetInt64(2), 990_000, 1_100_000);
        Assert.True(DurationHistogram.TryDeserialize((byte[])reader.GetValue(4), out DurationHistogram? stored));
        Assert.Equal(2, stored.Count);
        Assert.False(reader.Read());
        AssertIdentity();
    }

    [Fact]
    public void Stopping_writes_what_waits_and_the_open_second()
    {
        using (SqliteSink sink = Make(new SqliteSinkOptions { Path = Path, LogRate = 0 }))
        {
            sink.Start();
            sink.OnWindow(Window(Series(new DurationHistogram(), requests: 1)));
            sink.OnTransaction(TestTransactions.Make());
        }
        Assert.Equal((1, 1, 1), (Count("red"), Count("request_log"), Count("request_log_window")));
        AssertIdentity();
    }

    [Fact]
    public void Old_rows_are_deleted()
    {
        using SqliteSink sink = Make(new SqliteSinkOptions { Path = Path, MaxAgeNs = 3600L * 1_000_000_000 });
        sink.OnTransaction(TestTransactions.Make(startNs: NowNs()));
        sink.RunOnce();
        _time.Advance(3000);
        sink.OnTransaction(TestTransactions.Make(startNs: NowNs()));
        sink.RunOnce();
        Assert.Equal(2, Count("request_log"));
        _time.Advance(1000);
        sink.RunOnce();
        Assert.Equal(1, Count("request_log"));
    }

    [Fact]
    public void The_file_stays_below_its_size_and_keeps_the_newest()
    {
        const long MaxBytes = 1 << 20;
        using (SqliteSink sink = Make(new SqliteSinkOptions { Path = Path, MaxBytes = MaxBytes, LogRate = 100_000 }))
        {
            for (int i = 0; i < 60; i++)
            {
                for (int j = 0; j < 200; j++)
                {
                    sink.OnTransaction(TestTransactions.Make(startNs: NowNs() + j, target: "/" + new string('x', 200)));
                }
                _time.Advance(1);
                sink.RunOnce();
                Assert.InRange(new FileInfo(Path).Length, 1, MaxBytes * 5 / 4);
            }
        }
        Assert.InRange(new FileInfo(Path).Length, 1, MaxBytes);
        Assert.InRange(Count("request_log"), 500, 11_000);
        using SqliteConnection connection = Database.OpenToRead(Path);
        Assert.Equal(NowNs() - 1_000_000_000 + 199, Database.Scalar(connection, "SELECT max(start_ns) FROM request_log"));
        AssertIdentity();
    }

    [Fact]
    public void A_file_of_someone_else_is_refused_and_left_alone()
    {
        File.WriteAllText(Path, "precious, but no database; long enough to be taken for a header of one hundred bytes, or so it would seem to be");
        string before = File.ReadAllText(Path);
        SqliteSinkException e = Assert.Throws<SqliteSinkException>(() => Make());
        Assert.Contains("is not an SQLite database and was left alone", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(Path));
        Assert.Equal(["k.db"], _directory.Names);
    }

    [Fact]
    public void A_database_of_another_program_is_refused_and_left_alone()
    {
        using (SqliteConnection other = new($"Data Source={Path};Pooling=False"))
        {
            other.Open();
            Database.Execute(other, "CREATE TABLE precious (x)");
        }
        byte[] before = File.ReadAllBytes(Path);
        Assert.Contains("another program", Assert.Throws<SqliteSinkException>(() => Make()).Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(Path));
    }

    [Fact]
    public void Both_ends_come_back_and_are_searched_by_pod()
    {
        using SqliteSink sink = Make();
        Transaction transaction = TestTransactions.Make(startNs: NowNs());
        transaction.Connection.Workload = TestEvents.Pod("web-1") with { Service = "front" };
        transaction.Connection.Peer = new Workload("front", WorkloadSource.Address) { Kind = "Service", Namespace = "shop", Service = "front" };
        sink.OnTransaction(in transaction);
        sink.OnTransaction(TestTransactions.Make(startNs: NowNs() - 1));
        sink.RunOnce();
        Assert.Equal(Json(in transaction), Assert.Single(Search(new TransactionFilter { Namespace = "shop", Pod = "web-1" })).Json);
        Assert.Empty(Search(new TransactionFilter { Namespace = "other" }));
        Assert.Equal(2, Search(TransactionFilter.All).Count);
    }

    [Fact]
    public void Events_wait_for_a_database_that_is_away_and_are_written_once()
    {
        using (SqliteSink sink = Make())
        {
            using (SqliteConnection other = new($"Data Source={Path};Pooling=False"))
            {
                other.Open();
                Database.Execute(other, "BEGIN EXCLUSIVE");
                sink.OnEvent(TestEvents.Kill(NowNs(), "web-1"));
                sink.RunOnce();
                Assert.NotNull(sink.Trouble);
            }
            sink.OnEvent(TestEvents.Overflow(NowNs() + 1, "web-2"));
            sink.RunOnce(final: true);
        }
        IReadOnlyList<string> stored = new EventReader(Path).Search(new EventQuery(0, long.MaxValue, 10), CancellationToken.None).Events;
        Assert.Equal(2, stored.Count);
        Assert.StartsWith("{\"event\":\"tcpsynbl\"", stored[0], StringComparison.Ordinal);
        AssertIdentity();
    }

    [Fact]
    public void A_database_of_a_newer_version_is_refused()
    {
        Make().Dispose();
        using (SqliteConnection connection = new($"Data Source={Path};Pooling=False"))
        {
            connection.Open();
            Database.Execute(connection, "PRAGMA user_version = 99");
        }
        Assert.Contains("newer kubebpfbox", Assert.Throws<SqliteSinkException>(() => Make()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_database_of_ours_is_moved_aside_and_a_new_one_begun()
    {
        using (SqliteSink sink = Make())
        {
            for (int i = 0; i < 500; i++)
            {
                sink.OnTransaction(TestTransactions.Make(status: 500));
            }
            sink.RunOnce();
        }
        using (FileStream file = File.OpenWrite(Path))
        {
            file.Position = 100;
            byte[] noise = new byte[file.Length - 100];
            new Random(3).NextBytes(noise);
            file.Write(noise);
        }
        using (SqliteSink sink = Make())
        {
            for (int i = 0; i < 4; i++)
            {
                sink.OnTransaction(TestTransactions.Make(status: 500, startNs: NowNs()));
                _time.Advance(60);
                sink.RunOnce();
            }
            Assert.Null(sink.Trouble);
        }
        Assert.Contains(_directory.Names, static name => name.StartsWith("k.db.damaged-", StringComparison.Ordinal));
        Assert.Contains(_logger.Messages, static message => message.Contains("is damaged", StringComparison.Ordinal));
        Assert.Equal(4, Count("request_log"));
        AssertIdentity();
    }

    [Fact]
    public void A_database_that_cannot_be_opened_is_tried_again_within_bounds()
    {
        // A file where the directory should be: refused even to root, as a missing permission would be to others.
        File.WriteAllText(_directory.File("sub"), string.Empty);
        string path = _directory.File("sub/k.db");
        using (SqliteSink sink = Make(new SqliteSinkOptions { Path = path, QueueCapacity = 10, LogRate = 1000 }))
        {
            for (int i = 0; i < 50; i++)
            {
                sink.OnTransaction(TestTransactions.Make(status: 200 + i, startNs: NowNs()));
                _time.Advance(1);
                sink.RunOnce();
            }
            Assert.Contains("cannot be written", sink.Trouble, StringComparison.Ordinal);
            Assert.Single(_logger.Messages);
            LedgerStage log = _ledger.Stages.Single(static stage => stage.Name == "sqlite_log");
            Assert.Equal((50, 10, 0), (log.In.Value, log.Held!(), log.Unaccounted));

            File.Delete(_directory.File("sub"));
            _time.Advance(60);
            sink.RunOnce();
            Assert.Null(sink.Trouble);
            Assert.Equal(10, log.Out.Value);
            Assert.Equal(2, _logger.Messages.Count);
        }
        AssertIdentity();
    }

    [Fact]
    public void A_locked_database_is_tried_again()
    {
        using SqliteSink sink = Make();
        using SqliteConnection other = new($"Data Source={Path};Pooling=False");
        other.Open();
        Database.Execute(other, "BEGIN IMMEDIATE");
        sink.OnTransaction(TestTransactions.Make());
        sink.RunOnce();
        Assert.Contains("locked", sink.Trouble, StringComparison.Ordinal);
        Database.Execute(other, "COMMIT");
        _time.Advance(60);
        sink.RunOnce();
        Assert.True(sink.Trouble is null, sink.Trouble);
        Assert.Equal(1, Count("request_log"));
        AssertIdentity();
    }

    [Fact]
    public void Series_that_wait_for_a_dead_database_are_bounded_and_the_oldest_go()
    {
        File.WriteAllText(_directory.File("sub"), string.Empty);
        using (SqliteSink sink = Make(new SqliteSinkOptions { Path = _directory.File("sub/k.db"), MaxPendingSeriesWindows = 3 }))
        {
            for (int i = 0; i < 8; i++)
            {
                _time.Advance(10);
                sink.OnWindow(Window(Series(new DurationHistogram(), requests: 1)));
                sink.RunOnce();
            }
            LedgerStage red = _ledger.Stages.Single(static stage => stage.Name == "sqlite_red");
            Assert.Equal((8, 3, 0), (red.In.Value, red.Held!(), red.Unaccounted));
        }
        AssertIdentity();
    }

    private RedWindow Window(params RedSeriesSnapshot[] series) => new(NowNs(), RedWindows.Seconds * 1_000_000_000L, series);

    private static RedSeriesSnapshot Series(DurationHistogram histogram, long requests) => new()
    {
        Workload = new Workload("nginx.service", "cgroup"), Role = "server", Protocol = "http", Method = "GET", Route = "/items/{id}", Status = 200, ErrorType = null,
        Count = requests, Errors = 0, RequestBytes = 10, ResponseBytes = 20, Duration = histogram, IsOverflow = false,
    };

    private static string Json(in Transaction transaction)
    {
        System.Buffers.ArrayBufferWriter<byte> output = new();
        TransactionJson.Write(output, in transaction);
        return System.Text.Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private SqliteSink Make(SqliteSinkOptions? options = null) => new(options ?? new SqliteSinkOptions { Path = Path }, _ledger, _logger, _time);

    private long NowNs() => _time.NowMs * 1_000_000;

    private List<(string Json, string Kept, long Weight)> Search(TransactionFilter filter, int limit = 1000, long sinceNs = 0, long untilNs = long.MaxValue)
    {
        List<(string, string, long)> rows = [];
        new RequestLogReader(Path).Search(new LogQuery(filter, sinceNs, untilNs, limit), (in Transaction transaction, LogRow row) => rows.Add((Json(in transaction), row.Kept, row.Weight)), CancellationToken.None);
        return rows;
    }

    private long Count(string table)
    {
        using SqliteConnection connection = Database.OpenToRead(Path);
        return Database.Scalar(connection, $"SELECT count(*) FROM {table}");
    }

    private void AssertIdentity() => Assert.All(_ledger.Stages, static stage => Assert.Equal(0, stage.Unaccounted));
}
