using KubeBpfBox.Core.Red;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>What a key counted in a step.</summary>
internal readonly record struct StepCounts(long Requests, long Errors, long RequestBytes, long ResponseBytes, DurationHistogram Duration);

/// <summary>Appends rows to the table of one length of step.</summary>
internal sealed class StepRows : IDisposable
{
    private readonly SqliteCommand _insert;
    private readonly SqliteCommand _last;
    private long _startS = -1;
    private long _nextId;

    public StepRows(SqliteConnection connection, string table)
    {
        _insert = connection.PrepareInsert(table, ["id", "key_id", "requests", "errors", "request_bytes", "response_bytes", "p50_ns", "p90_ns", "p99_ns", "max_ns", "histogram"]);
        _last = connection.Prepare($"SELECT max(id) FROM {table} WHERE id >= $p0 AND id < $p1", 2);
    }

    /// <summary>Appends one. When the transaction fails this object must not be used any more.</summary>
    public void Insert(SqliteTransaction within, long startS, long keyId, in StepCounts counts)
    {
        if (startS != _startS)
        {
            // A step may have rows: of a run that ended within it, or of a clock that was set back.
            object? last = _last.Set(within, [StepTables.FirstId(startS), StepTables.FirstId(startS + 1)]).ExecuteScalar();
            (_startS, _nextId) = (startS, last is long id ? id + 1 : StepTables.FirstId(startS));
        }
        DurationHistogram duration = counts.Duration;
        _insert.Set(within, [_nextId++, keyId, counts.Requests, counts.Errors, counts.RequestBytes, counts.ResponseBytes,
            duration.QuantileNs(0.5), duration.QuantileNs(0.9), duration.QuantileNs(0.99), duration.MaxNs, duration.Serialize()]).ExecuteNonQuery();
    }

    /// <summary>Rows were deleted: what comes next is looked up.</summary>
    public void Forget() => _startS = -1;

    public void Dispose()
    {
        _insert.Dispose();
        _last.Dispose();
    }
}
