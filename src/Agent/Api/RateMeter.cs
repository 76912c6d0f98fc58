using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Agent.Api;

/// <summary>Requests a second of each series since an earlier look: for who asks at least every ten seconds, the last ten to twenty.</summary>
/// <remarks>
/// The first look gives 0; marks are set only when somebody asks, so after a long silence the rate is that of the silence.
/// Any thread may call. Memory: two entries a series. Askers share the two marks, so none spoils the other's interval.
/// </remarks>
internal sealed class RateMeter(TimeProvider? time = null)
{
    private const int MarkSeconds = 10;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private Mark _older;
    private Mark _newer;

    /// <summary>Rates in the order of the series; 0 where there is no earlier look yet.</summary>
    public double[] Measure(IReadOnlyList<RedSeriesSnapshot> series)
    {
        long now = _time.GetTimestamp();
        double[] rates = new double[series.Count];
        lock (_lock)
        {
            if (_newer.Counts is null || _time.GetElapsedTime(_newer.At, now).TotalSeconds >= MarkSeconds)
            {
                _older = _newer.Counts is null ? default : _newer;
                _newer = new Mark(now, series.GroupBy(KeyOf).ToDictionary(static group => group.Key, static group => group.Sum(static one => one.Count)));
            }
            Mark from = _older.Counts is null ? _newer : _older;
            double seconds = _time.GetElapsedTime(from.At, now).TotalSeconds;
            for (int i = 0; i < rates.Length && seconds >= 0.5; i++)
            {
                from.Counts!.TryGetValue(KeyOf(series[i]), out long before);
                rates[i] = Math.Max(0, series[i].Count - before) / seconds;
            }
        }
        return rates;
    }

    private static SeriesKey KeyOf(RedSeriesSnapshot series) =>
        new(series.Workload, series.Role, series.Protocol, series.Method, series.Route, series.Status, series.ErrorType);

    private readonly record struct Mark(long At, Dictionary<SeriesKey, long>? Counts);

    private readonly record struct SeriesKey(Workload Workload, string? Role, string Protocol, string Method, string Route, int Status, string? ErrorType);
}
