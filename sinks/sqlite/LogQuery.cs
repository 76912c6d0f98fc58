using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Which stored requests somebody wants.</summary>
/// <param name="Filter">Conditions on the request.</param>
/// <param name="SinceNs">First start wanted, nanoseconds since the Unix epoch.</param>
/// <param name="UntilNs">First start not wanted any more.</param>
/// <param name="Limit">Most requests.</param>
public sealed record LogQuery(TransactionFilter Filter, long SinceNs, long UntilNs, int Limit)
{
    /// <summary>Only from this address, as in output: "10.0.0.1:40000", "[fd00::1]:40000".</summary>
    public string? Client { get; init; }

    /// <summary>Only to this address.</summary>
    public string? Server { get; init; }

    /// <summary>Where the page before ended; null for the first.</summary>
    public LogCursor? After { get; init; }
}

/// <summary>How a search ended.</summary>
/// <param name="Count">Requests that were handed on.</param>
/// <param name="Next">Where to go on; null when there is nothing more.</param>
/// <param name="SearchedUntilNs">Set when the search stopped at its bound of rows or time: nothing older was looked at.</param>
public readonly record struct LogPage(int Count, LogCursor? Next, long? SearchedUntilNs);

/// <summary>What a row of the request log has beside the request.</summary>
/// <param name="Id">Its number; the same in each search.</param>
/// <param name="Kept">Why it is kept: "error", "slow" or "sample".</param>
/// <param name="Weight">How many requests it stands for.</param>
public readonly record struct LogRow(long Id, string Kept, long Weight);

/// <summary>Takes rows of the request log. The transaction's spans live only during the call.</summary>
public delegate void LoggedTransactionHandler(in Transaction transaction, LogRow row);
