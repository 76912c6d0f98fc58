using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Sinks.Sqlite;
using KubeBpfBox.Unit.Support;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Unit.Sqlite;

/// <summary>Files of every older version, with what they hold.</summary>
public sealed class MigrationTests : IDisposable
{
    private const string SumsOfRed = "SELECT group_concat(line, char(10)) FROM (SELECT start_s || ' ' || workload || ' ' || coalesce(role, '-') || ' ' || route || ' ' || status || ' ' || coalesce(error_type, '-')"
        + " || ' ' || requests || ' ' || errors || ' ' || p99_ns || ' ' || hex(histogram) AS line FROM red ORDER BY line)";

    private readonly TemporaryDirectory _directory = new();

    private string Path => _directory.File("k.db");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void An_older_file_is_brought_up_to_date_with_what_it_holds(int version)
    {
        string before;
        using (SqliteConnection old = MakeOld(version))
        {
            Fill(old);
            before = Text(old, SumsOfRed);
        }
        using (SqliteSink sink = new(new SqliteSinkOptions { Path = Path, MaxAgeNs = long.MaxValue }, new Ledger(), new ListLogger(), new ManualTime()))
        {
            sink.RunOnce();
        }
        using SqliteConnection now = Database.OpenToRead(Path);
        Assert.Equal(before, Text(now, SumsOfRed));
        Assert.Equal(Schema.Version, Database.Scalar(now, "PRAGMA user_version"));
        Assert.Equal("ok", Text(now, "PRAGMA integrity_check"));
        Assert.Equal(4, Database.Scalar(now, "SELECT count(*) FROM series_key"));
        Assert.Equal(1, Database.Scalar(now, "SELECT count(*) FROM series_key WHERE is_overflow"));
        Assert.Equal(2, Database.Scalar(now, "SELECT count(DISTINCT id) FROM series_10 WHERE id >> 24 = 1000 AND key_id = (SELECT id FROM series_key WHERE workload = 'web')"));
        Assert.Equal(1, Database.Scalar(now, "SELECT count(*) FROM request_log WHERE target = '/kept'"));
    }

    [Fact]
    public void A_file_that_was_brought_up_to_date_goes_on_with_the_same_names()
    {
        using (SqliteConnection old = MakeOld(2))
        {
            Fill(old);
        }
        using (SqliteSink sink = new(new SqliteSinkOptions { Path = Path, MaxAgeNs = long.MaxValue }, new Ledger(), new ListLogger(), new ManualTime()))
        {
            sink.OnWindow(new RedWindow(1_020_000_000_000, 10_000_000_000, [new RedSeriesSnapshot
            {
                Workload = new Workload("web", WorkloadSource.Cgroup), Role = "server", Protocol = "http", Method = "GET", Route = "/", Status = 200, ErrorType = null,
                Count = 1, Errors = 0, RequestBytes = 1, ResponseBytes = 1, Duration = new DurationHistogram(), IsOverflow = false,
            }]));
            sink.RunOnce();
        }
        using SqliteConnection now = Database.OpenToRead(Path);
        Assert.Equal(4, Database.Scalar(now, "SELECT count(*) FROM series_key"));
        Assert.Equal(4, Database.Scalar(now, "SELECT count(*) FROM red WHERE workload = 'web'"));
    }

    private SqliteConnection MakeOld(int version)
    {
        SqliteConnection connection = new($"Data Source={Path};Pooling=False");
        connection.Open();
        Database.Execute(connection, $"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; {Schema.First}{(version > 1 ? Schema.Second : string.Empty)}");
        Database.Execute(connection, $"PRAGMA user_version = {version}; PRAGMA application_id = {Database.ApplicationId}; PRAGMA wal_checkpoint(TRUNCATE)");
        return connection;
    }

    private static void Fill(SqliteConnection connection)
    {
        // Twice the same window: an agent that was started anew within it.
        foreach ((long startS, string workload, string? role, string method, string route, int status, string? error) in (ReadOnlySpan<(long, string, string?, string, string, int, string?)>)[
            (1000, "web", "server", "GET", "/", 200, null), (1000, "web", "server", "GET", "/", 200, null), (1010, "web", "server", "GET", "/", 200, null),
            (1000, "db", null, "GET", "/", 0, "timeout"), (1010, "db", "client", "GET", "/", 0, "timeout"), (1010, "overflow", "server", "overflow", "overflow", 0, null)])
        {
            DurationHistogram histogram = new();
            histogram.Record(startS * 1000);
            using SqliteCommand command = connection.PrepareInsert("red", ["start_s", "workload", "role", "protocol", "method", "route", "status", "error_type", "requests", "errors", "request_bytes",
                "response_bytes", "p50_ns", "p90_ns", "p99_ns", "max_ns", "histogram"]);
            command.Set(null, [startS, workload, role, "http", method, route, status, error, 1, error is null ? 0 : 1, 10, 20, 1, 2, histogram.MaxNs, histogram.MaxNs, histogram.Serialize()]).ExecuteNonQuery();
        }
        Database.Execute(connection, "INSERT INTO request_log (start_ns, workload, workload_source, protocol, method, target, host, client, server, request_bytes, response_bytes, flags, kept, weight)"
            + " VALUES (1769860800000000000, 'web', 'cgroup', 'http', 'GET', '/kept', 'h', '10.0.0.1:1', '10.0.0.2:2', 1, 2, 0, 'sample', 1)");
    }

    private static string Text(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return (string)command.ExecuteScalar()!;
    }
}
