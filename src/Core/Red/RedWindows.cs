using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>What each series counted between two points of time.</summary>
/// <param name="StartNs">Start of the window, nanoseconds since the Unix epoch; a multiple of <see cref="RedWindows.Seconds"/>.</param>
/// <param name="LengthNs">How long it was; shorter than others for the first and the last one.</param>
/// <param name="Series">Series with transactions, one entry each. Nobody changes them any more.</param>
public sealed record RedWindow(long StartNs, long LengthNs, IReadOnlyList<RedSeriesSnapshot> Series)
{
    /// <summary>Calls with transactions, one entry each; none where calls are not counted.</summary>
    public IReadOnlyList<CallSnapshot> Calls { get; init; } = [];
}

/// <summary>Takes windows. Called on a thread of the pool, one call at a time; it does not wait.</summary>
public interface IRedWindowObserver
{
    /// <summary>One window, also when nothing happened in it.</summary>
    void OnWindow(RedWindow window);
}

/// <summary>Takes the window of each series at every full ten seconds and hands it to all who want it, so that each transaction is given once to each.</summary>
/// <remarks>Lifetime: <see cref="Dispose"/> hands out what the open window has so far.</remarks>
public sealed class RedWindows : IDisposable
{
    /// <summary>Length of a window.</summary>
    public const int Seconds = 10;

    private const long LengthNs = Seconds * 1_000_000_000L;
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly RedTable _red;
    private readonly CallTable? _calls;
    private readonly IRedWindowObserver[] _observers;
    private readonly TimeProvider _time;
    private ITimer? _timer;
    private long _startNs;
    private long _sinceNs;

    /// <param name="red">The series.</param>
    /// <param name="observers">Are called in this order.</param>
    /// <param name="time">The clock.</param>
    /// <param name="calls">Who calls whom, of the same transactions; null where that is not counted.</param>
    public RedWindows(RedTable red, IEnumerable<IRedWindowObserver> observers, TimeProvider? time = null, CallTable? calls = null)
    {
        _red = red;
        _calls = calls;
        _observers = [.. observers];
        _time = time ?? TimeProvider.System;
        _sinceNs = _time.NowNs();
        _startNs = StartOf(_sinceNs);
    }

    /// <summary>Begins.</summary>
    public void Start()
    {
        if (_observers.Length > 0)
        {
            _timer = _time.CreateTimer(static self => ((RedWindows)self!).Tick(), this, s_tick, s_tick);
        }
    }

    /// <summary>Hands out the open window, and ends.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_lock)
        {
            if (_observers.Length > 0)
            {
                Take(_time.NowNs());
            }
        }
    }

    /// <summary>Looks whether the window is over; the timer does so four times a second.</summary>
    public void Tick()
    {
        lock (_lock)
        {
            long nowNs = _time.NowNs();
            if (StartOf(nowNs) != _startNs)
            {
                Take(nowNs);
            }
        }
    }

    /// <summary>Shows the open window as it is so far. No window is handed out meanwhile, so whoever keeps both sees each transaction in one of them.</summary>
    /// <param name="show">Gets it, at once; it does not wait.</param>
    public void Peek(Action<RedWindow> show)
    {
        lock (_lock)
        {
            show(new RedWindow(_startNs, LengthAt(_time.NowNs()), _red.PeekWindow()) { Calls = _calls?.PeekWindow() ?? [] });
        }
    }

    private void Take(long nowNs)
    {
        RedWindow window = new(_startNs, LengthAt(nowNs), _red.TakeWindow()) { Calls = _calls?.TakeWindow() ?? [] };
        (_startNs, _sinceNs) = (StartOf(nowNs), nowNs);
        foreach (IRedWindowObserver observer in _observers)
        {
            observer.OnWindow(window);
        }
    }

    private long LengthAt(long nowNs) => Math.Max(1, nowNs - _sinceNs);

    private static long StartOf(long ns) => ns / LengthNs * LengthNs;
}
