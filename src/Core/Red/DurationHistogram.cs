using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace KubeBpfBox.Core.Red;

/// <summary>How long things took: a count for every duration of two significant decimal digits.</summary>
/// <remarks>
/// Shape: buckets (lower, upper] whose bounds are 1.0, 1.1, ... 9.9 times each power of ten from 1 µs to 1000 s, with one bucket for
/// 1 µs and less and one for more than 1000 s. The bounds that Prometheus and OpenTelemetry use by default (0.005 s, 0.075 s, 7.5 s) are
/// bounds here, so their cumulative counts are exact. A quantile is off by at most a tenth of itself.
/// Units: nanoseconds. Errors: none; a negative duration counts as 0, sums stop at <see cref="long.MaxValue"/>.
/// Lifetime: a decade's counters are allocated when the first duration falls into it. Not thread-safe.
/// </remarks>
public sealed partial class DurationHistogram
{
    /// <summary>The lowest bound: shorter durations are not told apart.</summary>
    public const long MinBoundNs = 1_000;

    /// <summary>The highest bound: longer durations are not told apart.</summary>
    public const long MaxBoundNs = 1_000_000_000_000;

    internal const int DecadeCount = 9;
    internal const int BucketsPerDecade = 90;
    private const int BucketCount = DecadeCount * BucketsPerDecade;

    /// <summary>Where the count of one bucket stops; a bit is left for the stored form.</summary>
    private const long MaxCount = long.MaxValue >> 1;

    private Decades _decades;
    private long[]? _carries;
    private long _under;
    private long _over;
    private long _count;
    private long _sumNs;
    private long _maxNs;

    /// <summary>How many durations were recorded.</summary>
    public long Count => _count;

    /// <summary>Their exact sum.</summary>
    public long SumNs => _sumNs;

    /// <summary>The longest, exactly; 0 when there is none.</summary>
    public long MaxNs => _maxNs;

    private static readonly ulong[] PowersOfTen =
    [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000,
        1_000_000_000_000,
    ];

    // ceil(2^57 / 5^k) for k = 2..10: divides any x < 100 * 5^k by 5^k exactly, as x * (error < 5^k) stays below 2^57.
    private static readonly ulong[] FifthsReciprocal =
    [
        5_764_607_523_034_235, 1_152_921_504_606_847, 230_584_300_921_370, 46_116_860_184_274, 9_223_372_036_855,
        1_844_674_407_371, 368_934_881_475, 73_786_976_295, 14_757_395_259,
    ];

    /// <summary>Counts one duration.</summary>
    public void Record(long ns)
    {
        ns = Math.Max(ns, 0);
        _count++;
        _sumNs = AddSaturating(_sumNs, ns);
        _maxNs = Math.Max(_maxNs, ns);
        if (ns <= MinBoundNs)
        {
            _under++;
            return;
        }
        if (ns > MaxBoundNs)
        {
            _over++;
            return;
        }
        int bucket = BucketOf(ns, out int decade);
        uint[] counts = _decades[decade] ?? AddDecade(decade);
        if (++counts[bucket] == 0)
        {
            Carry((decade * BucketsPerDecade) + bucket, 1);
        }
    }

    /// <summary>
    /// How many durations were at most <paramref name="boundNs"/>: exact for every number of two significant digits from
    /// <see cref="MinBoundNs"/> to <see cref="MaxBoundNs"/> and from <see cref="MaxNs"/> on, else the count at the next bound below.
    /// </summary>
    public long CountAtOrBelowNs(long boundNs)
    {
        if (boundNs >= _maxNs)
        {
            return boundNs < 0 ? 0 : _count;
        }
        if (boundNs < MinBoundNs)
        {
            return 0;
        }
        if (boundNs >= MaxBoundNs)
        {
            return _count - _over;
        }
        // The next duration's bucket is the first that is not wholly within the bound.
        int end = BucketOf(boundNs + 1, out int endDecade);
        long sum = _under;
        for (int decade = 0; decade <= endDecade; decade++)
        {
            int buckets = decade < endDecade ? BucketsPerDecade : end;
            for (int i = 0; i < buckets && _decades[decade] is not null; i++)
            {
                sum += CountOf((decade * BucketsPerDecade) + i);
            }
        }
        return sum;
    }

    /// <summary>The duration that a share <paramref name="q"/> (0..1) of all did not exceed, interpolated within its bucket; 0 when empty.</summary>
    public long QuantileNs(double q)
    {
        if (_count == 0)
        {
            return 0;
        }
        double rank = Math.Max(1, Math.Ceiling(double.Clamp(double.IsNaN(q) ? 0 : q, 0, 1) * _count));
        double before = _under;
        if (before >= rank)
        {
            return Math.Min(_maxNs, (long)(MinBoundNs * (rank / before)));
        }
        for (int index = 0; index < BucketCount; index++)
        {
            if (_decades[index / BucketsPerDecade] is null)
            {
                index += BucketsPerDecade - 1;
                continue;
            }
            long inBucket = CountOf(index);
            if (before + inBucket >= rank)
            {
                return Interpolate(LowerBoundNs(index), LowerBoundNs(index + 1), (rank - before) / inBucket);
            }
            before += inBucket;
        }
        return _over == 0 ? _maxNs : Interpolate(MaxBoundNs, _maxNs, Math.Min(1, (rank - before) / _over));
    }

    /// <summary>Adds what another histogram recorded.</summary>
    public void Add(DurationHistogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (int decade = 0; decade < DecadeCount; decade++)
        {
            if (other._decades[decade] is { } counts)
            {
                AddCounts(decade, counts, other._carries);
            }
        }
        _under = AddSaturating(_under, other._under);
        _over = AddSaturating(_over, other._over);
        _count = AddSaturating(_count, other._count);
        _sumNs = AddSaturating(_sumNs, other._sumNs);
        _maxNs = Math.Max(_maxNs, other._maxNs);
    }

    /// <summary>Forgets all durations and keeps the counters' memory.</summary>
    public void Clear()
    {
        for (int decade = 0; decade < DecadeCount; decade++)
        {
            if (_decades[decade] is { } counts)
            {
                Array.Clear(counts);
            }
        }
        _carries = null;
        _under = _over = _count = _sumNs = _maxNs = 0;
    }

    /// <summary>A copy of its own.</summary>
    public DurationHistogram Clone()
    {
        DurationHistogram clone = new();
        for (int decade = 0; decade < DecadeCount; decade++)
        {
            // Decades kept by Clear() but unused since are not worth copying.
            if (_decades[decade] is { } counts && (_carries is not null || counts.AsSpan().ContainsAnyExcept(0u)))
            {
                clone._decades[decade] = [.. counts];
            }
        }
        clone._carries = _carries is null ? null : [.. _carries];
        (clone._under, clone._over, clone._count, clone._sumNs, clone._maxNs) = (_under, _over, _count, _sumNs, _maxNs);
        return clone;
    }

    /// <summary>Finds the bucket of a duration above the lowest and not above the highest bound.</summary>
    internal static int BucketOf(long ns, out int decade)
    {
        // (lower, upper] of whole numbers is [lower, upper) of the number before.
        ulong below = (ulong)ns - 1;
        int log10 = ((BitOperations.Log2(below) + 1) * 1233) >> 12;
        log10 -= below < PowersOfTen[log10] ? 1 : 0;
        decade = log10 - 3;
        // The two leading digits are below / 10^k with k = decade + 2, as (below >> k) / 5^k.
        return (int)(((below >> (decade + 2)) * FifthsReciprocal[decade]) >> 57) - 10;
    }

    private static long LowerBoundNs(int index) => (10 + (index % BucketsPerDecade)) * (long)PowersOfTen[(index / BucketsPerDecade) + 2];

    internal static long AddSaturating(long a, long b)
    {
        long sum = unchecked(a + b);
        return sum < 0 ? long.MaxValue : sum;
    }

    // A bucket that holds the maximum ends there.
    private long Interpolate(long lowerNs, long upperNs, double share)
    {
        upperNs = Math.Min(upperNs, _maxNs);
        return lowerNs + Math.Min(upperNs - lowerNs, (long)((upperNs - lowerNs) * share));
    }

    private void AddCounts(int decade, uint[] counts, long[]? carries)
    {
        uint[] sums = _decades[decade] ?? AddDecade(decade);
        for (int i = 0; i < sums.Length && i < counts.Length; i++)
        {
            int index = (decade * BucketsPerDecade) + i;
            long carry = carries?[index] ?? 0;
            uint sum = sums[i] + counts[i];
            carry += sum < counts[i] ? 1 : 0;
            sums[i] = sum;
            if (carry != 0)
            {
                Carry(index, carry);
            }
        }
    }

    // Counters have 32 bits to keep thousands of series small; what a busy bucket has beyond them is here.
    private long CountOf(int index) =>
        (_decades[index / BucketsPerDecade]?[index % BucketsPerDecade] ?? 0) + ((_carries?[index] ?? 0) << 32);

    private void AddToBucket(int index, long count)
    {
        if (count == 0)
        {
            return;
        }
        uint[] counts = _decades[index / BucketsPerDecade] ?? AddDecade(index / BucketsPerDecade);
        ref uint at = ref counts[index % BucketsPerDecade];
        long low = at + (count & uint.MaxValue);
        at = (uint)low;
        long carry = (low >> 32) + (count >> 32);
        if (carry != 0)
        {
            Carry(index, carry);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint[] AddDecade(int decade) => _decades[decade] = new uint[BucketsPerDecade];

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Carry(int index, long carry)
    {
        _carries ??= new long[BucketCount];
        _carries[index] = Math.Min(_carries[index] + carry, MaxCount >> 32);
    }

    [InlineArray(DecadeCount)]
    [SuppressMessage("Style", "IDE0044:Add readonly modifier", Justification = "The element of an inline array is written through its indexer.")]
    private struct Decades
    {
        private uint[]? _first;
    }
}
