using System.Numerics;

namespace KubeBpfBox.Core.Red;

/// <content>Cumulative counts for many bounds in one walk.</content>
public sealed partial class DurationHistogram
{
    /// <summary>Adds, for each bound, how many durations were not above it.</summary>
    /// <param name="bounds">The bounds.</param>
    /// <param name="counts">As many.</param>
    public void AddCumulative(DurationBounds bounds, Span<long> counts)
    {
        if (_count == 0)
        {
            return;
        }
        long sum = _under;
        int from = 0;
        ReadOnlySpan<int> ends = bounds.Ends;
        for (int i = 0; i < ends.Length; i++)
        {
            while (from < ends[i])
            {
                int decade = from / BucketsPerDecade, first = decade * BucketsPerDecade;
                int end = Math.Min(ends[i], first + BucketsPerDecade);
                if (_decades[decade] is { } inDecade)
                {
                    sum += Sum(inDecade.AsSpan(from - first, end - from));
                    sum += _carries is null ? 0 : SumOfCarries(from, end);
                }
                from = end;
            }
            counts[i] += sum;
        }
    }

    private long SumOfCarries(int from, int end)
    {
        long sum = 0;
        for (int index = from; index < end; index++)
        {
            sum += _carries![index] << 32;
        }
        return sum;
    }

    private static long Sum(ReadOnlySpan<uint> counts)
    {
        Vector<ulong> sums = Vector<ulong>.Zero;
        int at = 0;
        for (; at <= counts.Length - Vector<uint>.Count; at += Vector<uint>.Count)
        {
            Vector.Widen(new Vector<uint>(counts[at..]), out Vector<ulong> low, out Vector<ulong> high);
            sums += low + high;
        }
        long sum = (long)Vector.Sum(sums);
        for (; at < counts.Length; at++)
        {
            sum += counts[at];
        }
        return sum;
    }
}
