using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Red;

public sealed class RedExemplarTests
{
    private const long MsNs = 1_000_000;
    private const long StartNs = 1_769_860_800_000_000_000;
    private static readonly Connection s_connection = Connection.Create(default, default, isLocalSocket: true);

    private readonly RedTable _table = new();

    [Fact]
    public void The_latest_of_each_order_of_durations_are_kept()
    {
        Pass(1, 0.5);
        Pass(2, 5);
        Pass(3, 50);
        Pass(4, 500);
        Pass(5, 5000);
        Pass(6, 6, atMs: 2000);
        Assert.Equal([(1, 0.5), (6, 6), (3, 50), (4, 500), (5, 5000)], Total());
        Assert.Equal(StartNs + (2006 * MsNs), Assert.Single(_table.Snapshot()).Exemplars[1].EndNs);
    }

    [Fact]
    public void A_place_takes_one_a_second()
    {
        Pass(1, 5);
        Pass(2, 5, atMs: 999);
        Assert.Equal([(1, 5.0)], Total());
        Pass(3, 5, atMs: 1000);
        Assert.Equal([(3, 5.0)], Total());
        Pass(4, 5, atMs: 500);
        Assert.Equal([(3, 5.0)], Total());
    }

    [Fact]
    public void What_leads_to_no_trace_or_has_no_duration_is_none()
    {
        Pass(null, 5);
        Pass(1, 5, isSampled: false);
        Pass(2, durationMs: -1);
        Assert.Empty(Total());
    }

    [Fact]
    public void A_window_has_those_of_its_time()
    {
        Pass(1, 5);
        Pass(2, 50);
        Assert.Equal(2, Assert.Single(_table.TakeWindow()).Exemplars.Count);
        Pass(3, 50, atMs: 5000);
        RedExemplar one = Assert.Single(Assert.Single(_table.TakeWindow()).Exemplars);
        Assert.Equal(new TraceContext(3, 0xabc, IsSampled: true), one.Trace);
        Assert.Equal([(1, 5.0), (3, 50.0)], Total());
    }

    [Fact]
    public void Keeping_them_allocates_nothing_once_there_is_one()
    {
        Pass(1, 5);
        Pass(1, 50);
        AllocationRounds rounds = new();
        for (int from = 2; rounds.Next(); from += 100)
        {
            for (int i = from; i < from + 100; i++)
            {
                Pass((ulong)i, i % 100, atMs: i * 1000);
            }
        }
        Assert.Equal(0, rounds.Least);
    }

    private IEnumerable<(int, double)> Total() => _table.Snapshot().SelectMany(static series => series.Exemplars).Select(static one => ((int)one.Trace.TraceId, one.DurationNs / (double)MsNs));

    private void Pass(ulong? trace, double durationMs, long atMs = 0, bool isSampled = true)
    {
        Span<byte> buffer = stackalloc byte[TraceContext.AttributesLength];
        AttributeWriter attributes = new(buffer);
        if (trace is { } id)
        {
            new TraceContext(id, 0xabc, isSampled).AddTo(ref attributes);
        }
        else
        {
            attributes.TryAdd("tunnel"u8, true);
        }
        _table.Enter();
        _table.OnTransaction(new Transaction
        {
            Connection = s_connection, Protocol = "http", ClientSide = Side.B, StartNs = StartNs + (atMs * MsNs), DurationNs = durationMs < 0 ? -1 : (long)(durationMs * MsNs),
            Method = "GET"u8, Target = "/"u8, Status = 200, Attributes = attributes.Written,
        });
        _table.Exit();
    }
}
