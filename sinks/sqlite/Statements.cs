using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Statements that are prepared once and run again and again, and reading of what may be NULL.</summary>
internal static class Statements
{
    /// <summary>"$p0, $p1, …".</summary>
    public static string Places(int count) => string.Join(", ", Enumerable.Range(0, count).Select(static i => $"$p{i}"));

    /// <summary>Makes a statement with parameters $p0, $p1, …</summary>
    public static SqliteCommand Prepare(this SqliteConnection connection, string sql, int parameters)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        for (int i = 0; i < parameters; i++)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = $"$p{i}" });
        }
        return command;
    }

    /// <summary>A statement that inserts a row.</summary>
    public static SqliteCommand PrepareInsert(this SqliteConnection connection, string table, string[] columns) =>
        connection.Prepare($"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({Places(columns.Length)})", columns.Length);

    /// <summary>Sets the parameters.</summary>
    /// <returns>The statement.</returns>
    public static SqliteCommand Set(this SqliteCommand command, SqliteTransaction? within, ReadOnlySpan<object?> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }
        command.Transaction = within;
        return command;
    }

    public static string? TextOrNull(this SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static long NumberOr(this SqliteDataReader row, int column, long otherwise) => row.IsDBNull(column) ? otherwise : row.GetInt64(column);
}
