using KubeBpfBox.Core.History;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>What tells calls apart in the file.</summary>
internal readonly record struct CallNames(
    string Source, string? SourceKind, string? SourceNamespace, string Destination, string? DestinationKind, string? DestinationNamespace, string Role, string Protocol,
    bool IsOverflow) : IKeyNames
{
    public object?[] Values => [Source, SourceKind, SourceNamespace, Destination, DestinationKind, DestinationNamespace, Role, Protocol];

    public static CallNames Of(CallKey key) => new(
        key.Source.Name, key.Source.Kind, key.Source.Namespace, key.Destination.Name, key.Destination.Kind, key.Destination.Namespace, key.Role, key.Protocol, key.IsOverflow);

    /// <summary>Reads <see cref="StepTables.Columns"/> and is_overflow.</summary>
    public static CallKey Read(SqliteDataReader row) => new(
        SeriesNames.Named(row.GetString(0), row.TextOrNull(1), row.TextOrNull(2)), SeriesNames.Named(row.GetString(3), row.TextOrNull(4), row.TextOrNull(5)),
        row.GetString(6), row.GetString(7), row.GetInt64(8) != 0);
}
