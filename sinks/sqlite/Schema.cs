using System.Text;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>The tables, version by version: what makes a new file and what brings an old one up to date.</summary>
internal static class Schema
{
    /// <summary>Version of the tables, kept in user_version.</summary>
    public const int Version = 3;

    private static readonly string[] s_steps = [First, Second, MakeThird()];

    /// <summary>What brings tables of a version to <see cref="Version"/>; from 0, which has none, it makes them.</summary>
    public static string From(long version) => string.Concat(s_steps[(int)version..]) + $"PRAGMA user_version = {Version};";

    internal const string First = """
        CREATE TABLE red (
            start_s INTEGER NOT NULL, workload TEXT NOT NULL, role TEXT, protocol TEXT NOT NULL, method TEXT NOT NULL, route TEXT NOT NULL,
            status INTEGER NOT NULL, error_type TEXT, requests INTEGER NOT NULL, errors INTEGER NOT NULL,
            request_bytes INTEGER NOT NULL, response_bytes INTEGER NOT NULL,
            p50_ns INTEGER NOT NULL, p90_ns INTEGER NOT NULL, p99_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, histogram BLOB NOT NULL);
        CREATE INDEX red_start ON red (start_s);
        CREATE TABLE request_log (
            id INTEGER PRIMARY KEY, start_ns INTEGER NOT NULL, duration_ns INTEGER, ttfb_ns INTEGER, workload TEXT NOT NULL, workload_source TEXT NOT NULL,
            role TEXT, protocol TEXT NOT NULL, method TEXT NOT NULL, target TEXT NOT NULL, host TEXT NOT NULL, version TEXT, status INTEGER,
            error TEXT, client TEXT NOT NULL, server TEXT NOT NULL, request_bytes INTEGER NOT NULL, response_bytes INTEGER NOT NULL,
            request_body_bytes INTEGER, response_body_bytes INTEGER, flags INTEGER NOT NULL, attributes BLOB,
            kept TEXT NOT NULL, weight INTEGER NOT NULL);
        CREATE INDEX request_log_start ON request_log (start_ns);
        CREATE TABLE request_log_window (
            start_s INTEGER NOT NULL, seen INTEGER NOT NULL, kept INTEGER NOT NULL, thinned INTEGER NOT NULL, dropped INTEGER NOT NULL);
        CREATE INDEX request_log_window_start ON request_log_window (start_s);
        """;

    /// <summary>From version 1 to 2: who is at both ends, in Kubernetes' terms, and events.</summary>
    internal const string Second = """
        ALTER TABLE red ADD COLUMN kind TEXT;
        ALTER TABLE red ADD COLUMN namespace TEXT;
        ALTER TABLE red ADD COLUMN pod TEXT;
        ALTER TABLE red ADD COLUMN container TEXT;
        ALTER TABLE red ADD COLUMN service TEXT;
        ALTER TABLE request_log ADD COLUMN kind TEXT;
        ALTER TABLE request_log ADD COLUMN namespace TEXT;
        ALTER TABLE request_log ADD COLUMN pod TEXT;
        ALTER TABLE request_log ADD COLUMN pod_uid TEXT;
        ALTER TABLE request_log ADD COLUMN container TEXT;
        ALTER TABLE request_log ADD COLUMN container_id TEXT;
        ALTER TABLE request_log ADD COLUMN service TEXT;
        ALTER TABLE request_log ADD COLUMN node TEXT;
        ALTER TABLE request_log ADD COLUMN peer_workload TEXT;
        ALTER TABLE request_log ADD COLUMN peer_source TEXT;
        ALTER TABLE request_log ADD COLUMN peer_kind TEXT;
        ALTER TABLE request_log ADD COLUMN peer_namespace TEXT;
        ALTER TABLE request_log ADD COLUMN peer_pod TEXT;
        ALTER TABLE request_log ADD COLUMN peer_pod_uid TEXT;
        ALTER TABLE request_log ADD COLUMN peer_container TEXT;
        ALTER TABLE request_log ADD COLUMN peer_container_id TEXT;
        ALTER TABLE request_log ADD COLUMN peer_service TEXT;
        ALTER TABLE request_log ADD COLUMN peer_node TEXT;
        CREATE TABLE events (
            id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, type TEXT NOT NULL, workload TEXT NOT NULL, namespace TEXT, pod TEXT, container TEXT, json TEXT NOT NULL);
        CREATE INDEX events_time ON events (time_ns);
        """;

    /// <summary>From version 2 to 3: names of a series stand once, who calls whom, and longer steps. The rows of `red` move.</summary>
    private static string MakeThird()
    {
        StringBuilder sql = new();
        // Ids are never given twice: a key that is remembered cannot become another one's.
        sql.Append("""
            ALTER TABLE red RENAME TO red_2;
            CREATE TABLE series_key (
                id INTEGER PRIMARY KEY AUTOINCREMENT, workload TEXT NOT NULL, kind TEXT, namespace TEXT, pod TEXT, container TEXT, service TEXT, role TEXT,
                protocol TEXT NOT NULL, method TEXT NOT NULL, route TEXT NOT NULL, status INTEGER NOT NULL, error_type TEXT, is_overflow INTEGER NOT NULL, last_s INTEGER NOT NULL);
            CREATE INDEX series_key_names ON series_key (workload, route, method, status, pod);
            CREATE TABLE call_key (
                id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, source_kind TEXT, source_namespace TEXT,
                destination TEXT NOT NULL, destination_kind TEXT, destination_namespace TEXT,
                role TEXT NOT NULL, protocol TEXT NOT NULL, is_overflow INTEGER NOT NULL, last_s INTEGER NOT NULL);
            CREATE INDEX call_key_names ON call_key (source, destination);
            CREATE TABLE rolled_up (name TEXT PRIMARY KEY, until_s INTEGER NOT NULL) WITHOUT ROWID;

            """);
        foreach (StepTables tables in StepTables.All)
        {
            foreach (int stepS in StepTables.StepsS)
            {
                sql.Append($"""
                    CREATE TABLE {tables.Name(stepS)} (
                        id INTEGER PRIMARY KEY, key_id INTEGER NOT NULL, requests INTEGER NOT NULL, errors INTEGER NOT NULL,
                        request_bytes INTEGER NOT NULL, response_bytes INTEGER NOT NULL,
                        p50_ns INTEGER NOT NULL, p90_ns INTEGER NOT NULL, p99_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, histogram BLOB NOT NULL);
                    CREATE VIEW {tables.View(stepS)} AS SELECT t.id >> {StepTables.SequenceBits} AS start_s, {string.Join(", ", tables.Columns.Select(static name => "k." + name))},
                        requests, errors, request_bytes, response_bytes, p50_ns, p90_ns, p99_ns, max_ns, histogram FROM {tables.Name(stepS)} t JOIN {tables.Key} k ON k.id = t.key_id;

                    """);
            }
        }
        string names = string.Join(", ", StepTables.Series.Columns);
        string isOverflow = "workload = 'overflow' AND method = 'overflow' AND route = 'overflow'";
        sql.Append($"""
            INSERT INTO series_key ({names}, is_overflow, last_s) SELECT {names}, {isOverflow}, max(start_s) FROM red_2 GROUP BY {names};
            INSERT INTO series_10 SELECT (n.start_s << {StepTables.SequenceBits}) + n.place, k.id, requests, errors, request_bytes, response_bytes, p50_ns, p90_ns, p99_ns, max_ns, histogram
                FROM (SELECT rowid AS row, start_s, row_number() OVER (PARTITION BY start_s ORDER BY rowid) - 1 AS place FROM red_2) n
                CROSS JOIN red_2 r ON r.rowid = n.row
                CROSS JOIN series_key k ON {string.Join(" AND ", StepTables.Series.Columns.Select(static name => $"k.{name} IS r.{name}"))};
            DROP TABLE red_2;
            CREATE INDEX request_log_workload ON request_log (workload, start_ns);
            CREATE INDEX request_log_errors ON request_log (start_ns) WHERE status >= 400;

            """);
        return sql.ToString();
    }
}
