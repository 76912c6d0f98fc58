using System.Net;
using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Takes rows of the request log. The transaction's spans live only during the call.</summary>
public delegate void LoggedTransactionHandler(in Transaction transaction, string kept, long weight);

/// <summary>Searches the request log, newest first.</summary>
public sealed class RequestLogReader(string path)
{
    private const int FirstWorkloadColumn = 23;

    private static readonly string s_columns = "start_ns, duration_ns, ttfb_ns, workload, workload_source, role, protocol, method, target, host, version, status, error, client, server, "
        + "request_bytes, response_bytes, request_body_bytes, response_body_bytes, flags, attributes, kept, weight, "
        + string.Join(", ", [.. WorkloadColumns.Own, .. WorkloadColumns.Peer]);

    /// <summary>Finds requests that started in [<paramref name="sinceNs"/>, <paramref name="untilNs"/>).</summary>
    /// <returns>How many were handed on.</returns>
    /// <exception cref="SqliteException">The database cannot be read.</exception>
    public int Search(TransactionFilter filter, long sinceNs, long untilNs, int limit, LoggedTransactionHandler handler)
    {
        if (!File.Exists(path))
        {
            return 0;
        }
        using SqliteConnection connection = Database.OpenToRead(path);
        using SqliteCommand command = connection.CreateCommand();
        Build(command, filter, sinceNs, untilNs, limit);
        using SqliteDataReader reader = command.ExecuteReader();
        int count = 0;
        while (reader.Read())
        {
            Hand(reader, handler);
            count++;
        }
        return count;
    }

    private static void Build(SqliteCommand command, TransactionFilter filter, long sinceNs, long untilNs, int limit)
    {
        StringBuilder sql = new($"SELECT {s_columns} FROM request_log WHERE start_ns >= $since AND start_ns < $until");
        command.Parameters.AddWithValue("$since", sinceNs);
        command.Parameters.AddWithValue("$until", untilNs);
        AddEqual("protocol", filter.Protocol?.ToLowerInvariant());
        AddEqual("role", filter.Role);
        AddEqual("workload", filter.Workload);
        AddEqual("namespace", filter.Namespace);
        AddEqual("pod", filter.Pod);
        if (filter.Method is not null)
        {
            sql.Append(" AND method = $method COLLATE NOCASE");
            command.Parameters.AddWithValue("$method", filter.Method);
        }
        if (filter.StatusFrom > 0)
        {
            sql.Append(" AND status BETWEEN $from AND $to");
            command.Parameters.AddWithValue("$from", filter.StatusFrom);
            command.Parameters.AddWithValue("$to", filter.StatusTo);
        }
        if (filter.SlowerThanNs >= 0)
        {
            sql.Append(" AND duration_ns > $slower");
            command.Parameters.AddWithValue("$slower", filter.SlowerThanNs);
        }
        sql.Append(" ORDER BY start_ns DESC LIMIT $limit");
        command.Parameters.AddWithValue("$limit", limit);
        command.CommandText = sql.ToString();

        void AddEqual(string column, string? value)
        {
            if (value is not null)
            {
                sql.Append(" AND ").Append(column).Append(" = $").Append(column);
                command.Parameters.AddWithValue("$" + column, value);
            }
        }
    }

    private static void Hand(SqliteDataReader row, LoggedTransactionHandler handler)
    {
        string? role = row.TextOrNull(5);
        Endpoint client = ReadEndpoint(row.GetString(13));
        Endpoint server = ReadEndpoint(row.GetString(14));
        // The local socket is end A: the client's end when the role was client.
        Side clientSide = role == "server" ? Side.B : Side.A;
        Connection connection = clientSide == Side.A
            ? Connection.Create(client, server, isLocalSocket: role is not null)
            : Connection.Create(server, client, isLocalSocket: true);
        connection.Workload = WorkloadColumns.Read(row, 3, FirstWorkloadColumn);
        connection.Peer = WorkloadColumns.Read(row, FirstWorkloadColumn + WorkloadColumns.Own.Length, FirstWorkloadColumn + WorkloadColumns.Own.Length + 2);
        Transaction transaction = new()
        {
            Connection = connection,
            Protocol = row.GetString(6),
            ClientSide = clientSide,
            StartNs = row.GetInt64(0),
            DurationNs = row.NumberOr(1, -1),
            TimeToFirstByteNs = row.NumberOr(2, -1),
            Method = Encoding.Latin1.GetBytes(row.GetString(7)),
            Target = Encoding.Latin1.GetBytes(row.GetString(8)),
            Host = Encoding.Latin1.GetBytes(row.GetString(9)),
            Version = row.TextOrNull(10),
            Status = (int)row.NumberOr(11, 0),
            Error = row.TextOrNull(12),
            RequestBytes = row.GetInt64(15),
            ResponseBytes = row.GetInt64(16),
            RequestBodyBytes = row.NumberOr(17, -1),
            ResponseBodyBytes = row.NumberOr(18, -1),
            Flags = (TransactionFlags)row.GetInt64(19),
            Attributes = row.IsDBNull(20) ? [] : (byte[])row.GetValue(20),
        };
        handler(in transaction, row.GetString(21), row.GetInt64(22));
    }

    private static Endpoint ReadEndpoint(string text) =>
        IPEndPoint.TryParse(text, out IPEndPoint? parsed) ? Endpoint.From(parsed.Address.GetAddressBytes(), (ushort)parsed.Port) : default;
}
