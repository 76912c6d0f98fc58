namespace KubeBpfBox.Core.Live;

/// <summary>Lets so many a second pass, in slices of a tenth of it; of a slice that is over hardly anything can be made up for.</summary>
/// <remarks>Not thread-safe. Units: milliseconds of a clock that goes on; a coarse one will do.</remarks>
/// <param name="perSecond">At least 1.</param>
internal sealed class RateLimit(int perSecond)
{
    private const int SlicesPerSecond = 10;
    private const int SliceMs = 1000 / SlicesPerSecond;

    /// <summary>One costs as many as there are slices, so that a slice gives a whole number of shares.</summary>
    private const long OneInShares = SlicesPerSecond;

    private long _slice = long.MinValue;

    // The first may pass whatever the rate is.
    private long _shares = Math.Max(perSecond, OneInShares);

    /// <summary>Whether one may pass now.</summary>
    public bool TryPass(long nowMs)
    {
        long slice = nowMs / SliceMs;
        if (slice > _slice)
        {
            long slices = _slice == long.MinValue ? 0 : Math.Min(slice - _slice, OneInShares);
            // What is left of a slice and less than one is carried over; a quiet minute is no credit for a burst.
            _shares = Math.Min(_shares + (slices * perSecond), perSecond + OneInShares - 1);
            _slice = slice;
        }
        if (_shares < OneInShares)
        {
            return false;
        }
        _shares -= OneInShares;
        return true;
    }
}
