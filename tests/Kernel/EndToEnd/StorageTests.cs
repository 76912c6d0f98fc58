using KubeBpfBox.Support;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Kernel.EndToEnd;

[Collection(SharedAgent.Name)]
public sealed class StorageTests(AgentFixture fixture)
{
    [Fact]
    public void What_is_stored_is_what_was_made_also_after_a_restart()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("kept.db");
        Make(path, ok: 300, errors: 7);
        using (SqliteConnection database = StopTests.Open(path))
        {
            AssertSums(database, ok: 300, errors: 7);
            // Two old rows, as from a run of yesterday.
            StopTests.Scalar(database, "INSERT INTO request_log_window VALUES (1000, 5, 5, 0, 0)");
            StopTests.Scalar(database, "INSERT INTO series_key (workload, role, protocol, method, route, status, is_overflow, last_s) SELECT workload, role, protocol, method, '/old', status, 0, 1000 FROM series_key LIMIT 1");
            StopTests.Scalar(database, "INSERT INTO series_10 SELECT 1000 << 24, (SELECT id FROM series_key WHERE route = '/old'), 5, 5, 0, 0, 0, 0, 0, 0, histogram FROM series_10 LIMIT 1");
            Assert.Equal(5, StopTests.Scalar(database, "SELECT sum(requests) FROM red WHERE route = '/old'"));
        }
        Make(path, ok: 100, errors: 3);
        using (SqliteConnection database = StopTests.Open(path))
        {
            // The old ones are beyond sinks.sqlite.max_age, the others are not.
            AssertSums(database, ok: 400, errors: 10);
            Assert.Equal(0, StopTests.Scalar(database, "SELECT count(*) FROM series_key WHERE route = '/old'"));
        }
    }

    private void Make(string path, int ok, int errors)
    {
        using AgentProcess agent = new(fixture.CgroupPath, $"sinks.sqlite.path={path}", "sinks.sqlite.log_rate=5", "sinks.sqlite.max_age=1h");
        using System.Net.Sockets.Socket socket = fixture.Inside(() => Traffic.Connect(fixture.Port));
        for (int i = 0; i < ok; i++)
        {
            Traffic.Exchange(socket, "GET /stored HTTP/1.1\r\nHost: h\r\n\r\n");
        }
        for (int i = 0; i < errors; i++)
        {
            // nginx closes after these.
            fixture.Inside(() => Traffic.Get(fixture.Port, "/500"));
        }
        Assert.Equal(0, agent.Stop());
    }

    /// <summary>Both ends of each request are counted: twice of all.</summary>
    private static void AssertSums(SqliteConnection database, int ok, int errors)
    {
        int all = 2 * (ok + errors);
        Assert.Equal(all, StopTests.Scalar(database, "SELECT sum(requests) FROM red"));
        Assert.Equal(ok, StopTests.Scalar(database, "SELECT sum(requests) FROM red WHERE role = 'server' AND route = '/stored' AND status = 200 AND workload = 'nginx'"));
        Assert.Equal(2 * errors, StopTests.Scalar(database, "SELECT sum(errors) FROM red"));
        Assert.Equal(all, StopTests.Scalar(database, "SELECT sum(seen) FROM request_log_window"));
        Assert.Equal(0, StopTests.Scalar(database, "SELECT sum(seen - kept - thinned - dropped) FROM request_log_window"));
        Assert.Equal(StopTests.Scalar(database, "SELECT sum(kept) FROM request_log_window"), StopTests.Scalar(database, "SELECT count(*) FROM request_log"));
        // Errors are all kept; the rest is thinned, and the kept ones say how many they stand for.
        Assert.Equal(2 * errors, StopTests.Scalar(database, "SELECT count(*) FROM request_log WHERE status = 500"));
        Assert.True(StopTests.Scalar(database, "SELECT sum(thinned) FROM request_log_window") > 0);
        // What was thinned after a run's last sample is in no row's weight.
        Assert.InRange(StopTests.Scalar(database, "SELECT sum(weight) FROM request_log"), StopTests.Scalar(database, "SELECT count(*) FROM request_log"), all);
    }
}
