using System.Globalization;
using KubeBpfBox.Agent.Configuration;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>Reads the parameters of a query, and remembers the first that is wrong.</summary>
internal sealed class QueryReader(IQueryCollection query)
{
    /// <summary>What is wrong, in one line that starts with the parameter's name; null when nothing is.</summary>
    public string? Problem { get; private set; }

    /// <summary>Says that a parameter is wrong; the first one counts.</summary>
    public void Refuse(string problem) => Problem ??= problem;

    /// <summary>A parameter as it stands there; null when it does not.</summary>
    public string? ValueOf(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;

    /// <summary>A text; null when the parameter is not there. An empty one is refused: it would show everything, or nothing.</summary>
    public string? Text(string name)
    {
        string? text = ValueOf(name);
        if (text?.Length == 0)
        {
            Refuse($"{name}: is empty");
        }
        return text;
    }

    /// <summary>One of some words.</summary>
    public string Choice(string name, string otherwise, params ReadOnlySpan<string> allowed)
    {
        string text = ValueOf(name) ?? otherwise;
        if (!allowed.Contains(text))
        {
            Refuse($"{name}: '{text}' is not allowed; allowed is {string.Join(", ", allowed[..^1])} or {allowed[^1]}");
        }
        return text;
    }

    /// <summary>A whole number.</summary>
    public int Number(string name, int least, int most, int otherwise)
    {
        if (ValueOf(name) is not { } text)
        {
            return otherwise;
        }
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number < least || number > most)
        {
            Refuse($"{name}: '{text}' is not allowed; allowed is a number from {least} to {most}");
            return otherwise;
        }
        return number;
    }

    /// <summary>A point of time, nanoseconds since the Unix epoch.</summary>
    public long? TimeNs(string name)
    {
        if (ValueOf(name) is not { } text)
        {
            return null;
        }
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long ns))
        {
            return ns;
        }
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            && time.Year is >= 1970 and < 2262)
        {
            return (time.UtcTicks - DateTime.UnixEpoch.Ticks) * TimeSpan.NanosecondsPerTick;
        }
        Refuse($"{name}: '{text}' is no time; allowed is RFC 3339 such as 2026-01-31T12:00:00Z, or nanoseconds since 1970");
        return null;
    }

    /// <summary>A length of time.</summary>
    public long? DurationNs(string name)
    {
        if (ValueOf(name) is not { } text)
        {
            return null;
        }
        if (!Units.TryParseDuration(text, out long ns) || ns <= 0)
        {
            Refuse($"{name}: '{text}' is not a length of time; allowed is a number with s, m, h or d, such as 15m");
            return null;
        }
        return ns;
    }
}
