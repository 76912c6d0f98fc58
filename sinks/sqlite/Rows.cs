using System.Buffers;
using System.Text;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Streams;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>The prepared insertions.</summary>
internal sealed class Rows : IDisposable
{
    private readonly SqliteCommand _request;
    private readonly SqliteCommand _window;
    private readonly SqliteCommand _red;
    private readonly SqliteCommand _event;

    public Rows(SqliteConnection connection)
    {
        _request = Insert(connection, "request_log", ["start_ns", "duration_ns", "ttfb_ns", "workload", "workload_source", "role", "protocol", "method", "target", "host",
            "version", "status", "error", "client", "server", "request_bytes", "response_bytes", "request_body_bytes", "response_body_bytes", "flags", "attributes", "kept", "weight",
            .. WorkloadColumns.Own, .. WorkloadColumns.Peer]);
        _window = Insert(connection, "request_log_window", ["start_s", "seen", "kept", "thinned", "dropped"]);
        _red = Insert(connection, "red", ["start_s", "workload", "role", "protocol", "method", "route", "status", "error_type", "requests", "errors",
            "request_bytes", "response_bytes", "p50_ns", "p90_ns", "p99_ns", "max_ns", "histogram", "kind", "namespace", "pod", "container", "service"]);
        _event = Insert(connection, "events", ["time_ns", "type", "workload", "namespace", "pod", "container", "json"]);
    }

    public void Insert(SqliteTransaction within, in LogEntry entry)
    {
        Transaction transaction = entry.Record.AsTransaction();
        Connection connection = transaction.Connection;
        Set(_request, within, [
            transaction.StartNs, KnownOrNull(transaction.DurationNs), KnownOrNull(transaction.TimeToFirstByteNs), connection.Workload.Name, connection.Workload.Source,
            connection.RoleOf(transaction.ClientSide), transaction.Protocol, Text(transaction.Method), Text(transaction.Target), Text(transaction.Host),
            transaction.Version, transaction.Status == 0 ? null : (long)transaction.Status, transaction.Error,
            connection.EndOf(transaction.ClientSide).ToString(), connection.EndOf(transaction.ClientSide.Other()).ToString(),
            transaction.RequestBytes, transaction.ResponseBytes, KnownOrNull(transaction.RequestBodyBytes), KnownOrNull(transaction.ResponseBodyBytes),
            (long)transaction.Flags, transaction.Attributes.IsEmpty ? null : transaction.Attributes.ToArray(), KeptText(entry.Kept), entry.Weight,
            .. WorkloadColumns.OwnValues(connection.Workload), .. WorkloadColumns.PeerValues(connection.Peer)]);
    }

    public void Insert(SqliteTransaction within, NodeEvent happened)
    {
        ArrayBufferWriter<byte> json = new(512);
        NodeEventJson.Write(json, happened);
        Workload workload = happened.Workload;
        Set(_event, within, [happened.TimeNs, happened.Type, workload.Name, workload.Namespace, workload.Pod, workload.Container, Encoding.UTF8.GetString(json.WrittenSpan[..^1])]);
    }

    public void Insert(SqliteTransaction within, in LogWindow window) =>
        Set(_window, within, [window.StartS, window.Seen, window.Kept, window.Thinned, window.Dropped]);

    public void Insert(SqliteTransaction within, long startS, RedSeriesSnapshot series) =>
        Set(_red, within, [startS, series.Workload.Name, series.Role, series.Protocol, series.Method, series.Route, (long)series.Status, series.ErrorType, series.Count, series.Errors,
            series.RequestBytes, series.ResponseBytes, series.Duration.QuantileNs(0.5), series.Duration.QuantileNs(0.9), series.Duration.QuantileNs(0.99), series.Duration.MaxNs, series.Duration.Serialize(),
            series.Workload.Kind, series.Workload.Namespace, series.Workload.Pod, series.Workload.Container, series.Workload.Service]);

    public void Dispose()
    {
        _request.Dispose();
        _window.Dispose();
        _red.Dispose();
        _event.Dispose();
    }

    internal static string KeptText(KeptAs kept) => kept switch
    {
        KeptAs.Error => "error",
        KeptAs.Slow => "slow",
        _ => "sample",
    };

    // Bytes of the wire need not be UTF-8; Latin-1 keeps every one of them, and ASCII reads as ASCII.
    internal static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    private static object KnownOrNull(long value) => value < 0 ? DBNull.Value : value;

    private static SqliteCommand Insert(SqliteConnection connection, string table, string[] columns)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(static (_, i) => $"$p{i}"))})";
        for (int i = 0; i < columns.Length; i++)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = $"$p{i}" });
        }
        return command;
    }

    private static void Set(SqliteCommand command, SqliteTransaction within, ReadOnlySpan<object?> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }
        command.Transaction = within;
        command.ExecuteNonQuery();
    }
}
