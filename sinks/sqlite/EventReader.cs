using System.Text;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Which stored events somebody wants. Unset conditions hold for all.</summary>
/// <param name="Type">"oomkill" or "tcpsynbl".</param>
/// <param name="Workload">Name of the workload.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Pod">Its pod.</param>
public sealed record EventQuery(string? Type, string? Workload, string? Namespace, string? Pod);

/// <summary>Searches the stored events, newest first.</summary>
public sealed class EventReader(string path)
{
    /// <summary>Finds events of [<paramref name="sinceNs"/>, <paramref name="untilNs"/>).</summary>
    /// <returns>The JSON object of each.</returns>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    public IReadOnlyList<string> Search(EventQuery query, long sinceNs, long untilNs, int limit)
    {
        List<string> found = [];
        if (!File.Exists(path))
        {
            return found;
        }
        using SqliteConnection connection = Database.OpenToRead(path);
        using SqliteCommand command = connection.CreateCommand();
        StringBuilder sql = new("SELECT json FROM events WHERE time_ns >= $since AND time_ns < $until");
        command.Parameters.AddWithValue("$since", sinceNs);
        command.Parameters.AddWithValue("$until", untilNs);
        foreach ((string column, string? value) in (ReadOnlySpan<(string, string?)>)[("type", query.Type), ("workload", query.Workload), ("namespace", query.Namespace), ("pod", query.Pod)])
        {
            if (value is not null)
            {
                sql.Append(" AND ").Append(column).Append(" = $").Append(column);
                command.Parameters.AddWithValue("$" + column, value);
            }
        }
        sql.Append(" ORDER BY time_ns DESC, id DESC LIMIT $limit");
        command.Parameters.AddWithValue("$limit", limit);
        command.CommandText = sql.ToString();
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            found.Add(reader.GetString(0));
        }
        return found;
    }
}
