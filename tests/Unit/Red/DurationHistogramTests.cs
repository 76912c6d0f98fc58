using KubeBpfBox.Core.Red;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Red;

public sealed class DurationHistogramTests
{
    private static IEnumerable<long> Bounds()
    {
        for (long power = 100; power <= 10_000_000_000; power *= 10)
        {
            for (int digits = 10; digits <= 99; digits++)
            {
                yield return digits * power;
            }
        }
        yield return DurationHistogram.MaxBoundNs;
    }

    [Fact]
    public void Every_two_digit_bound_is_exact()
    {
        DurationHistogram all = new();
        long recorded = 0;
        foreach (long bound in Bounds())
        {
            DurationHistogram at = new();
            at.Record(bound);
            at.Record(long.MaxValue);
            Assert.Equal(1, at.CountAtOrBelowNs(bound));
            Assert.Equal(0, at.CountAtOrBelowNs(bound - 1));

            DurationHistogram above = new();
            above.Record(bound + 1);
            above.Record(long.MaxValue);
            Assert.Equal(0, above.CountAtOrBelowNs(bound));

            all.Record(bound);
            recorded++;
        }
        all.Record(long.MaxValue);
        long below = 0;
        foreach (long bound in Bounds())
        {
            Assert.Equal(++below, all.CountAtOrBelowNs(bound));
        }
        Assert.Equal(811, recorded);
        Assert.Equal(812, all.CountAtOrBelowNs(long.MaxValue));
    }

    [Theory]
    [InlineData(new double[] { 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10 })] // OpenTelemetry http.server.request.duration
    [InlineData(new double[] { .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10 })] // Prometheus client defaults
    public void Usual_bounds_agree_with_counting(double[] boundsSeconds)
    {
        Random random = new(7);
        DurationHistogram histogram = new();
        List<long> values = [];
        foreach (double seconds in boundsSeconds)
        {
            values.AddRange([(long)(seconds * 1e9) - 1, (long)(seconds * 1e9), (long)(seconds * 1e9) + 1]);
        }
        for (int i = 0; i < 20_000; i++)
        {
            values.Add((long)Math.Pow(10, 2 + (random.NextDouble() * 11)));
        }
        values.ForEach(histogram.Record);
        foreach (double seconds in boundsSeconds)
        {
            long bound = (long)(seconds * 1e9);
            Assert.Equal(values.LongCount(v => v <= bound), histogram.CountAtOrBelowNs(bound));
        }
        Assert.Equal(values.Sum(), histogram.SumNs);
        Assert.Equal(values.Max(), histogram.MaxNs);
        Assert.Equal(values.Count, histogram.Count);
    }

    [Theory]
    [InlineData(3.0, 9.0)]
    [InlineData(5.0, 7.0)]
    [InlineData(6.9, 7.1)]
    [InlineData(3.0, 11.9)]
    public void Quantiles_are_within_a_tenth_of_sorted_data(double fromLog10, double toLog10)
    {
        Random random = new(11);
        long[] values = new long[5000];
        DurationHistogram histogram = new();
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = 1 + (long)Math.Pow(10, fromLog10 + (random.NextDouble() * (toLog10 - fromLog10)));
            histogram.Record(values[i]);
        }
        Array.Sort(values);
        foreach (double q in new[] { 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1 })
        {
            long exact = values[Math.Max(0, (int)Math.Ceiling(q * values.Length) - 1)];
            Assert.InRange(histogram.QuantileNs(q), exact * 0.9, Math.Min(exact * 1.1, values[^1]));
        }
        Assert.Equal(values[^1], histogram.QuantileNs(1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(999)]
    [InlineData(1_050)]
    [InlineData(1_000_000_000_001)]
    [InlineData(long.MaxValue)]
    public void A_quantile_is_never_above_the_maximum(long ns)
    {
        DurationHistogram histogram = new();
        histogram.Record(ns);
        foreach (double q in new[] { double.NaN, double.NegativeInfinity, -1, 0, 0.5, 1, 2, double.PositiveInfinity })
        {
            Assert.InRange(histogram.QuantileNs(q), 0, ns);
        }
        Assert.Equal(ns, histogram.MaxNs);
    }

    [Fact]
    public void Odd_durations_and_emptiness()
    {
        DurationHistogram histogram = new();
        Assert.Equal(0, histogram.QuantileNs(0.5));
        Assert.Equal(0, histogram.CountAtOrBelowNs(long.MaxValue));
        histogram.Record(-5);
        histogram.Record(long.MinValue);
        Assert.Equal((2, 0, 0), (histogram.Count, histogram.SumNs, histogram.MaxNs));
        histogram.Record(long.MaxValue);
        histogram.Record(long.MaxValue);
        Assert.Equal(long.MaxValue, histogram.SumNs);
        Assert.Equal(2, histogram.CountAtOrBelowNs(DurationHistogram.MaxBoundNs));
        Assert.Equal(0, histogram.CountAtOrBelowNs(-1));
    }

    [Fact]
    public void Recording_allocates_nothing_once_its_decades_exist()
    {
        DurationHistogram histogram = new();
        for (long ns = 1; ns > 0 && ns < long.MaxValue / 10; ns *= 10)
        {
            histogram.Record(ns + 1);
        }
        histogram.Clear();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (long ns = 1; ns < 2_000_000_000_000; ns += 1 + (ns / 37))
        {
            histogram.Record(ns);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Add_clone_and_clear()
    {
        DurationHistogram a = Filled(1, 500);
        DurationHistogram b = Filled(2, 700);
        DurationHistogram sum = a.Clone();
        sum.Add(b);
        Assert.Equal((1200, a.SumNs + b.SumNs, Math.Max(a.MaxNs, b.MaxNs)), (sum.Count, sum.SumNs, sum.MaxNs));
        foreach (long bound in Bounds())
        {
            Assert.Equal(a.CountAtOrBelowNs(bound) + b.CountAtOrBelowNs(bound), sum.CountAtOrBelowNs(bound));
        }
        DurationHistogram clone = sum.Clone();
        sum.Clear();
        Assert.Equal(new DurationHistogram().Serialize(), sum.Serialize());
        Assert.Equal(1200, clone.Count);
    }

    [Fact]
    public void Counts_go_beyond_32_bits()
    {
        DurationHistogram histogram = Filled(3, 100);
        long at = histogram.CountAtOrBelowNs(10_000_000);
        for (int i = 0; i < 40; i++)
        {
            histogram.Add(histogram);
        }
        Assert.Equal(100L << 40, histogram.Count);
        Assert.Equal(at << 40, histogram.CountAtOrBelowNs(10_000_000));
        DurationHistogram clone = histogram.Clone();
        Assert.Equal(at << 40, clone.CountAtOrBelowNs(10_000_000));
        Assert.True(DurationHistogram.TryDeserialize(clone.Serialize(), out DurationHistogram? read));
        Assert.Equal(at << 40, read.CountAtOrBelowNs(10_000_000));
        Assert.Equal(histogram.QuantileNs(0.5), read.QuantileNs(0.5));
    }

    [Fact]
    public void Serialized_form_round_trips_and_is_small()
    {
        foreach (int count in new[] { 0, 1, 2, 50, 5000 })
        {
            DurationHistogram histogram = Filled(count, count);
            byte[] bytes = histogram.Serialize();
            Assert.True(DurationHistogram.TryDeserialize(bytes, out DurationHistogram? read));
            Assert.Equal(bytes, read.Serialize());
            Assert.Equal((histogram.Count, histogram.SumNs, histogram.MaxNs), (read.Count, read.SumNs, read.MaxNs));
            Assert.InRange(bytes.Length, 3, 20 + (count * 3));
        }
    }

    [Fact]
    public void Every_prefix_and_every_bent_byte_is_read_or_refused()
    {
        byte[] bytes = Filled(5, 300).Serialize();
        for (int length = 0; length < bytes.Length; length++)
        {
            if (DurationHistogram.TryDeserialize(bytes.AsSpan(0, length), out DurationHistogram? read))
            {
                Assert.Fail($"prefix {length} of {bytes.Length} read as {read.Count} durations");
            }
        }
        for (int i = 0; i < bytes.Length; i++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] bent = [.. bytes];
                bent[i] ^= (byte)(1 << bit);
                CheckSane(bent);
            }
        }
    }

    [Fact]
    public void Hostile_bytes_are_read_or_refused()
    {
        Random random = new(13);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = new byte[random.Next(0, 40)];
            random.NextBytes(bytes);
            if (bytes.Length > 0)
            {
                bytes[0] = (byte)(1 + (i & 1));
            }
            CheckSane(bytes);
        }
    }

    [Theory]
    [InlineData(true, 1, 5, 5, 0, 1)]
    [InlineData(true, 2, 5, 5, 2)]
    [InlineData(true, 2, 0, 0)]
    [InlineData(false)]
    [InlineData(false, 3, 0, 0)] // a version to come
    [InlineData(false, 1, 5, 5, 0, 0)] // a bucket with nothing in it
    [InlineData(false, 2, 5, 5, 0)]
    [InlineData(false, 2, 5, 5, 3, 0)] // nothing skipped, with a byte that says so
    [InlineData(false, 2, 5, 5, 3)] // the end before how many are skipped
    [InlineData(false, 1, 5, 5)] // a sum of nothing
    [InlineData(false, 1, 5, 5, 1, 1)] // maximum and bucket disagree
    [InlineData(false, 2, 5, 5, 3, 1)]
    [InlineData(false, 2, 5, 5, 2, 2)]
    public void Only_what_a_histogram_writes_is_read(bool expected, params int[] bytes) =>
        Assert.Equal(expected, DurationHistogram.TryDeserialize([.. bytes.Select(static b => (byte)b)], out _));

    [Fact]
    public void What_older_agents_stored_is_read()
    {
        // Version 1: 3 of 1 us and less, and after 10 empty buckets 200 of 2.0 to 2.1 us.
        byte[] old = [1, 0x98, 0x9e, 0x19, 0xb4, 0x10, 0, 3, 10, 0xc8, 0x01];
        Assert.True(DurationHistogram.TryDeserialize(old, out DurationHistogram? read));
        Assert.Equal((203, 413_464, 2100), (read.Count, read.SumNs, read.MaxNs));
        Assert.Equal((3, 203), (read.CountAtOrBelowNs(2000), read.CountAtOrBelowNs(2100)));
        byte[] now = read.Serialize();
        Assert.Equal(old.Length - 1, now.Length);
        Assert.True(DurationHistogram.TryDeserialize(now, out DurationHistogram? again));
        Assert.Equal((read.Count, read.SumNs, read.MaxNs), (again.Count, again.SumNs, again.MaxNs));
    }

    [Fact]
    public void Neighbours_take_a_byte_each()
    {
        DurationHistogram histogram = new();
        for (long ns = 10_000_000; ns < 90_000_000; ns += 1_000_000)
        {
            histogram.Record(ns);
        }
        Assert.InRange(histogram.Serialize().Length, 80, 80 + 14);
    }

    [Fact]
    public void What_was_stored_adds_up_without_allocation()
    {
        DurationHistogram one = Filled(8, 400), other = Filled(9, 700), sum = one.Clone(), expected = one.Clone();
        byte[] bytes = other.Serialize();
        expected.Add(other);
        Assert.True(sum.TryAddSerialized(bytes));
        Assert.Equal(expected.Serialize(), sum.Serialize());
        AllocationRounds rounds = new();
        while (rounds.Next())
        {
            Assert.True(sum.TryAddSerialized(bytes));
        }
        Assert.Equal(0, rounds.Least);
    }

    private static void CheckSane(byte[] bytes)
    {
        if (DurationHistogram.TryDeserialize(bytes, out DurationHistogram? read))
        {
            Assert.True(read.Count >= 0 && read.MaxNs >= 0 && read.SumNs >= read.MaxNs);
            Assert.InRange(read.QuantileNs(0.99), 0, read.MaxNs);
            byte[] before = read.Serialize();
            DurationHistogram sum = new();
            Assert.True(sum.TryAddSerialized(bytes));
            Assert.Equal(before, sum.Serialize());
            Assert.True(sum.TryAddSerialized(bytes));
            read.Add(read);
            Assert.Equal(read.Serialize(), sum.Serialize());
            Assert.True(read.Count >= 0);
            Assert.InRange(read.CountAtOrBelowNs(1_000_000), 0, read.Count);
        }
        else
        {
            DurationHistogram kept = Filled(1, 10);
            byte[] before = kept.Serialize();
            Assert.False(kept.TryAddSerialized(bytes));
            Assert.Equal(before, kept.Serialize());
        }
    }

    private static DurationHistogram Filled(int seed, int count)
    {
        Random random = new(seed);
        DurationHistogram histogram = new();
        for (int i = 0; i < count; i++)
        {
            histogram.Record((long)Math.Pow(10, 2 + (random.NextDouble() * 11)));
        }
        return histogram;
    }
}
