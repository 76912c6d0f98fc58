using System.Buffers;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Core.History;

/// <summary>The last windows of all series and calls, packed in memory.</summary>
/// <remarks>
/// At most <see cref="MaxWindows"/> windows and <see cref="MaxBytes"/>, keys counted in; the oldest go first. Of a window that is larger than
/// all of that the rows that fit are kept, the others are counted in <see cref="CutRows"/>. A key, and the pod that it names, goes with the last
/// window that has it.
/// Units: bytes are those of the packed rows and an estimate for objects. Threads: any; readers read what was there when they began, and hold no lock.
/// </remarks>
public sealed class RecentHistory : IRedHistory, IRedWindowObserver
{
    /// <summary>Bytes unless told otherwise.</summary>
    public const long DefaultMaxBytes = 4 << 20;

    /// <summary>Windows at most: an hour of them.</summary>
    public const int MaxWindows = 3600 / RedWindows.Seconds;

    /// <summary>A window's object, its two arrays' headers, and its place in the list and in what readers hold.</summary>
    private const int WindowBytes = 112;

    /// <summary>A key's object, its entries in the tables, and a share of its workload, which others hold too.</summary>
    private const int SeriesKeyBytes = 208;

    /// <summary>A key's object with two workloads, and its entries in the tables.</summary>
    private const int CallKeyBytes = 400;

    private readonly Lock _lock = new();
    private readonly Queue<PackedWindow> _windows = new();
    private readonly HistoryKeys<SeriesKey> _seriesKeys = new(SeriesIdentity.Instance, static key => SeriesKeyBytes + (2 * key.Route.Length));
    private readonly HistoryKeys<CallKey> _callKeys = new(CallIdentity.Instance, static _ => CallKeyBytes);
    private PackedWindow? _open;
    private long _rowBytes;
    private volatile State _state = new([], 0, null, [], [], 0);

    /// <param name="maxBytes">Most bytes.</param>
    public RecentHistory(long maxBytes = DefaultMaxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, WindowBytes);
        MaxBytes = maxBytes;
    }

    /// <summary>Most bytes.</summary>
    public long MaxBytes { get; }

    /// <summary>Bytes now.</summary>
    public long Bytes => _state.Bytes;

    /// <summary>Windows now, the open one not counted.</summary>
    public int WindowCount => _state.ClosedCount;

    /// <summary>Start of the newest window that is closed, seconds since the Unix epoch; null when there is none.</summary>
    public long? NewestStartS => _state.NewestStartS;

    /// <summary>Rows of windows that were larger than <see cref="MaxBytes"/>, and were left out.</summary>
    public Counter CutRows { get; } = new();

    /// <inheritdoc/>
    public long? SinceS => _state.Windows is { Length: > 0 } windows ? windows.Min(static window => window.StartS) : null;

    /// <inheritdoc/>
    public IReadOnlyList<int> StepsS { get; } = [RedWindows.Seconds];

    /// <inheritdoc/>
    public void OnWindow(RedWindow window)
    {
        lock (_lock)
        {
            Close();
            PackedWindow packed = Pack(window, CutRows);
            _windows.Enqueue(packed);
            Fit();
        }
    }

    /// <summary>Shows the open window, too, instead of how it was shown before; the next window takes its place.</summary>
    /// <remarks>No window may be handed out between its reading and this call: <see cref="RedWindows.Peek"/> sees to it.</remarks>
    public void ShowOpen(RedWindow window)
    {
        lock (_lock)
        {
            Close();
            _open = Pack(window, cut: null);
            Fit();
        }
    }

    /// <inheritdoc/>
    public void ReadSeries(long sinceS, long untilS, int stepS, HistoryFilter filter, HistoryRowHandler<SeriesKey> handler, CancellationToken stop)
    {
        State state = _state;
        Read(state.Windows, static window => window.Series, state.SeriesKeys, filter.Matches, sinceS, untilS, stepS, handler, stop);
    }

    /// <inheritdoc/>
    public void ReadCalls(long sinceS, long untilS, int stepS, HistoryFilter filter, HistoryRowHandler<CallKey> handler, CancellationToken stop)
    {
        State state = _state;
        Read(state.Windows, static window => window.Calls, state.CallKeys, filter.Matches, sinceS, untilS, stepS, handler, stop);
    }

    private static void Read<TKey>(PackedWindow[] windows, Func<PackedWindow, byte[]> rowsOf, TKey?[] keys, Func<TKey, bool> isWanted, long sinceS, long untilS,
        int stepS, HistoryRowHandler<TKey> handler, CancellationToken stop)
        where TKey : class
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(stepS, RedWindows.Seconds);
        bool[] wanted = [.. keys.Select(key => key is not null && isWanted(key))];
        foreach (PackedWindow window in windows)
        {
            stop.ThrowIfCancellationRequested();
            PackedRowReader row = new(window.StartS >= sinceS && window.StartS < untilS ? rowsOf(window) : []);
            while (row.TryRead())
            {
                if (wanted[row.Key])
                {
                    handler(new HistoryRow<TKey>
                    {
                        Key = keys[row.Key]!,
                        StartS = window.StartS,
                        Requests = row.Requests,
                        Errors = row.Errors,
                        RequestBytes = row.RequestBytes,
                        ResponseBytes = row.ResponseBytes,
                        Durations = row.Durations,
                    });
                }
            }
        }
    }

    /// <param name="window">What to pack.</param>
    /// <param name="cut">Counts the rows that do not fit.</param>
    private PackedWindow Pack(RedWindow window, Counter? cut)
    {
        Packer packer = new(MaxBytes - WindowBytes);
        foreach (CallSnapshot call in window.Calls)
        {
            packer.Add(_callKeys, call.Key, call.Count, call.Errors, call.RequestBytes, call.ResponseBytes, call.Duration);
        }
        byte[] calls = packer.Take();
        foreach (RedSeriesSnapshot series in window.Series)
        {
            SeriesKey key = new(series.Workload, series.Role, series.Protocol, series.Method, series.Route, series.Status, series.ErrorType, series.IsOverflow);
            packer.Add(_seriesKeys, key, series.Count, series.Errors, series.RequestBytes, series.ResponseBytes, series.Duration);
        }
        cut?.Add(packer.CutRows);
        PackedWindow packed = new(window.StartNs / 1_000_000_000, packer.Take(), calls);
        _rowBytes += packed.Bytes;
        return packed;
    }

    /// <summary>Takes the open window away.</summary>
    private void Close()
    {
        if (_open is not null)
        {
            Release(_open);
            _open = null;
        }
    }

    private void Release(PackedWindow window)
    {
        _rowBytes -= window.Bytes;
        PackedRowReader row = new(window.Series);
        while (row.TryRead())
        {
            _seriesKeys.Release(row.Key);
        }
        row = new PackedRowReader(window.Calls);
        while (row.TryRead())
        {
            _callKeys.Release(row.Key);
        }
    }

    /// <summary>Lets the oldest windows go until all is within its bounds, and shows readers what there is.</summary>
    private void Fit()
    {
        while (_windows.Count > MaxWindows || (BytesNow > MaxBytes && _windows.Count > 0))
        {
            Release(_windows.Dequeue());
        }
        PackedWindow[] windows = _open is null ? [.. _windows] : [.. _windows, _open];
        _state = new State(windows, _windows.Count, _windows.Count > 0 ? windows[_windows.Count - 1].StartS : null, _seriesKeys.Publish(), _callKeys.Publish(), BytesNow);
    }

    private long BytesNow => _rowBytes + _seriesKeys.Bytes + _callKeys.Bytes;

    /// <summary>One window. Never changed.</summary>
    private sealed record PackedWindow(long StartS, byte[] Series, byte[] Calls)
    {
        public long Bytes => WindowBytes + Series.Length + Calls.Length;
    }

    /// <summary>What readers see. Never changed.</summary>
    private sealed record State(PackedWindow[] Windows, int ClosedCount, long? NewestStartS, SeriesKey?[] SeriesKeys, CallKey?[] CallKeys, long Bytes);

    /// <summary>Packs rows as long as they and their keys fit.</summary>
    private sealed class Packer(long room)
    {
        private readonly ArrayBufferWriter<byte> _rows = new();
        private long _room = room;

        public long CutRows { get; private set; }

        public void Add<TKey>(HistoryKeys<TKey> keys, TKey key, long requests, long errors, long requestBytes, long responseBytes, DurationHistogram durations)
            where TKey : class
        {
            long keyBytes = keys.BytesOf(key);
            if (CutRows > 0 || _room < _rows.WrittenCount + keyBytes + PackedRows.MaxRowBytes)
            {
                CutRows++;
                return;
            }
            _room -= keyBytes;
            PackedRows.Write(_rows, keys.Use(key), requests, errors, requestBytes, responseBytes, durations);
        }

        public byte[] Take()
        {
            byte[] taken = _rows.WrittenSpan.ToArray();
            _room -= taken.Length;
            _rows.ResetWrittenCount();
            return taken;
        }
    }
}
