namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>Moves points that would overwrite another on by nanoseconds: InfluxDB keeps one point for each series and nanosecond.</summary>
/// <remarks>
/// Requests that came in one packet have one time. The last <see cref="Remembered"/> points are remembered at least, four times as many at most; a point with the time of an
/// older one would overwrite it. Series with the same hash only cost each other a nanosecond. Allocates nothing once it has grown. Not thread-safe.
/// </remarks>
internal sealed class TakenTimes(int remembered = TakenTimes.DefaultRemembered)
{
    /// <summary>Points that are remembered at least, unless told otherwise: 2 MiB.</summary>
    public const int DefaultRemembered = 16_384;

    // For each time that is taken, how far on to look for a free one. Two generations: the old one goes when the young one is full.
    private Dictionary<ulong, int> _young = [];
    private Dictionary<ulong, int> _old = [];

    /// <summary>Points that are remembered at least.</summary>
    public int Remembered => remembered;

    /// <summary>The time itself when it is free, or the next that is; it is taken then.</summary>
    /// <param name="series">Hash of the series.</param>
    /// <param name="timeNs">When it wants to be.</param>
    public long Take(ulong series, long timeNs)
    {
        ulong wanted = KeyOf(series, timeNs);
        int skip = SkipOf(wanted);
        if (skip != 0)
        {
            // Those further on may have been wanted themselves and know more.
            for (int more; (more = SkipOf(KeyOf(series, timeNs + skip))) != 0;)
            {
                skip += more;
            }
            Remember(wanted, skip + 1);
            timeNs += skip;
        }
        Remember(KeyOf(series, timeNs), 1);
        return timeNs;
    }

    // Different for each time of a series, as the factor is odd.
    private static ulong KeyOf(ulong series, long timeNs) => series ^ ((ulong)timeNs * 0x9E37_79B9_7F4A_7C15);

    private int SkipOf(ulong key) => _young.TryGetValue(key, out int skip) || _old.TryGetValue(key, out skip) ? skip : 0;

    private void Remember(ulong key, int skip)
    {
        // A point takes two entries at most.
        if (_young.Count >= remembered * 2 && !_young.ContainsKey(key))
        {
            (_young, _old) = (_old, _young);
            _young.Clear();
        }
        _young[key] = skip;
    }
}
