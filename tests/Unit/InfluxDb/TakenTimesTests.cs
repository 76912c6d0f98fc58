using KubeBpfBox.Sinks.InfluxDb;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.InfluxDb;

public sealed class TakenTimesTests
{
    [Fact]
    public void A_time_that_is_free_stays_and_the_next_is_beside_it()
    {
        TakenTimes times = new();
        Assert.Equal(100, times.Take(1, 100));
        Assert.Equal(100, times.Take(2, 100));
        Assert.Equal(101, times.Take(1, 100));
        Assert.Equal(102, times.Take(1, 101));
        Assert.Equal(99, times.Take(1, 99));
        Assert.Equal(103, times.Take(1, 99));
        Assert.Equal(104, times.Take(1, 100));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Among_the_points_remembered_no_two_are_the_same(int seed)
    {
        const int Remembered = 500;
        Random random = new(seed);
        TakenTimes times = new(Remembered);
        Queue<(ulong, long)> last = new();
        HashSet<(ulong, long)> taken = [];
        for (int i = 0; i < 100_000; i++)
        {
            ulong series = (ulong)random.Next(4) * 0x1234_5678_9ABC_DEF1;
            long wanted = 1_770_000_000_000_000_000 + (i / 100) + random.Next(20);
            long time = times.Take(series, wanted);
            Assert.True(taken.Add((series, time)), $"point {i} of series {series} at {time} is there already");
            // No free time was passed over by more than what was forgotten meanwhile.
            Assert.InRange(time - wanted, 0, i);
            last.Enqueue((series, time));
            if (last.Count > Remembered)
            {
                taken.Remove(last.Dequeue());
            }
        }
    }

    [Fact]
    public void Many_of_one_nanosecond_cost_no_more_each()
    {
        TakenTimes times = new();
        for (int i = 0; i < 200_000; i++)
        {
            Assert.Equal(1000 + i, times.Take(7, 1000));
        }
    }

    [Fact]
    public void Nothing_is_allocated_once_it_has_grown()
    {
        TakenTimes times = new(1000);
        AllocationRounds rounds = new();
        for (long firstNs = 0; rounds.Next(); firstNs += 1_000_000)
        {
            Take(times, firstNs);
        }
        Assert.Equal(0, rounds.Least);
    }

    private static void Take(TakenTimes times, long firstNs)
    {
        for (int i = 0; i < 20_000; i++)
        {
            _ = times.Take(1, firstNs + (i / 2));
        }
    }
}
