using KubeBpfBox.Core.Red;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Makes the longer steps of one kind of key from the shorter ones, once a step is over. Belongs to the writer.</summary>
/// <remarks>
/// How far each length has come stands in the database and changes in the same transaction as the rows, so a crash neither loses nor repeats
/// anything. Memory: of some hundred keys at a time, however many there are.
/// </remarks>
internal sealed class RollUp : IDisposable
{
    /// <summary>Windows come within a second after they end; one that comes later than this has its steps made again.</summary>
    internal const int GraceS = 5;

    private const int KeysAtOnce = 256;
    private const int PeriodsAtOnce = 8;

    private readonly SqliteConnection _connection;
    private readonly StepTables _tables;
    private readonly StepRows[] _rows;
    private readonly long[] _untilS;
    private readonly SqliteCommand _setUntil;

    public RollUp(SqliteConnection connection, StepTables tables)
    {
        (_connection, _tables) = (connection, tables);
        _rows = [.. StepTables.StepsS[1..].Select(step => new StepRows(connection, tables.Name(step)))];
        _untilS = [.. StepTables.StepsS.Select(step => UntilS(connection, tables, step))];
        _setUntil = connection.Prepare("INSERT INTO rolled_up (name, until_s) VALUES ($p0, $p1) ON CONFLICT (name) DO UPDATE SET until_s = excluded.until_s", 2);
    }

    /// <summary>How far a length of step has come: rows that start later are only in the shorter ones.</summary>
    public static long UntilS(SqliteConnection connection, StepTables tables, int stepS) =>
        Database.Scalar(connection, $"SELECT until_s FROM rolled_up WHERE name = '{tables.Name(stepS)}'");

    /// <summary>Makes some of the steps that are over.</summary>
    /// <returns>True when there is more to do now.</returns>
    public bool Run(long nowS)
    {
        long overS = nowS - GraceS;
        bool isMore = false;
        for (int level = 1; level < StepTables.StepsS.Length; level++)
        {
            int stepS = StepTables.StepsS[level];
            int left = PeriodsAtOnce;
            // The shorter rows that are not in this length yet decide what the next one may take.
            while (NextS(level) is { } nextS)
            {
                long startS = nextS - (nextS % stepS);
                if (left == 0 || startS + stepS > overS)
                {
                    isMore |= startS + stepS <= overS;
                    overS = Math.Min(overS, startS);
                    break;
                }
                Make(level, startS);
                left--;
            }
        }
        return isMore;
    }

    /// <summary>A row was written that starts where longer steps were made already: they are taken back.</summary>
    public void OnRow(SqliteTransaction within, long startS)
    {
        for (int level = 1; level < StepTables.StepsS.Length; level++)
        {
            // After a quiet time a longer step may have come further than a shorter one.
            if (startS >= _untilS[level])
            {
                continue;
            }
            long backS = startS - (startS % StepTables.StepsS[level]);
            using SqliteCommand delete = _connection.Prepare($"DELETE FROM {_tables.Name(StepTables.StepsS[level])} WHERE id >= $p0", 1);
            delete.Set(within, [StepTables.FirstId(backS)]).ExecuteNonQuery();
            SetUntil(within, level, backS);
            _rows[level - 1].Forget();
        }
    }

    public void Dispose()
    {
        Array.ForEach(_rows, static rows => rows.Dispose());
        _setUntil.Dispose();
    }

    /// <summary>Start of the first row of the next shorter length that is not in this one yet.</summary>
    private long? NextS(int level)
    {
        using SqliteCommand command = _connection.Prepare($"SELECT min(id) FROM {_tables.Name(StepTables.StepsS[level - 1])} WHERE id >= $p0", 1);
        return command.Set(null, [StepTables.FirstId(_untilS[level])]).ExecuteScalar() is long id ? StepTables.StartOf(id) : null;
    }

    private void Make(int level, long startS)
    {
        string from = _tables.Name(StepTables.StepsS[level - 1]);
        long untilS = startS + StepTables.StepsS[level];
        using SqliteTransaction transaction = _connection.BeginTransaction();
        List<long> keys = [];
        using (SqliteCommand command = _connection.Prepare($"SELECT DISTINCT key_id FROM {from} WHERE id >= $p0 AND id < $p1 ORDER BY key_id", 2))
        {
            using SqliteDataReader row = command.Set(transaction, [StepTables.FirstId(startS), StepTables.FirstId(untilS)]).ExecuteReader();
            while (row.Read())
            {
                keys.Add(row.GetInt64(0));
            }
        }
        using SqliteCommand read = _connection.Prepare(
            $"SELECT key_id, requests, errors, request_bytes, response_bytes, histogram FROM {from} WHERE id >= $p0 AND id < $p1 AND key_id BETWEEN $p2 AND $p3", 4);
        foreach (long[] some in keys.Chunk(KeysAtOnce))
        {
            read.Set(transaction, [StepTables.FirstId(startS), StepTables.FirstId(untilS), some[0], some[^1]]);
            foreach ((long key, StepCounts sum) in Sum(read))
            {
                _rows[level - 1].Insert(transaction, startS, key, in sum);
            }
        }
        SetUntil(transaction, level, untilS);
        transaction.Commit();
    }

    private static Dictionary<long, StepCounts> Sum(SqliteCommand read)
    {
        Dictionary<long, StepCounts> sums = [];
        using SqliteDataReader row = read.ExecuteReader();
        while (row.Read())
        {
            long key = row.GetInt64(0);
            StepCounts sum = sums.TryGetValue(key, out StepCounts known) ? known : new StepCounts(0, 0, 0, 0, new DurationHistogram());
            sum.Duration.TryAddSerialized(raw.sqlite3_column_blob(row.Handle, 5));
            sums[key] = sum with
            {
                Requests = sum.Requests + row.GetInt64(1), Errors = sum.Errors + row.GetInt64(2), RequestBytes = sum.RequestBytes + row.GetInt64(3), ResponseBytes = sum.ResponseBytes + row.GetInt64(4),
            };
        }
        return sums;
    }

    private void SetUntil(SqliteTransaction within, int level, long untilS)
    {
        _setUntil.Set(within, [_tables.Name(StepTables.StepsS[level]), untilS]).ExecuteNonQuery();
        _untilS[level] = untilS;
    }
}
