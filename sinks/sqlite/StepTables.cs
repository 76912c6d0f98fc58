using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>The tables of counts per step of one kind of key: one for each length of step, the key's names in one of their own, and a view on each.</summary>
/// <remarks>
/// Shape: a row's id is its start (seconds since the Unix epoch) times 2^24 plus a number of its own within the step. So rows lie in the order of
/// time without an index, and appending costs as little as SQLite can.
/// </remarks>
internal sealed class StepTables
{
    public const int SequenceBits = 24;

    /// <summary>How far a key's last_s may be behind: writing it with each row would cost as much as the row.</summary>
    public const int LastSeenSlackS = 3600;

    private readonly string _name;
    private readonly string _view;

    private StepTables(string name, string view, string[] columns) => (_name, _view, Columns) = (name, view, columns);

    /// <summary>Lengths of the steps, seconds; each divides the next.</summary>
    public static int[] StepsS { get; } = [Core.Red.RedWindows.Seconds, 60, 600, 3600];

    public static StepTables Series { get; } = new("series", "red",
        ["workload", "kind", "namespace", "pod", "container", "service", "role", "protocol", "method", "route", "status", "error_type"]);

    public static StepTables Calls { get; } = new("call", "calls",
        ["source", "source_kind", "source_namespace", "destination", "destination_kind", "destination_namespace", "role", "protocol"]);

    public static StepTables[] All { get; } = [Series, Calls];

    /// <summary>The names in the key, in the order of the columns; is_overflow and last_s come after them.</summary>
    public string[] Columns { get; }

    /// <summary>Table of the keys.</summary>
    public string Key => _name + "_key";

    /// <summary>Table of a step.</summary>
    public string Name(int stepS) => $"{_name}_{stepS}";

    /// <summary>For people: rows with their names. That of the shortest step has no number.</summary>
    public string View(int stepS) => stepS == StepsS[0] ? _view : $"{_view}_{stepS}";

    /// <summary>The lowest id of rows that start then or later.</summary>
    public static long FirstId(long startS) => Math.Clamp(startS, 0, long.MaxValue >> SequenceBits) << SequenceBits;

    /// <summary>When a row starts.</summary>
    public static long StartOf(long id) => id >> SequenceBits;

    /// <summary>Start of the first row of a step; null when there is none.</summary>
    public long? FirstS(SqliteConnection connection, int stepS)
    {
        using SqliteCommand command = connection.Prepare($"SELECT min(id) FROM {Name(stepS)}", 0);
        return command.ExecuteScalar() is long id ? StartOf(id) : null;
    }
}
