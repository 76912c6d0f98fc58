using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>What rows are added up to.</summary>
internal sealed class Sums
{
    private Spark? _spark;

    /// <summary>Requests.</summary>
    public long Requests { get; private set; }

    /// <summary>Requests that count as errors.</summary>
    public long Errors { get; private set; }

    /// <summary>Whole request messages.</summary>
    public long RequestBytes { get; private set; }

    /// <summary>Whole response messages.</summary>
    public long ResponseBytes { get; private set; }

    /// <summary>Durations of those that have one.</summary>
    public DurationHistogram Durations { get; } = new();

    /// <summary>Requests and errors in each step of a range; made when it is first asked for.</summary>
    /// <param name="steps">How many steps.</param>
    public Spark Spark(int steps) => _spark is { } made && made.Steps == steps ? made : _spark = new Spark(steps);

    /// <summary>Errors divided by requests.</summary>
    public double ErrorRatio => Requests == 0 ? 0 : (double)Errors / Requests;

    /// <summary>Adds a row. Durations that cannot be read (a damaged file) are left out; the row's counts are not.</summary>
    public void Add<TKey>(in HistoryRow<TKey> row)
    {
        Requests += row.Requests;
        Errors += row.Errors;
        RequestBytes += row.RequestBytes;
        ResponseBytes += row.ResponseBytes;
        Durations.TryAddSerialized(row.Durations);
    }

    /// <summary>Adds what another has.</summary>
    public void Add(Sums other)
    {
        Requests += other.Requests;
        Errors += other.Errors;
        RequestBytes += other.RequestBytes;
        ResponseBytes += other.ResponseBytes;
        Durations.Add(other.Durations);
    }

    /// <summary>Forgets all, and keeps the memory.</summary>
    public void Clear()
    {
        Requests = Errors = RequestBytes = ResponseBytes = 0;
        Durations.Clear();
        _spark?.Clear();
    }
}

/// <summary>Requests and errors in each step of a range.</summary>
internal sealed class Spark(int steps)
{
    /// <summary>How many steps.</summary>
    public int Steps => steps;

    /// <summary>Requests in each step, oldest first.</summary>
    public long[] Requests { get; } = new long[steps];

    /// <summary>Errors in each step.</summary>
    public long[] Errors { get; } = new long[steps];

    /// <summary>Adds a row.</summary>
    public void Add<TKey>(int step, in HistoryRow<TKey> row)
    {
        Requests[step] += row.Requests;
        Errors[step] += row.Errors;
    }

    /// <summary>Forgets all, and keeps the memory.</summary>
    public void Clear()
    {
        Array.Clear(Requests);
        Array.Clear(Errors);
    }
}
