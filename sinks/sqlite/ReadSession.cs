using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>One reading of the database beside the writer.</summary>
internal static class ReadSession
{
    /// <summary>Lets a function read the database as it is now, whatever is written meanwhile. Does nothing when there is no file, or its tables are not made yet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="read">Reads.</param>
    /// <param name="stop">Interrupts whatever statement runs.</param>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public static void Run(string path, Action<SqliteConnection> read, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (!File.Exists(path))
        {
            return;
        }
        using SqliteConnection connection = Database.OpenToRead(path);
        using SqliteCommand command = connection.CreateCommand();
        // Has rows to come until the end: that holds the state of the database, and SQLite does not forget an interruption that came between two other statements.
        command.CommandText = "SELECT 1 FROM sqlite_schema";
        using SqliteDataReader hold = command.ExecuteReader();
        // The writer makes the file first, and then its tables at once.
        if (!hold.HasRows || Database.Scalar(connection, "PRAGMA user_version") != Schema.Version)
        {
            return;
        }
        using CancellationTokenRegistration interruption = stop.UnsafeRegister(static handle => raw.sqlite3_interrupt((sqlite3)handle!), connection.Handle);
        try
        {
            read(connection);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == raw.SQLITE_INTERRUPT)
        {
            throw new OperationCanceledException(stop);
        }
    }
}
