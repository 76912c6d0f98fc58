using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>What every search of stored things takes: since and until (RFC 3339, or nanoseconds since the Unix epoch), limit (1 to 1000, default 100).</summary>
internal sealed class SearchQuery
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    private readonly IQueryCollection _query;

    private SearchQuery(IQueryCollection query) => _query = query;

    public long SinceNs { get; private set; }

    public long UntilNs { get; private set; } = long.MaxValue;

    public int Limit { get; private set; } = DefaultLimit;

    /// <summary>What is wrong, in one line that starts with the parameter's name; null when nothing is.</summary>
    public string? Problem { get; private set; }

    public static SearchQuery Read(IQueryCollection query)
    {
        SearchQuery read = new(query);
        read.SinceNs = read.TimeOf("since", 0);
        read.UntilNs = read.TimeOf("until", long.MaxValue);
        if (read.ValueOf("limit") is { } text)
        {
            bool isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit is >= 1 and <= MaxLimit;
            read.Limit = isNumber ? limit : DefaultLimit;
            read.Problem ??= isNumber ? null : $"limit: '{text}' is not allowed; allowed is a number from 1 to {MaxLimit}";
        }
        return read;
    }

    /// <summary>A parameter's text; null when it is not there.</summary>
    public string? ValueOf(string name) => _query.TryGetValue(name, out var value) ? value.ToString() : null;

    private long TimeOf(string name, long otherwise)
    {
        if (ValueOf(name) is not { } text)
        {
            return otherwise;
        }
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long ns))
        {
            return ns;
        }
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
        {
            return (time.UtcTicks - DateTime.UnixEpoch.Ticks) * 100;
        }
        Problem ??= $"{name}: '{text}' is no time; allowed is RFC 3339 such as 2026-01-31T12:00:00Z, or nanoseconds since 1970";
        return otherwise;
    }
}
