using KubeBpfBox.Core.History;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Reads stored windows, the longer steps where they are made already and the shorter ones where not.</summary>
/// <param name="path">The database file; no windows when it is not there.</param>
public sealed class HistoryReader(string path) : IRedHistory
{
    /// <inheritdoc/>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    public long? SinceS
    {
        get
        {
            long? sinceS = null;
            ReadSession.Run(path, connection => sinceS = StepTables.Series.FirstS(connection, StepsS[0]), CancellationToken.None);
            return sinceS;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> StepsS => StepTables.StepsS;

    /// <inheritdoc/>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    public void ReadSeries(long sinceS, long untilS, int stepS, HistoryFilter filter, HistoryRowHandler<SeriesKey> handler, CancellationToken stop) =>
        ReadSession.Run(path, connection =>
        {
            using Reading<SeriesKey> reading = new(connection, StepTables.Series, SeriesNames.Read, stepS, handler, stop)
            {
                Conditions = [("workload", filter.Workload), ("namespace", filter.Namespace), ("kind", filter.Kind), ("role", filter.Role)],
            };
            reading.Run(sinceS, untilS);
        }, stop);

    /// <inheritdoc/>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    public void ReadCalls(long sinceS, long untilS, int stepS, HistoryFilter filter, HistoryRowHandler<CallKey> handler, CancellationToken stop) =>
        ReadSession.Run(path, connection =>
        {
            using Reading<CallKey> reading = new(connection, StepTables.Calls, CallNames.Read, stepS, handler, stop)
            {
                Conditions = [("source", filter.Workload), ("source_namespace", filter.Namespace), ("source_kind", filter.Kind)],
                OrConditions = [("destination", filter.Workload), ("destination_namespace", filter.Namespace), ("destination_kind", filter.Kind)],
            };
            reading.Run(sinceS, untilS);
        }, stop);

    private sealed class Reading<TKey>(SqliteConnection connection, StepTables tables, Func<SqliteDataReader, TKey> readKey, int stepS, HistoryRowHandler<TKey> handler, CancellationToken stop)
        : IDisposable
        where TKey : class
    {
        private readonly Dictionary<long, TKey> _keys = [];
        private readonly SqliteCommand _key = connection.Prepare($"SELECT {string.Join(", ", tables.Columns)}, is_overflow FROM {tables.Key} WHERE id = $p0", 1);

        public required (string Column, string? Value)[] Conditions { get; init; }

        public (string Column, string? Value)[] OrConditions { get; init; } = [];

        public void Dispose() => _key.Dispose();

        public void Run(long sinceS, long untilS)
        {
            int level = Array.IndexOf(StepTables.StepsS, stepS);
            ArgumentOutOfRangeException.ThrowIfNegative(level, nameof(stepS));
            ReadLevel(level, sinceS, untilS);
        }

        /// <summary>Reads rows of a length of step, and of the shorter ones where it has none: before its first row, which is younger when old rows were deleted, and where it has not come to.</summary>
        private void ReadLevel(int level, long sinceS, long untilS)
        {
            if (sinceS >= untilS)
            {
                return;
            }
            int ownS = StepTables.StepsS[level];
            if (level > 0)
            {
                if (tables.FirstS(connection, ownS) is not { } firstS)
                {
                    ReadLevel(level - 1, sinceS, untilS);
                    return;
                }
                long endS = RollUp.UntilS(connection, tables, ownS);
                ReadLevel(level - 1, sinceS, Math.Min(untilS, firstS));
                ReadLevel(level - 1, Math.Max(sinceS, endS), untilS);
                (sinceS, untilS) = (Math.Max(sinceS, firstS), Math.Min(untilS, endS));
            }
            ReadTable(tables.Name(ownS), sinceS, untilS);
        }

        private void ReadTable(string table, long sinceS, long untilS)
        {
            if (sinceS >= untilS)
            {
                return;
            }
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = $"SELECT id, key_id, requests, errors, request_bytes, response_bytes, histogram FROM {table} WHERE id >= $since AND id < $until{KeyCondition(command)}";
            command.Parameters.AddWithValue("$since", StepTables.FirstId(sinceS));
            command.Parameters.AddWithValue("$until", StepTables.FirstId(untilS));
            using SqliteDataReader row = command.ExecuteReader();
            sqlite3_stmt? columns = row.Handle;
            while (row.Read())
            {
                stop.ThrowIfCancellationRequested();
                long startS = StepTables.StartOf(raw.sqlite3_column_int64(columns, 0));
                handler(new HistoryRow<TKey>
                {
                    Key = KeyOf(raw.sqlite3_column_int64(columns, 1)),
                    StartS = startS - (startS % stepS),
                    Requests = raw.sqlite3_column_int64(columns, 2),
                    Errors = raw.sqlite3_column_int64(columns, 3),
                    RequestBytes = raw.sqlite3_column_int64(columns, 4),
                    ResponseBytes = raw.sqlite3_column_int64(columns, 5),
                    Durations = raw.sqlite3_column_blob(columns, 6),
                });
            }
        }

        private string KeyCondition(SqliteCommand command)
        {
            string own = All(command, Conditions), other = All(command, OrConditions);
            return (own, other) switch
            {
                ("", _) => string.Empty,
                (_, "") => $" AND key_id IN (SELECT id FROM {tables.Key} WHERE {own})",
                _ => $" AND key_id IN (SELECT id FROM {tables.Key} WHERE {own} OR {other})",
            };
        }

        private static string All(SqliteCommand command, (string Column, string? Value)[] conditions)
        {
            List<string> set = [];
            foreach ((string column, string? value) in conditions)
            {
                if (value is not null)
                {
                    set.Add($"{column} = ${column}");
                    command.Parameters.AddWithValue("$" + column, value);
                }
            }
            return string.Join(" AND ", set);
        }

        private TKey KeyOf(long id)
        {
            if (!_keys.TryGetValue(id, out TKey? key))
            {
                using SqliteDataReader row = _key.Set(null, [id]).ExecuteReader();
                row.Read();
                key = readKey(row);
                _keys.Add(id, key);
            }
            return key;
        }
    }
}
