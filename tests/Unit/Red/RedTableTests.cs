using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Red;

public sealed class RedTableTests
{
    private const long SecondNs = 1_000_000_000;
    private static readonly Connection Capture = Connection.Create(default, default);
    private static readonly Connection Nginx = Local("nginx.service");

    private static Connection Local(string workload)
    {
        Connection connection = Connection.Create(default, default, isLocalSocket: true);
        connection.Workload = new Workload(workload, "cgroup");
        return connection;
    }

    private static void Pass(RedTable table, string target = "/", string method = "GET", int status = 200, string? error = null, string? role = "server",
        Connection? connection = null, long startNs = 0, long durationNs = 1_000_000, long requestBytes = 100, long responseBytes = 1000)
    {
        table.Enter();
        table.OnTransaction(new Transaction
        {
            Connection = connection ?? (role is null ? Capture : Nginx),
            Protocol = "http",
            ClientSide = role == "client" ? Side.A : Side.B,
            StartNs = startNs,
            DurationNs = durationNs,
            Method = Encoding.ASCII.GetBytes(method),
            Target = Encoding.ASCII.GetBytes(target),
            Status = status,
            Error = error,
            RequestBytes = requestBytes,
            ResponseBytes = responseBytes,
        });
        table.Exit();
    }

    [Fact]
    public void A_series_counts_and_measures()
    {
        RedTable table = new();
        Pass(table, "/users/1?x=1", durationNs: 5_000_000);
        Pass(table, "/users/2", durationNs: 7_000_000, requestBytes: 11, responseBytes: 13);
        RedSeriesSnapshot series = Assert.Single(table.Snapshot());
        Assert.Equal(("nginx.service", "server", "http", "GET", "/users/{id}"), (series.Workload.Name, series.Role, series.Protocol, series.Method, series.Route));
        Assert.Equal((200, null, 2L, 0L, 111L, 1013L), (series.Status, series.ErrorType, series.Count, series.Errors, series.RequestBytes, series.ResponseBytes));
        Assert.Equal((2, 12_000_000, 7_000_000), (series.Duration.Count, series.Duration.SumNs, series.Duration.MaxNs));
        Assert.Equal(1, series.Duration.CountAtOrBelowNs(5_000_000));
        Assert.False(series.IsOverflow);
    }

    [Fact]
    public void Series_are_told_apart_by_names_not_by_how_they_were_found()
    {
        RedTable table = new();
        Workload pod = new("web", WorkloadSource.Cgroup) { Kind = "Deployment", Namespace = "shop", Pod = "web-1", Container = "server" };
        foreach (Workload workload in (Workload[])[pod, pod with { Source = WorkloadSource.Socket, ProcessId = 7 }, pod with { Pod = "web-2" }, pod with { Namespace = "other" }, pod with { Container = "side" }])
        {
            Connection connection = Connection.Create(default, default, isLocalSocket: true);
            connection.Workload = workload;
            Pass(table, connection: connection);
        }
        Assert.Equal([2L, 1L, 1L, 1L], table.Snapshot().Select(static series => series.Count));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Series_of_a_deleted_pod_go_some_minutes_after_its_last_request(bool windowsAreTaken)
    {
        const long Minute = 60_000_000_000;
        RedTable table = new();
        WorkloadLifetime lifetime = new();
        Connection connection = Connection.Create(default, default, isLocalSocket: true);
        connection.Workload = new Workload("web", WorkloadSource.Cgroup) { Pod = "web-1", Lifetime = lifetime };
        Pass(table, connection: connection, startNs: Minute);
        Pass(table, "/other", startNs: Minute);
        lifetime.End();
        Pass(table, "/other", startNs: 6 * Minute);
        Assert.Equal(2, table.Snapshot().Count);
        if (windowsAreTaken)
        {
            Assert.Equal(2, table.TakeWindow().Count);
        }
        Pass(table, "/other", startNs: 6 * Minute + 1);
        Assert.Equal("/other", Assert.Single(windowsAreTaken ? table.TakeWindow() : table.Snapshot()).Route);
        Assert.Equal("/other", Assert.Single(table.Snapshot()).Route);
        Assert.Equal((1, 1), (table.EvictedSeries.Value, table.EvictedTransactions.Value));
    }

    [Fact]
    public void Every_part_of_the_key_makes_a_series()
    {
        RedTable table = new();
        for (int repeat = 0; repeat < 3; repeat++)
        {
            Pass(table);
            Pass(table, connection: Local("nginx.service")); // the same name is the same workload
            Pass(table, connection: Local("other.service"));
            Pass(table, role: "client");
            Pass(table, role: null);
            Pass(table, method: "POST");
            Pass(table, "/other");
            Pass(table, status: 404);
            Pass(table, status: 200, error: TransactionError.ConnectionReset);
        }
        IReadOnlyList<RedSeriesSnapshot> all = table.Snapshot();
        Assert.Equal(8, all.Count);
        Assert.Equal([6L, 3L, 3L, 3L, 3L, 3L, 3L, 3L], all.Select(s => s.Count));
        Assert.Equal(["nginx.service", "other.service", "nginx.service", "unknown"], all.Take(4).Select(s => s.Workload.Name));
    }

    [Theory]
    [InlineData("server", 200, null, null)]
    [InlineData("server", 302, null, null)]
    [InlineData("server", 404, null, null)]
    [InlineData("server", 499, null, null)]
    [InlineData("server", 500, null, "500")]
    [InlineData("server", 599, null, "599")]
    [InlineData("server", 999, null, "999")]
    [InlineData("server", 0, TransactionError.Timeout, "timeout")]
    [InlineData("server", 0, TransactionError.ConnectionReset, "connection_reset")]
    [InlineData("server", 0, TransactionError.ConnectionClosed, "connection_closed")]
    [InlineData("server", 200, TransactionError.ConnectionClosed, null)]
    [InlineData("server", 200, TransactionError.ConnectionReset, "connection_reset")]
    [InlineData("server", 503, TransactionError.ConnectionReset, "503")]
    [InlineData("server", 0, TransactionError.NotCaptured, null)]
    [InlineData("server", 0, TransactionError.Malformed, null)]
    [InlineData(null, 404, null, null)]
    [InlineData(null, 502, null, "502")]
    [InlineData("client", 200, null, null)]
    [InlineData("client", 399, null, null)]
    [InlineData("client", 400, null, "400")]
    [InlineData("client", 404, null, "404")]
    [InlineData("client", 500, null, "500")]
    [InlineData("client", 0, TransactionError.Timeout, "timeout")]
    [InlineData("client", 0, TransactionError.NotCaptured, null)]
    public void Errors_by_role(string? role, int status, string? error, string? expectedType)
    {
        RedTable table = new();
        Pass(table, role: role, status: status, error: error);
        Pass(table, role: role, status: status, error: error); // the remembered way must agree
        RedSeriesSnapshot series = Assert.Single(table.Snapshot());
        Assert.Equal((expectedType, 2L, expectedType is null ? 0L : 2L), (series.ErrorType, series.Count, series.Errors));
    }

    [Fact]
    public void Only_what_was_answered_has_a_duration()
    {
        RedTable table = new();
        Pass(table, status: 0, error: TransactionError.Timeout, durationNs: -1);
        Pass(table, status: 0, error: TransactionError.NotCaptured, durationNs: 5);
        Pass(table, status: 200, durationNs: 5);
        Assert.Equal([0L, 0L, 1L], table.Snapshot().Select(s => s.Duration.Count));
        Assert.Equal([1L, 1L, 1L], table.Snapshot().Select(s => s.Count));
    }

    [Theory]
    [InlineData("GET", "GET")]
    [InlineData("HEAD", "HEAD")]
    [InlineData("POST", "POST")]
    [InlineData("PUT", "PUT")]
    [InlineData("DELETE", "DELETE")]
    [InlineData("CONNECT", "CONNECT")]
    [InlineData("OPTIONS", "OPTIONS")]
    [InlineData("TRACE", "TRACE")]
    [InlineData("PATCH", "PATCH")]
    [InlineData("get", "_OTHER")]
    [InlineData("PROPFIND", "_OTHER")]
    [InlineData("X", "_OTHER")]
    [InlineData("GETGETGETGETGET", "_OTHER")]
    public void Methods(string method, string expected)
    {
        RedTable table = new();
        Pass(table, method: method);
        Assert.Equal(expected, Assert.Single(table.Snapshot()).Method);
    }

    [Fact]
    public void A_response_without_request_is_in_no_series()
    {
        RedTable table = new();
        Pass(table, target: "", method: "", durationNs: -1);
        Assert.Empty(table.Snapshot());
        Assert.Equal((1, 1), (table.ResponsesWithoutRequest.Value, table.Transactions.Value));
    }

    [Fact]
    public void What_is_over_the_cap_goes_to_a_visible_series()
    {
        RedTable table = new(maxSeries: 3);
        for (int repeat = 0; repeat < 2; repeat++)
        {
            for (char c = 'a'; c <= 'j'; c++)
            {
                Pass(table, "/" + c, status: c == 'j' ? 500 : 200);
            }
        }
        Pass(table, "/z", role: "client", status: 404);
        IReadOnlyList<RedSeriesSnapshot> all = table.Snapshot();
        Assert.Equal(["/a", "/b", "/c", "overflow", "overflow"], all.Select(s => s.Route));
        Assert.Equal([false, false, false, true, true], all.Select(s => s.IsOverflow));
        RedSeriesSnapshot over = all[3];
        Assert.Equal(("overflow", "server", "http", "overflow", 0, null), (over.Workload.Name, over.Role, over.Protocol, over.Method, over.Status, over.ErrorType));
        Assert.Equal((14, 2, 14, 1400), (over.Count, over.Errors, over.Duration.Count, over.RequestBytes));
        Assert.Equal(("client", 1L, 1L), (all[4].Role, all[4].Count, all[4].Errors));
        Assert.Equal((15, 3), (table.OverflowTransactions.Value, table.SeriesCount));
        Assert.Equal(table.Transactions.Value, all.Sum(s => s.Count));
    }

    [Fact]
    public void A_hundred_thousand_urls_collapse_or_overflow()
    {
        RedTable table = new();
        for (int i = 0; i < 100_000; i++)
        {
            Pass(table, (i % 4) switch
            {
                0 => $"/users/{i}/orders/{i * 7}",
                1 => $"/objects/{new Guid(i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10):D}",
                2 => $"/static/app.{i * 2654435761u:x8}1.js",
                _ => $"/{(char)('a' + (i % 26))}{(char)('a' + (i / 26 % 26))}{(char)('a' + (i / 676 % 26))}", // random words cannot be told from names
            });
        }
        IReadOnlyList<RedSeriesSnapshot> all = table.Snapshot();
        Assert.InRange(table.SeriesCount, 4, table.MaxSeries);
        Assert.Equal(25_000, all.Single(s => s.Route == "/users/{id}/orders/{id}").Count);
        Assert.Equal(25_000, all.Single(s => s.Route == "/objects/{id}").Count);
        Assert.Equal(25_000, all.Single(s => s.Route == "/static/app.{hash}.js").Count);
        Assert.Equal(100_000, all.Sum(s => s.Count));
        Assert.Equal(table.OverflowTransactions.Value, all.Where(s => s.IsOverflow).Sum(s => s.Count));
        Assert.True(table.OverflowTransactions.Value > 0);
    }

    [Fact]
    public void Windows_add_up_to_totals()
    {
        RedTable table = new(maxSeries: 20);
        Random random = new(3);
        Dictionary<(string, int), (long Count, long Errors, long Bytes, DurationHistogram Duration)> sums = [];
        for (int window = 0; window < 20; window++)
        {
            for (int i = random.Next(0, 50); i > 0; i--)
            {
                Pass(table, "/" + (char)('a' + random.Next(15)), status: random.Next(2) == 0 ? 200 : 500, durationNs: random.Next(1, 100_000_000), responseBytes: random.Next(1000));
            }
            foreach (RedSeriesSnapshot s in table.TakeWindow())
            {
                Assert.True(s.Count > 0);
                var sum = sums.GetValueOrDefault((s.Route, s.Status), (0, 0, 0, new DurationHistogram()));
                sum.Duration.Add(s.Duration);
                sums[(s.Route, s.Status)] = (sum.Count + s.Count, sum.Errors + s.Errors, sum.Bytes + s.ResponseBytes, sum.Duration);
            }
        }
        Assert.Empty(table.TakeWindow());
        IReadOnlyList<RedSeriesSnapshot> totals = table.Snapshot();
        Assert.Equal(sums.Count, totals.Count);
        foreach (RedSeriesSnapshot total in totals)
        {
            var sum = sums[(total.Route, total.Status)];
            Assert.Equal((sum.Count, sum.Errors, sum.Bytes), (total.Count, total.Errors, total.ResponseBytes));
            Assert.Equal(sum.Duration.Serialize(), total.Duration.Serialize());
        }
    }

    [Fact]
    public void Snapshots_do_not_change_afterwards()
    {
        RedTable table = new();
        Pass(table);
        RedSeriesSnapshot total = Assert.Single(table.Snapshot());
        RedSeriesSnapshot window = Assert.Single(table.TakeWindow());
        Pass(table);
        Assert.Equal((1, 1, 1, 1), (total.Count, total.Duration.Count, window.Count, window.Duration.Count));
        Assert.Equal((2, 1), (Assert.Single(table.Snapshot()).Count, Assert.Single(table.TakeWindow()).Count));
    }

    [Fact]
    public void Idle_series_make_room_only_at_the_cap_and_after_the_idle_time()
    {
        RedTable table = new(maxSeries: 2, idle: TimeSpan.FromSeconds(100));
        Pass(table, "/a", startNs: 0);
        Pass(table, "/b", startNs: 50 * SecondNs);
        Pass(table, "/c", startNs: 100 * SecondNs);
        Assert.Equal(["/a", "/b", "overflow"], table.Snapshot().Select(s => s.Route));
        Pass(table, "/c", startNs: 101 * SecondNs); // the same target again, remembered as overflow until now
        Assert.Equal(["/b", "/c", "overflow"], table.Snapshot().Select(s => s.Route));
        Pass(table, "/b", startNs: 102 * SecondNs);
        Pass(table, "/a", startNs: 103 * SecondNs);
        Assert.Equal([2L, 1L, 2L], table.Snapshot().Select(s => s.Count));
        Assert.Equal((1, 1, 2), (table.EvictedSeries.Value, table.EvictedTransactions.Value, table.OverflowTransactions.Value));
        Assert.Equal(table.Transactions.Value, table.Snapshot().Sum(s => s.Count) + table.EvictedTransactions.Value);
    }

    [Fact]
    public void A_window_not_yet_taken_keeps_its_series()
    {
        RedTable table = new(maxSeries: 1, idle: TimeSpan.FromSeconds(1));
        Assert.Empty(table.TakeWindow());
        Pass(table, "/a", startNs: 0);
        Pass(table, "/b", startNs: 10 * SecondNs);
        Assert.Equal(["/a", "overflow"], table.TakeWindow().Select(s => s.Route));
        Pass(table, "/b", startNs: 20 * SecondNs);
        Assert.Equal(["/b"], table.TakeWindow().Select(s => s.Route));
    }

    [Fact]
    public void A_hit_allocates_nothing()
    {
        RedTable table = new(maxSeries: 4);
        byte[][] targets = [.. new[] { "/a", "/users/1", "/users/2", "/b", "/c", "/d", "/" + new string('x', 200) }.Select(Encoding.ASCII.GetBytes)];
        void PassAll(int rounds)
        {
            table.Enter();
            for (int i = 0; i < rounds; i++)
            {
                foreach (byte[] target in targets)
                {
                    table.OnTransaction(new Transaction
                    {
                        Connection = Nginx, Protocol = "http", ClientSide = Side.B, StartNs = i, DurationNs = 1_000_000, Method = "GET"u8, Target = target, Status = 200,
                    });
                }
            }
            table.Exit();
        }
        PassAll(2);
        table.TakeWindow();
        PassAll(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        PassAll(100);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public async Task Another_thread_may_take_snapshots()
    {
        RedTable table = new(maxSeries: 50);
        long windows = 0;
        using CancellationTokenSource done = new();
        Task reader = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                windows += table.TakeWindow().Sum(s => s.Count);
                Assert.All(table.Snapshot(), s => Assert.Equal(s.Count, s.Duration.Count));
            }
        }, TestContext.Current.CancellationToken);
        for (int i = 0; i < 20_000; i++)
        {
            Pass(table, "/" + (char)('a' + (i % 26)) + (char)('a' + (i % 7)));
        }
        await done.CancelAsync();
        await reader;
        windows += table.TakeWindow().Sum(s => s.Count);
        Assert.Equal(20_000, windows);
        Assert.Equal(20_000, table.Snapshot().Sum(s => s.Count));
    }
}
