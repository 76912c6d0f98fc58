using System.Net;
using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Streams;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Reads rows of request_log.</summary>
internal static class LoggedRequest
{
    private const int TargetColumn = 8;
    private const int IdColumn = 23;
    private const int FirstWorkloadColumn = 24;

    /// <summary>The columns, in the order that they are read in.</summary>
    public static string Columns { get; } = "start_ns, duration_ns, ttfb_ns, workload, workload_source, role, protocol, method, target, host, version, status, error, client, server, "
        + "request_bytes, response_bytes, request_body_bytes, response_body_bytes, flags, attributes, kept, weight, id, "
        + string.Join(", ", [.. WorkloadColumns.Own, .. WorkloadColumns.Peer]);

    /// <summary>Makes the request of a row.</summary>
    public static Transaction Read(SqliteDataReader row)
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
        return new Transaction
        {
            Connection = connection,
            Protocol = row.GetString(6),
            ClientSide = clientSide,
            StartNs = row.GetInt64(0),
            DurationNs = row.NumberOr(1, -1),
            TimeToFirstByteNs = row.NumberOr(2, -1),
            Method = Encoding.Latin1.GetBytes(row.GetString(7)),
            Target = Encoding.Latin1.GetBytes(row.GetString(TargetColumn)),
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
    }

    /// <summary>The row beside the request.</summary>
    public static LogRow ReadRow(SqliteDataReader row) => new(row.GetInt64(IdColumn), row.GetString(21), row.GetInt64(22));

    /// <summary>Whether a row's target has a route; told before all of a row is read, as no index knows.</summary>
    public static bool IsOfRoute(SqliteDataReader row, string route)
    {
        Span<byte> found = stackalloc byte[RouteTemplate.MaxBytes];
        return Ascii.Equals(found[..RouteTemplate.Write(Encoding.Latin1.GetBytes(row.GetString(TargetColumn)), found)], route);
    }

    private static Endpoint ReadEndpoint(string text) =>
        IPEndPoint.TryParse(text, out IPEndPoint? parsed) ? Endpoint.From(parsed.Address.GetAddressBytes(), (ushort)parsed.Port) : default;
}
