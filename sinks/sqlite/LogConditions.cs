using System.Text;
using KubeBpfBox.Core.Records;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Conditions of a search as SQL.</summary>
internal sealed class LogConditions
{
    private static readonly string[] s_wireColumns = ["target", "host"];
    private static readonly string[] s_nameColumns = ["workload", "namespace", "pod", "peer_workload", "peer_namespace", "peer_pod"];

    private readonly StringBuilder _sql = new();
    private readonly List<(string Name, object Value)> _values = [];

    public LogConditions(LogQuery query)
    {
        TransactionFilter filter = query.Filter;
        Equal("workload", filter.Workload);
        if (filter.StatusFrom >= ErrorStatus)
        {
            // Word for word what the index on errors has, or SQLite would not take it.
            _sql.Append($" AND status >= {ErrorStatus}");
        }
        Driving = _sql.ToString();
        Index = filter.Workload is not null ? "request_log_workload" : filter.StatusFrom >= ErrorStatus ? "request_log_errors" : "request_log_start";
        Equal("protocol", filter.Protocol?.ToLowerInvariant());
        Equal("role", filter.Role);
        Equal("namespace", filter.Namespace);
        Equal("pod", filter.Pod);
        Equal("client", query.Client);
        Equal("server", query.Server);
        if (filter.Method is not null)
        {
            Add(" AND method = $method COLLATE NOCASE", "$method", filter.Method);
        }
        if (filter.StatusFrom > 0)
        {
            Add(" AND status >= $from", "$from", filter.StatusFrom);
            Add(" AND status <= $to", "$to", filter.StatusTo);
        }
        if (filter.SlowerThanNs >= 0)
        {
            Add(" AND duration_ns > $slower", "$slower", filter.SlowerThanNs);
        }
        if (filter.Text is not null)
        {
            AddText(filter.Text);
        }
    }

    /// <summary>The index that a search walks along.</summary>
    public string Index { get; }

    /// <summary>The conditions that the index answers: rows that meet them are looked at.</summary>
    public string Driving { get; }

    /// <summary>All conditions.</summary>
    public string All => _sql.ToString();

    // As in the index request_log_errors.
    private const int ErrorStatus = 400;

    /// <summary>Gives a statement the values.</summary>
    public void SetValues(SqliteCommand command)
    {
        foreach ((string name, object value) in _values)
        {
            command.Parameters.AddWithValue(name, value);
        }
    }

    private void Equal(string column, string? value)
    {
        if (value is not null)
        {
            Add($" AND {column} = ${column}", "$" + column, value);
        }
    }

    /// <summary>LIKE takes ASCII letters without regard to case, as <see cref="TransactionFilter.Text"/> does.</summary>
    private void AddText(string text)
    {
        string pattern = $"%{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal)}%";
        string Any(string[] columns, string value) => string.Join(" OR ", columns.Select(column => $"{column} LIKE {value} ESCAPE '\\'"));
        _sql.Append($" AND ({Any(s_wireColumns, "$wire")} OR {Any(s_nameColumns, "$name")})");
        // What was on the wire is stored byte by byte.
        _values.Add(("$wire", Rows.Text(Encoding.UTF8.GetBytes(pattern))));
        _values.Add(("$name", pattern));
    }

    private void Add(string condition, string name, object value)
    {
        _sql.Append(condition);
        _values.Add((name, value));
    }
}
