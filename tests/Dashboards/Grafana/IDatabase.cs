using KubeBpfBox.Dashboards.Model;

namespace KubeBpfBox.Dashboards.Grafana;

/// <summary>A real server, asked as Grafana's data source asks it.</summary>
internal interface IDatabase
{
    /// <summary>Asks a query of a panel or an annotation.</summary>
    /// <param name="query">The query.</param>
    /// <param name="selection">What is chosen.</param>
    /// <param name="range">The dashboard's time range.</param>
    /// <param name="siblings">Queries of the panel.</param>
    /// <returns>Rows with what is known in them: column and value. Empty cells and numbers that are none are left out, and rows without a value.</returns>
    /// <exception cref="InvalidOperationException">The server refused the query.</exception>
    IReadOnlyList<IReadOnlyDictionary<string, string>> Ask(Query query, Selection selection, TimeRange range, int siblings = 1);

    /// <summary>Asks for the values of a variable.</summary>
    IReadOnlyList<string> Values(Variable variable, Selection selection, TimeRange range);
}

/// <summary>What a dashboard shows.</summary>
/// <param name="From">Its begin.</param>
/// <param name="To">Its end.</param>
internal readonly record struct TimeRange(DateTimeOffset From, DateTimeOffset To)
{
    /// <summary>Points that a panel of usual width asks for.</summary>
    private const int MaxDataPoints = 1000;

    public TimeSpan Length => To - From;

    /// <summary>Length of the steps for a query; whole seconds here.</summary>
    public TimeSpan IntervalFor(Query query, TimeSpan leastOfSource)
    {
        TimeSpan least = query.MinInterval > TimeSpan.Zero ? query.MinInterval : leastOfSource;
        TimeSpan fitting = TimeSpan.FromSeconds(Math.Ceiling(Length.TotalSeconds / MaxDataPoints));
        return least > fitting ? least : fitting;
    }
}
