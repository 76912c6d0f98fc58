namespace KubeBpfBox.Core.Red;

/// <summary>Bounds of cumulative buckets that are asked for again and again, with their places in a <see cref="DurationHistogram"/> worked out once.</summary>
public sealed class DurationBounds
{
    private readonly int[] _ends;

    /// <summary>Works the places out.</summary>
    /// <param name="boundsNs">
    /// Rising; each a number of two significant digits from <see cref="DurationHistogram.MinBoundNs"/> to below <see cref="DurationHistogram.MaxBoundNs"/>,
    /// so that counts are exact.
    /// </param>
    public DurationBounds(params ReadOnlySpan<long> boundsNs)
    {
        _ends = new int[boundsNs.Length];
        for (int i = 0; i < boundsNs.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(boundsNs[i], i == 0 ? DurationHistogram.MinBoundNs : boundsNs[i - 1] + 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(boundsNs[i], DurationHistogram.MaxBoundNs);
            // The next duration's bucket is the first that is not wholly within the bound.
            int bucket = DurationHistogram.BucketOf(boundsNs[i] + 1, out int decade);
            _ends[i] = (decade * DurationHistogram.BucketsPerDecade) + bucket;
        }
    }

    /// <summary>How many.</summary>
    public int Count => _ends.Length;

    /// <summary>For each bound the first bucket that is not wholly within it.</summary>
    internal ReadOnlySpan<int> Ends => _ends;
}
