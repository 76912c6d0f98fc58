using System.Diagnostics;
using KubeBpfBox.Core.Records;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Searches the request log, newest first.</summary>
/// <remarks>
/// Work is bounded: a search looks at so many rows, or for so long, and then says how far it came. Rows of a workload and errors have an
/// index; the others are looked at one after the other.
/// </remarks>
/// <param name="path">The database file; no requests when it is not there.</param>
public sealed class RequestLogReader(string path)
{
    private const int FirstSlice = 1000;
    private const int LargestSlice = 16_000;

    /// <summary>Rows that a search looks at.</summary>
    internal int MaxRows { get; init; } = 200_000;

    /// <summary>How long it may take; the slice of rows that it is at is ended.</summary>
    internal TimeSpan MaxTime { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Finds requests.</summary>
    /// <param name="query">Which.</param>
    /// <param name="handler">Takes them, newest first.</param>
    /// <param name="stop">Ends the search.</param>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public LogPage Search(LogQuery query, LoggedTransactionHandler handler, CancellationToken stop)
    {
        LogPage page = default;
        ReadSession.Run(path, connection => page = new Walk(connection, query, handler, stop).Run(MaxRows, MaxTime), stop);
        return page;
    }

    /// <summary>A statement that walks along an index, newest first.</summary>
    internal static SqliteCommand Select(SqliteConnection connection, LogConditions conditions, string columns, string condition, long sinceNs, LogCursor after, LogCursor? end)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT {columns} FROM request_log INDEXED BY {conditions.Index} WHERE start_ns >= $since AND (start_ns, id) < ($time, $id)"
            + $"{(end is null ? string.Empty : " AND (start_ns, id) >= ($end_time, $end_id)")}{condition} ORDER BY start_ns DESC, id DESC";
        command.Parameters.AddWithValue("$since", Math.Max(sinceNs, end?.TimeNs ?? sinceNs));
        command.Parameters.AddWithValue("$time", after.TimeNs);
        command.Parameters.AddWithValue("$id", after.Id);
        if (end is { } last)
        {
            command.Parameters.AddWithValue("$end_time", last.TimeNs);
            command.Parameters.AddWithValue("$end_id", last.Id);
        }
        conditions.SetValues(command);
        return command;
    }

    /// <summary>One search: slice by slice, so that it is known how many rows were looked at, whatever the conditions leave of them.</summary>
    private sealed class Walk(SqliteConnection connection, LogQuery query, LoggedTransactionHandler handler, CancellationToken stop)
    {
        private readonly LogConditions _conditions = new(query);
        private int _count;

        public LogPage Run(int maxRows, TimeSpan maxTime)
        {
            long begun = Stopwatch.GetTimestamp();
            LogCursor at = Earlier(new LogCursor(query.UntilNs, 0), query.After ?? LogCursor.Start);
            int looked = 0;
            for (int slice = FirstSlice; ; slice = Math.Min(slice * 2, LargestSlice))
            {
                slice = Math.Min(slice, maxRows - looked);
                LogCursor? end = FindEnd(at, slice);
                if (ReadSlice(at, end) is { } full)
                {
                    return new LogPage(_count, full, null);
                }
                if (end is not { } next)
                {
                    return new LogPage(_count, null, null);
                }
                (at, looked) = (next, looked + slice);
                if (looked >= maxRows || Stopwatch.GetElapsedTime(begun) >= maxTime)
                {
                    return new LogPage(_count, at, at.TimeNs);
                }
            }
        }

        /// <summary>The last row of a slice; null when there are fewer.</summary>
        private LogCursor? FindEnd(LogCursor after, int rows)
        {
            using SqliteCommand command = Select(connection, _conditions, "start_ns, id", _conditions.Driving, query.SinceNs, after, null);
            command.CommandText += " LIMIT 1 OFFSET $offset";
            command.Parameters.AddWithValue("$offset", rows - 1);
            using SqliteDataReader row = command.ExecuteReader();
            return row.Read() ? new LogCursor(row.GetInt64(0), row.GetInt64(1)) : null;
        }

        /// <summary>Hands on what matches, up to the limit.</summary>
        /// <returns>The last one that was handed on when there are more; else null.</returns>
        private LogCursor? ReadSlice(LogCursor after, LogCursor? end)
        {
            using SqliteCommand command = Select(connection, _conditions, LoggedRequest.Columns, _conditions.All, query.SinceNs, after, end);
            using SqliteDataReader row = command.ExecuteReader();
            LogCursor last = after;
            while (row.Read())
            {
                stop.ThrowIfCancellationRequested();
                if (query.Filter.Route is { } route && !LoggedRequest.IsOfRoute(row, route))
                {
                    continue;
                }
                Transaction transaction = LoggedRequest.Read(row);
                if (!query.Filter.Matches(in transaction))
                {
                    continue;
                }
                if (_count == query.Limit)
                {
                    return last;
                }
                _count++;
                LogRow about = LoggedRequest.ReadRow(row);
                last = new LogCursor(transaction.StartNs, about.Id);
                handler(in transaction, about);
            }
            return null;
        }

        private static LogCursor Earlier(LogCursor one, LogCursor other) => (one.TimeNs, one.Id).CompareTo((other.TimeNs, other.Id)) <= 0 ? one : other;
    }
}
