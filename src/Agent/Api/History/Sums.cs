using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>What rows are added up to.</summary>
internal sealed class Sums
{
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
    }
}

/// <summary>Requests and errors in each step of a range.</summary>
internal sealed class Spark(int steps)
{
    /// <summary>Requests in each step, oldest first.</summary>
    public long[] Requests { get; } = new long[steps];

    /// <summary>Errors in each step.</summary>
    public long[] Errors { get; } = new long[steps];

    public void Add<TKey>(int step, in HistoryRow<TKey> row)
    {
        Requests[step] += row.Requests;
        Errors[step] += row.Errors;
    }
}
