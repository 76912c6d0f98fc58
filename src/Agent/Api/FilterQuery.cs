using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Api;

/// <summary>Reads a <see cref="TransactionFilter"/> from named texts: query parameters, or options of the same names.</summary>
internal static class FilterQuery
{
    /// <summary>Names that make up a filter.</summary>
    public static IReadOnlyList<string> Names { get; } = ["namespace", "pod", "workload", "protocol", "method", "status", "slower-than", "role", "route", "text"];

    /// <summary>What is wrong with a value, in one line that starts with its name; null when nothing is.</summary>
    public static string? Check(string name, string value) => name switch
    {
        "status" when !TransactionFilter.TryParseStatus(value, out _, out _) => $"status: '{value}' is not a status; allowed is a code from 100 to 599, or a class from 1xx to 5xx",
        "slower-than" when !Units.TryParseDuration(value, out _) => $"slower-than: '{value}' is not a duration; allowed is a number with ns, us, ms, s, m or h, such as 100ms",
        "role" when value is not ("client" or "server") => $"role: '{value}' is not a role; allowed is client or server",
        _ when value.Length == 0 => $"{name}: is empty",
        _ => null,
    };

    /// <summary>Makes the filter.</summary>
    /// <param name="valueOf">The text given for a name, or null.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="problem">What is wrong, when false is returned.</param>
    public static bool TryRead(Func<string, string?> valueOf, out TransactionFilter filter, out string? problem)
    {
        filter = TransactionFilter.All;
        problem = Names.Select(name => valueOf(name) is { } value ? Check(name, value) : null).FirstOrDefault(static found => found is not null);
        if (problem is not null)
        {
            return false;
        }
        (int from, int to, long slowerThanNs) = (0, int.MaxValue, -1);
        if (valueOf("status") is { } status && TransactionFilter.TryParseStatus(status, out int lowest, out int highest))
        {
            (from, to) = (lowest, highest);
        }
        if (valueOf("slower-than") is { } slowerThan && Units.TryParseDuration(slowerThan, out long ns))
        {
            slowerThanNs = ns;
        }
        filter = new TransactionFilter
        {
            Namespace = valueOf("namespace"),
            Pod = valueOf("pod"),
            Workload = valueOf("workload"),
            Protocol = valueOf("protocol"),
            Method = valueOf("method"),
            Role = valueOf("role"),
            Route = valueOf("route"),
            Text = valueOf("text"),
            StatusFrom = from,
            StatusTo = to,
            SlowerThanNs = slowerThanNs,
        };
        return true;
    }
}
