using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Red;

public sealed class RedReaderTests
{
    private const long SecondNs = 1_000_000_000;
    private static readonly long[] s_boundsNs = [1_000, 500_000, 1_000_000, 75_000_000, 750_000_000, 10_000_000_000, 990_000_000_000];

    [Fact]
    public void A_reading_says_what_a_snapshot_says()
    {
        RedTable table = new(maxSeries: 300);
        Random random = new(5);
        for (int i = 0; i < 5000; i++)
        {
            Pass(table, i % 290, durationNs: random.Next(20) == 0 ? -1 : (long)Math.Pow(10, random.NextDouble() * 13));
            if (i == 3000)
            {
                table.TakeWindow();
            }
        }
        Dictionary<string, RedSeriesSnapshot> snapshots = table.Snapshot().ToDictionary(static one => one.Workload.Name);
        RedReader reader = new(table, new DurationBounds(s_boundsNs));
        for (int round = 0; round < 2; round++)
        {
            int read = 0;
            reader.Begin();
            while (reader.TryReadSlice(static _ => true))
            {
                foreach (RedReading reading in reader.Slice)
                {
                    RedSeriesSnapshot expected = snapshots[reading.Series.Workload.Name];
                    Assert.Equal((expected.Count, expected.RequestBytes, expected.ResponseBytes), (reading.Count, reading.RequestBytes, reading.ResponseBytes));
                    Assert.Equal((expected.Duration.Count, expected.Duration.SumNs), (reading.DurationCount, reading.DurationSumNs));
                    Assert.Equal(s_boundsNs.Select(expected.Duration.CountAtOrBelowNs), reading.Cumulative.ToArray());
                    read++;
                }
            }
            Assert.Equal(290, read);
            Assert.True(reader.LongestHold > TimeSpan.Zero);
        }
    }

    [Fact]
    public void Counts_beyond_32_bits_are_read()
    {
        DurationHistogram half = new();
        half.Record(2_000_000);
        for (int i = 0; i < 33; i++)
        {
            half.Add(half.Clone());
        }
        long[] counts = [1, 1];
        half.AddCumulative(new DurationBounds(1_000_000, 5_000_000), counts);
        Assert.Equal([1, 1 + (1L << 33)], counts);
    }

    [Theory]
    [InlineData(999)]
    [InlineData(1_000_000_000_000)]
    public void Bounds_outside_of_the_histogram_are_refused(long boundNs) => Assert.Throws<ArgumentOutOfRangeException>(() => new DurationBounds(boundNs));

    [Fact]
    public void Series_that_leave_while_it_reads_do_no_harm_and_those_of_deleted_pods_are_left_out()
    {
        RedTable table = new(maxSeries: 200);
        WorkloadLifetime lifetime = new();
        for (int i = 0; i < 200; i++)
        {
            Pass(table, i, lifetime: i < 150 ? lifetime : null);
        }
        RedReader reader = new(table, new DurationBounds(s_boundsNs));
        reader.Begin();
        Assert.True(reader.TryReadSlice(static _ => true));
        Assert.Equal(RedReader.SliceLength, reader.Slice.Length);
        lifetime.End();
        Pass(table, 199, startNs: 400 * SecondNs);
        Assert.Equal(50, table.Snapshot().Count);
        Assert.True(reader.TryReadSlice(static _ => true));
        Assert.Equal(50, reader.Slice.Length);
        Assert.False(reader.TryReadSlice(static _ => true));
        Assert.Equal((50, 150), (table.SeriesCount, table.EvictedSeries.Value));
        Assert.Equal(table.SeriesTransactions.Value, table.Snapshot().Sum(static one => one.Count) + table.EvictedTransactions.Value);

        WorkloadLifetime other = new();
        Pass(table, 500, lifetime: other, startNs: 400 * SecondNs);
        other.End();
        Pass(table, 199, startNs: 800 * SecondNs);
        reader.Begin();
        Assert.True(reader.TryReadSlice(static _ => true));
        Assert.Equal(50, reader.Slice.Length);
        Assert.Equal(51, table.SeriesCount);
        Assert.False(reader.TryReadSlice(static _ => true));
        Assert.Equal(50, table.SeriesCount);
    }

    [Fact]
    public void Reading_allocates_nothing_once_warm()
    {
        RedTable table = new(maxSeries: 300);
        for (int i = 0; i < 300; i++)
        {
            Pass(table, i);
        }
        RedReader reader = new(table, new DurationBounds(s_boundsNs));
        AllocationRounds rounds = new();
        while (rounds.Next())
        {
            Read(reader);
        }
        Assert.Equal(0, rounds.Least);
    }

    [Fact]
    public async Task Others_may_count_meanwhile()
    {
        RedTable table = new(maxSeries: 300);
        using CancellationTokenSource done = new();
        Task reading = Task.Run(() =>
        {
            RedReader reader = new(table, new DurationBounds(s_boundsNs));
            Dictionary<string, long> before = [];
            while (!done.IsCancellationRequested)
            {
                reader.Begin();
                while (reader.TryReadSlice(static _ => true))
                {
                    foreach (RedReading one in reader.Slice)
                    {
                        Assert.Equal(one.Count, one.DurationCount);
                        Assert.Equal(one.Count, one.Cumulative[^1]);
                        Assert.True(one.Count >= before.GetValueOrDefault(one.Series.Workload.Name));
                        before[one.Series.Workload.Name] = one.Count;
                    }
                }
            }
        }, TestContext.Current.CancellationToken);
        for (int i = 0; i < 20_000; i++)
        {
            Pass(table, i % 300);
        }
        await done.CancelAsync();
        await reading;
    }

    private static void Read(RedReader reader)
    {
        reader.Begin();
        while (reader.TryReadSlice(static _ => true))
        {
        }
    }

    private static void Pass(RedTable table, int workload, long durationNs = 1_000_000, WorkloadLifetime? lifetime = null, long startNs = 0)
    {
        Connection connection = Connection.Create(default, default, isLocalSocket: true);
        connection.Workload = new Workload($"w{workload}", "cgroup") { Lifetime = lifetime };
        table.Enter();
        table.OnTransaction(new Transaction
        {
            Connection = connection, Protocol = "http", ClientSide = Side.B, StartNs = startNs, DurationNs = durationNs, Method = "GET"u8, Target = "/"u8, Status = 200,
            RequestBytes = 10, ResponseBytes = 20,
        });
        table.Exit();
    }
}
