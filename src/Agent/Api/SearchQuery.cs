using KubeBpfBox.Sinks.Sqlite;

namespace KubeBpfBox.Agent.Api;

/// <summary>What every search of stored things takes: a range of time, how many at most, and where the page before ended.</summary>
internal readonly record struct SearchQuery(long SinceNs, long UntilNs, int Limit, LogCursor? After)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    /// <summary>Names of the parameters.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. TimeRange.Names, "limit", "cursor"];

    public static SearchQuery Read(QueryReader query, long nowNs)
    {
        TimeRange range = TimeRange.Read(query);
        return new SearchQuery(range.StartNs(nowNs), range.EndNs, query.Number("limit", 1, MaxLimit, DefaultLimit), Cursor(query));
    }

    private static LogCursor? Cursor(QueryReader query)
    {
        if (query.ValueOf("cursor") is not { } text)
        {
            return null;
        }
        if (!LogCursor.TryParse(text, out LogCursor cursor))
        {
            query.Refuse($"cursor: '{text}' is not the next of a page");
        }
        return cursor;
    }
}
