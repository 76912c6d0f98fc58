using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Gives keys their numbers: the one that a key has in its table, or a new one. Belongs to the writer, who is the only one to add keys.</summary>
internal sealed class KeyIds<TNames> : IDisposable
    where TNames : struct, IKeyNames
{
    /// <summary>Keys that are remembered: more than there are series at a time by default.</summary>
    private const int MaxRemembered = 16_384;

    private readonly Dictionary<TNames, (long Id, long LastS)> _remembered = [];
    private readonly SqliteCommand _find;
    private readonly SqliteCommand _add;
    private readonly SqliteCommand _touch;

    public KeyIds(SqliteConnection connection, StepTables tables)
    {
        // "IS" holds for two NULLs.
        _find = connection.Prepare($"SELECT id, last_s FROM {tables.Key} WHERE {string.Join(" AND ", tables.Columns.Append("is_overflow").Select(static (name, i) => $"{name} IS $p{i}"))}", tables.Columns.Length + 1);
        _add = connection.Prepare(
            $"INSERT INTO {tables.Key} ({string.Join(", ", tables.Columns)}, is_overflow, last_s) VALUES ({Statements.Places(tables.Columns.Length + 2)}) RETURNING id", tables.Columns.Length + 2);
        _touch = connection.Prepare($"UPDATE {tables.Key} SET last_s = $p1 WHERE id = $p0", 2);
    }

    /// <summary>The number of a key that has a row.</summary>
    /// <param name="within">The transaction. When it fails this object must not be used any more.</param>
    /// <param name="names">The key.</param>
    /// <param name="startS">When the row starts.</param>
    public long Of(SqliteTransaction within, in TNames names, long startS)
    {
        if (!_remembered.TryGetValue(names, out (long Id, long LastS) key))
        {
            key = FindOrAdd(within, in names, startS);
            if (_remembered.Count >= MaxRemembered)
            {
                _remembered.Clear();
            }
            _remembered[names] = key;
        }
        if (startS - key.LastS >= StepTables.LastSeenSlackS)
        {
            _touch.Set(within, [key.Id, startS]).ExecuteNonQuery();
            _remembered[names] = (key.Id, startS);
        }
        return key.Id;
    }

    /// <summary>Forgets all: keys were deleted.</summary>
    public void Forget() => _remembered.Clear();

    public void Dispose()
    {
        _find.Dispose();
        _add.Dispose();
        _touch.Dispose();
    }

    private (long Id, long LastS) FindOrAdd(SqliteTransaction within, in TNames names, long startS)
    {
        object?[] values = [.. names.Values, names.IsOverflow ? 1L : 0L];
        using (SqliteDataReader found = _find.Set(within, values).ExecuteReader())
        {
            if (found.Read())
            {
                return (found.GetInt64(0), found.GetInt64(1));
            }
        }
        return ((long)_add.Set(within, [.. values, startS]).ExecuteScalar()!, startS);
    }
}
