using System.Globalization;
using KubeBpfBox.Agent.Configuration;

namespace KubeBpfBox.Agent.Top;

/// <summary>What is asked of the agent: range, side, filter and order.</summary>
internal sealed record TopQuery
{
    /// <summary>Sort keys of the API, in the order in which the keyboard goes through them.</summary>
    public static readonly IReadOnlyList<string> Sorts = ["rate", "errors", "error_ratio", "p50", "p90", "p99", "name"];

    private static readonly string[] s_ranges = ["1m", "5m", "15m", "1h", "6h", "24h", "7d"];

    /// <summary>"server" or "client".</summary>
    public string Role { get; init; } = "server";

    /// <summary>Only of this Kubernetes namespace; null for all.</summary>
    public string? Namespace { get; init; }

    /// <summary>Length of the range, as in "1m".</summary>
    public string Last { get; init; } = "1m";

    /// <summary>One of <see cref="Sorts"/>.</summary>
    public string Sort { get; init; } = "rate";

    /// <summary>The other way round than usual: largest first, names from a.</summary>
    public bool IsReversed { get; init; }

    /// <summary>Only where namespace/name has this in it.</summary>
    public string Filter { get; init; } = string.Empty;

    /// <summary>The next or the previous sort key.</summary>
    public TopQuery WithSort(int step) => this with { Sort = Sorts[(Sorts.ToList().IndexOf(Sort) + step + Sorts.Count) % Sorts.Count], IsReversed = false };

    /// <summary>The other side.</summary>
    public TopQuery WithOtherRole() => this with { Role = Role == "server" ? "client" : "server" };

    /// <summary>The next namespace; all after the last.</summary>
    public TopQuery WithNextNamespace(IReadOnlyList<string> namespaces)
    {
        int at = Namespace is null ? -1 : namespaces.ToList().IndexOf(Namespace);
        bool isLast = at + 1 >= namespaces.Count || (at < 0 && Namespace is not null);
        return this with { Namespace = isLast ? null : namespaces[at + 1] };
    }

    /// <summary>The next longer or shorter range of a few that are usual.</summary>
    public TopQuery WithRange(bool isLonger)
    {
        long now = LengthNs(Last);
        string? next = isLonger ? s_ranges.FirstOrDefault(range => LengthNs(range) > now) : s_ranges.LastOrDefault(range => LengthNs(range) < now);
        return this with { Last = next ?? Last };
    }

    /// <summary>The table's request.</summary>
    /// <param name="limit">Most rows.</param>
    /// <param name="points">Steps of a sparkline.</param>
    public string ToWorkloads(int limit, int points) => string.Create(CultureInfo.InvariantCulture,
        $"/api/workloads?{Range}&sort={Sort}&order={(IsReversed == (Sort == "name") ? "desc" : "asc")}&limit={limit}&points={points}{Named("namespace", Namespace)}{Named("q", Filter)}");

    /// <summary>The request of one workload.</summary>
    public string ToWorkload(TopWorkloadRef who, int points) => string.Create(CultureInfo.InvariantCulture,
        $"/api/workload?{Range}&points={points}{Named("workload", who.Workload)}{Named("namespace", who.Namespace)}{Named("kind", who.Kind)}");

    /// <summary>The request of its events.</summary>
    public string ToEvents(TopWorkloadRef who) => $"/api/events?last={Uri.EscapeDataString(Last)}&limit=20{Named("workload", who.Workload)}{Named("namespace", who.Namespace)}";

    private string Range => $"role={Role}&last={Uri.EscapeDataString(Last)}";

    private static long LengthNs(string range) => Units.TryParseDuration(range, out long ns) ? ns : 0;

    private static string Named(string name, string? value) => string.IsNullOrEmpty(value) ? string.Empty : $"&{name}={Uri.EscapeDataString(value)}";
}
