using System.Text;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Which stored events somebody wants. Unset conditions hold for all.</summary>
/// <param name="SinceNs">First time wanted, nanoseconds since the Unix epoch.</param>
/// <param name="UntilNs">First time not wanted any more.</param>
/// <param name="Limit">Most events.</param>
public sealed record EventQuery(long SinceNs, long UntilNs, int Limit)
{
    /// <summary>"oomkill" or "tcpsynbl".</summary>
    public string? Type { get; init; }

    /// <summary>Name of the workload.</summary>
    public string? Workload { get; init; }

    /// <summary>Its namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>Its pod.</summary>
    public string? Pod { get; init; }

    /// <summary>Where the page before ended; null for the first.</summary>
    public LogCursor? After { get; init; }
}

/// <summary>Events that were found.</summary>
/// <param name="Events">The JSON object of each, newest first.</param>
/// <param name="Next">Where to go on; null when there is nothing more.</param>
public sealed record EventPage(IReadOnlyList<string> Events, LogCursor? Next);

/// <summary>Searches the stored events, newest first.</summary>
/// <param name="path">The database file; no events when it is not there.</param>
public sealed class EventReader(string path)
{
    /// <summary>Finds events.</summary>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public EventPage Search(EventQuery query, CancellationToken stop)
    {
        List<string> found = [];
        LogCursor? next = null;
        ReadSession.Run(path, connection => next = Read(connection, query, found), stop);
        return new EventPage(found, next);
    }

    private static LogCursor? Read(SqliteConnection connection, EventQuery query, List<string> found)
    {
        using SqliteCommand command = Build(connection, query);
        using SqliteDataReader row = command.ExecuteReader();
        LogCursor? last = null;
        while (row.Read())
        {
            if (found.Count == query.Limit)
            {
                return last;
            }
            found.Add(row.GetString(2));
            last = new LogCursor(row.GetInt64(0), row.GetInt64(1));
        }
        return null;
    }

    private static SqliteCommand Build(SqliteConnection connection, EventQuery query)
    {
        SqliteCommand command = connection.CreateCommand();
        StringBuilder sql = new("SELECT time_ns, id, json FROM events WHERE time_ns >= $since AND time_ns < $until AND (time_ns, id) < ($time, $id)");
        LogCursor after = query.After ?? LogCursor.Start;
        command.Parameters.AddWithValue("$since", query.SinceNs);
        command.Parameters.AddWithValue("$until", query.UntilNs);
        command.Parameters.AddWithValue("$time", after.TimeNs);
        command.Parameters.AddWithValue("$id", after.Id);
        foreach ((string column, string? value) in (ReadOnlySpan<(string, string?)>)[("type", query.Type), ("workload", query.Workload), ("namespace", query.Namespace), ("pod", query.Pod)])
        {
            if (value is not null)
            {
                sql.Append(" AND ").Append(column).Append(" = $").Append(column);
                command.Parameters.AddWithValue("$" + column, value);
            }
        }
        command.CommandText = sql.Append(" ORDER BY time_ns DESC, id DESC").ToString();
        return command;
    }
}
