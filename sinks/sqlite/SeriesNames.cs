using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>The names of a key, as they are stored.</summary>
internal interface IKeyNames
{
    /// <summary>Values of <see cref="StepTables.Columns"/>.</summary>
    object?[] Values { get; }

    /// <summary>The key takes what is over a limit.</summary>
    bool IsOverflow { get; }
}

/// <summary>What tells series apart in the file.</summary>
internal readonly record struct SeriesNames(
    string Workload, string? Kind, string? Namespace, string? Pod, string? Container, string? Service, string? Role, string Protocol, string Method, string Route, long Status, string? ErrorType,
    bool IsOverflow) : IKeyNames
{
    public object?[] Values => [Workload, Kind, Namespace, Pod, Container, Service, Role, Protocol, Method, Route, Status, ErrorType];

    public static SeriesNames Of(RedSeriesSnapshot series) => new(
        series.Workload.Name, series.Workload.Kind, series.Workload.Namespace, series.Workload.Pod, series.Workload.Container, series.Workload.Service,
        series.Role, series.Protocol, series.Method, series.Route, series.Status, series.ErrorType, series.IsOverflow);

    /// <summary>Reads <see cref="StepTables.Columns"/> and is_overflow.</summary>
    public static SeriesKey Read(SqliteDataReader row) => new(
        Named(row.GetString(0), row.TextOrNull(1), row.TextOrNull(2)) is var workload && row.TextOrNull(3) is null && row.TextOrNull(5) is null
            ? workload
            : workload with { Pod = row.TextOrNull(3), Container = row.TextOrNull(4), Service = row.TextOrNull(5) },
        row.TextOrNull(6), row.GetString(7), row.GetString(8), row.GetString(9), (int)row.GetInt64(10), row.TextOrNull(11), row.GetInt64(12) != 0);

    /// <summary>A workload of a name. How it was found is not stored with counts.</summary>
    internal static Workload Named(string name, string? kind, string? @namespace) =>
        name == Core.Records.Workload.Unknown.Name && kind is null && @namespace is null
            ? Core.Records.Workload.Unknown
            : new Workload(name, WorkloadSource.Unknown) { Kind = kind, Namespace = @namespace };
}
