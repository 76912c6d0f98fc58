using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Deletes what is too old, and the oldest when the file is too large.</summary>
internal static class Retention
{
    private const long PerSecondOfId = 1L << StepTables.SequenceBits;

    private static readonly (string Table, string Column, long PerSecond)[] s_tables =
    [
        .. StepTables.All.Select(static tables => (tables.Name(StepTables.StepsS[0]), "id", PerSecondOfId)),
        ("request_log", "start_ns", 1_000_000_000), ("request_log_window", "start_s", 1), ("events", "time_ns", 1_000_000_000),
    ];

    // Their rows are as old as what they were made of.
    private static readonly (string Table, string Column, long PerSecond)[] s_longerSteps =
        [.. StepTables.All.SelectMany(static tables => StepTables.StepsS[1..].Select(step => (tables.Name(step), "id", PerSecondOfId)))];

    /// <summary>Deletes rows that started before a time.</summary>
    /// <returns>How many.</returns>
    public static long DeleteBefore(SqliteConnection connection, long cutS)
    {
        long deleted = 0;
        foreach ((string table, string column, long perSecond) in s_tables.Concat(s_longerSteps))
        {
            deleted += DeleteBelow(connection, table, column, cutS * perSecond);
        }
        return deleted;
    }

    /// <summary>Deletes names that no row has any more.</summary>
    /// <returns>How many.</returns>
    public static long DeleteUnusedKeys(SqliteConnection connection)
    {
        long deleted = 0;
        foreach (StepTables tables in StepTables.All)
        {
            long oldestS = StepTables.StepsS.Min(step => tables.FirstS(connection, step) ?? long.MaxValue);
            deleted += DeleteBelow(connection, tables.Key, "last_s", oldestS - StepTables.LastSeenSlackS);
        }
        return deleted;
    }

    /// <summary>Brings the file below 9/10 of a size when it is above it, oldest first.</summary>
    /// <returns>How many rows went.</returns>
    public static long KeepBelow(SqliteConnection connection, long maxBytes)
    {
        long pageBytes = Database.Scalar(connection, "PRAGMA page_size");
        if (Database.Scalar(connection, "PRAGMA page_count") * pageBytes <= maxBytes)
        {
            return 0;
        }
        long deleted = 0;
        while (UsedPages(connection) * pageBytes > maxBytes / 10 * 9 && TryFindSpan(connection, out long fromS, out long toS))
        {
            // A tenth of the time that is left: each round deletes something, and few rounds are needed.
            deleted += DeleteBefore(connection, fromS + Math.Max(1, (toS - fromS) / 10));
        }
        Shrink(connection);
        return deleted;
    }

    /// <summary>Gives freed pages back to the file system.</summary>
    public static void Shrink(SqliteConnection connection)
    {
        // The pragma frees a page per step; ExecuteNonQuery steps once only.
        using (SqliteCommand command = connection.CreateCommand())
        {
            command.CommandText = "PRAGMA incremental_vacuum";
            using SqliteDataReader reader = command.ExecuteReader();
            while (reader.Read())
            {
            }
        }
        Database.Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    private static long DeleteBelow(SqliteConnection connection, string table, string column, long cut)
    {
        using SqliteCommand command = connection.Prepare($"DELETE FROM {table} WHERE {column} < $p0", 1);
        return command.Set(null, [cut]).ExecuteNonQuery();
    }

    private static long UsedPages(SqliteConnection connection) =>
        Database.Scalar(connection, "PRAGMA page_count") - Database.Scalar(connection, "PRAGMA freelist_count");

    private static bool TryFindSpan(SqliteConnection connection, out long fromS, out long toS)
    {
        (fromS, toS) = (long.MaxValue, long.MinValue);
        foreach ((string table, string column, long perSecond) in s_tables)
        {
            using SqliteCommand command = connection.CreateCommand();
            // Two subqueries, so that each is one step into the index.
            command.CommandText = $"SELECT (SELECT min({column}) FROM {table}), (SELECT max({column}) FROM {table})";
            using SqliteDataReader reader = command.ExecuteReader();
            if (reader.Read() && !reader.IsDBNull(0))
            {
                fromS = Math.Min(fromS, reader.GetInt64(0) / perSecond);
                toS = Math.Max(toS, reader.GetInt64(1) / perSecond);
            }
        }
        return fromS <= toS;
    }
}
