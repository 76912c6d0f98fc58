namespace KubeBpfBox.Core.Live;

/// <summary>Lets so many a second pass on average: a burst of a second's worth after a quiet one, and in slices of a tenth of it when there is always more.</summary>
/// <remarks>Not thread-safe. Units: milliseconds of a clock that goes on; a coarse one will do.</remarks>
/// <param name="perSecond">At least 1.</param>
internal sealed class RateLimit(int perSecond)
{
    private const int SlicesPerSecond = 10;
    private const int SliceMs = 1000 / SlicesPerSecond;

    /// <summary>One costs as many as there are slices, so that a slice gives a whole number of shares.</summary>
    private const long OneInShares = SlicesPerSecond;

    private readonly long _maxShares = perSecond * OneInShares;
    private long _slice = long.MinValue;
    private long _shares = perSecond * OneInShares;

    /// <summary>Whether one may pass now.</summary>
    public bool TryPass(long nowMs)
    {
        long slice = nowMs / SliceMs;
        if (slice > _slice)
        {
            long slices = _slice == long.MinValue ? 0 : Math.Min(slice - _slice, SlicesPerSecond);
            _shares = Math.Min(_shares + (slices * perSecond), _maxShares);
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
