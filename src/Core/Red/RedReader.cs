using System.Diagnostics;

namespace KubeBpfBox.Core.Red;

/// <summary>Reads all series with a few cumulative buckets each, some series at a time, and copies no histogram.</summary>
/// <remarks>
/// Use: <see cref="Begin"/>, then <see cref="TryReadSlice"/> until it says no; as often as wanted. Threads: one at a time, while others go on
/// counting. Each series is consistent, and later slices are later. Memory: a slice and one reference a series; it allocates only when there
/// are more series than ever before.
/// </remarks>
public sealed class RedReader
{
    /// <summary>Series that are read while the gate is held once.</summary>
    public const int SliceLength = 128;

    private readonly RedTable _table;
    private readonly RedReading[] _readings;
    private readonly RedSeries[] _wanted = new RedSeries[SliceLength];
    private RedSeries[] _list = [];
    private int _listed;
    private int _next;
    private int _wantedCount;
    private int _count;
    private bool _hasGone;

    /// <summary>Makes a reader; it reads nothing yet.</summary>
    /// <param name="table">What to read.</param>
    /// <param name="bounds">Of the buckets.</param>
    public RedReader(RedTable table, DurationBounds bounds)
    {
        _table = table;
        _readings = [.. Enumerable.Range(0, SliceLength).Select(_ => new RedReading(bounds))];
    }

    /// <summary>How many series there were when it began: that many at most are read.</summary>
    public int Listed => _listed;

    /// <summary>The series read last.</summary>
    public ReadOnlySpan<RedReading> Slice => _readings.AsSpan(0, _count);

    /// <summary>The longest time that the gate was held since <see cref="Begin"/>.</summary>
    public TimeSpan LongestHold { get; private set; }

    /// <summary>Starts over, with the series that there are now.</summary>
    public void Begin()
    {
        LongestHold = TimeSpan.Zero;
        _next = _count = 0;
        _hasGone = false;
        Hold(static reader => reader._listed = reader._table.CopyList(ref reader._list));
    }

    /// <summary>Reads the next series.</summary>
    /// <param name="isWanted">Which; it may look at what never changes.</param>
    /// <returns>False when there are no more.</returns>
    public bool TryReadSlice(Predicate<RedSeries> isWanted)
    {
        // What is not wanted is left out before the gate is taken.
        for (_wantedCount = 0; _next < _listed && _wantedCount < SliceLength; _next++)
        {
            if (isWanted(_list[_next]))
            {
                _wanted[_wantedCount++] = _list[_next];
            }
        }
        if (_wantedCount == 0)
        {
            End();
            return false;
        }
        Hold(static reader => reader.ReadSlice());
        return true;
    }

    private void ReadSlice()
    {
        _count = 0;
        foreach (RedSeries series in _wanted.AsSpan(0, _wantedCount))
        {
            if (_table.IsGone(series))
            {
                _hasGone = true;
            }
            else
            {
                series.Read(_readings[_count++]);
            }
        }
    }

    private void End()
    {
        if (_hasGone)
        {
            Hold(static reader => reader._table.RemoveGone());
        }
        // A series that leaves the table is not kept by who once read it.
        Array.Clear(_list, 0, _listed);
        Array.Clear(_wanted);
        Array.ForEach(_readings, static reading => reading.Clear());
        _listed = _next = _count = 0;
        _hasGone = false;
    }

    private void Hold(Action<RedReader> action)
    {
        _table.Enter();
        long started = Stopwatch.GetTimestamp();
        try
        {
            action(this);
        }
        finally
        {
            TimeSpan held = Stopwatch.GetElapsedTime(started);
            _table.Exit();
            LongestHold = held > LongestHold ? held : LongestHold;
        }
    }
}
