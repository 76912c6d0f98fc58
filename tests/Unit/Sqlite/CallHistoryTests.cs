using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Sinks.Sqlite;
using KubeBpfBox.Unit.Support;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Unit.Sqlite;

/// <summary>Who calls whom, stored and read back.</summary>
public sealed class CallHistoryTests : IDisposable
{
    private static readonly Workload s_web = Named("web", "shop"), s_cart = Named("cart", "shop"), s_overflow = new("overflow", WorkloadSource.Unknown);

    private readonly TemporaryDirectory _directory = new();
    private readonly ManualTime _time = new();
    private readonly Ledger _ledger = new();

    private string Path => _directory.File("k.db");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Calls_are_read_in_every_step_with_both_ends()
    {
        CallKey[] keys =
        [
            new(s_web, s_cart, "client", "http", false), new(s_web, s_cart, "server", "http", false), new(Workload.Unknown, s_web, "server", "http", false),
            new(s_overflow, s_overflow, "server", "http", true), new(s_overflow, s_overflow, "server", "http", false), new(Named("web", "other"), s_cart, "server", "http", false),
        ];
        long firstS = Fill(500, keys);
        using (SqliteConnection connection = Database.OpenToRead(Path))
        {
            Assert.Equal(6, Database.Scalar(connection, "SELECT count(*) FROM call_key"));
            Assert.Equal(500 * 2 * 3, Database.Scalar(connection, "SELECT sum(requests) FROM calls WHERE source = 'web' AND destination = 'cart'"));
            Assert.True(Database.Scalar(connection, "SELECT count(*) FROM calls_600") > 0);
        }
        foreach (int step in new HistoryReader(Path).StepsS)
        {
            Dictionary<CallKey, (long Requests, long Durations)> sums = Read(step, firstS / 3600 * 3600, HistoryFilter.All);
            Assert.Equal(keys.ToHashSet(), [.. sums.Keys]);
            Assert.All(sums.Values, static sum => Assert.Equal((1000, 500), sum));
        }
        Assert.All(_ledger.Stages, static stage => Assert.Equal(0, stage.Unaccounted));
    }

    [Fact]
    public void Either_end_may_meet_the_conditions_and_the_role_is_not_asked()
    {
        CallKey[] keys =
        [
            new(s_web, s_cart, "client", "http", false), new(s_cart, Named("db", "data"), "client", "http", false), new(Named("web", "data"), Named("db", "data"), "server", "http", false),
        ];
        long firstS = Fill(2, keys);
        Assert.Equal(2, Read(10, firstS, new HistoryFilter(Workload: "cart", Role: "server")).Count);
        Assert.Equal(2, Read(10, firstS, new HistoryFilter(Workload: "web")).Count);
        // Of one end, not one condition of each.
        Assert.Equal([keys[2]], Read(10, firstS, new HistoryFilter(Namespace: "data", Workload: "web")).Keys);
        Assert.Equal([keys[0], keys[1]], Read(10, firstS, new HistoryFilter(Namespace: "shop", Kind: "Deployment")).Keys);
    }

    private long Fill(int windows, CallKey[] keys)
    {
        using SqliteSink sink = new(new SqliteSinkOptions { Path = Path }, _ledger, new ListLogger(), _time);
        long firstS = _time.NowMs / 1000;
        DurationHistogram duration = new();
        duration.Record(5_000_000);
        for (int window = 0; window < windows; window++)
        {
            CallSnapshot[] calls = [.. keys.Select(key => new CallSnapshot { Key = key, Count = 2, Errors = 1, RequestBytes = 10, ResponseBytes = 20, Duration = duration })];
            sink.OnWindow(new RedWindow((firstS + (window * 10)) * 1_000_000_000, 10_000_000_000, []) { Calls = calls });
            _time.Advance(10);
            sink.RunOnce();
        }
        return firstS;
    }

    private Dictionary<CallKey, (long Requests, long Durations)> Read(int step, long sinceS, HistoryFilter filter)
    {
        Dictionary<CallKey, (long Requests, long Durations)> sums = [];
        new HistoryReader(Path).ReadCalls(sinceS, sinceS + 7200, step, filter, (in HistoryRow<CallKey> row) =>
        {
            Assert.True(DurationHistogram.TryDeserialize(row.Durations, out DurationHistogram? durations));
            sums.TryGetValue(row.Key, out (long Requests, long Durations) sum);
            sums[row.Key] = (sum.Requests + row.Requests, sum.Durations + durations.Count);
        }, CancellationToken.None);
        return sums;
    }

    private static Workload Named(string name, string @namespace) => new(name, WorkloadSource.Unknown) { Namespace = @namespace, Kind = "Deployment" };
}
