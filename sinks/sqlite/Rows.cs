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
    private readonly SqliteCommand _event;

    public Rows(SqliteConnection connection)
    {
        Series = new CountedRows<SeriesNames>(connection, StepTables.Series);
        Calls = new CountedRows<CallNames>(connection, StepTables.Calls);
        _request = connection.PrepareInsert("request_log", ["start_ns", "duration_ns", "ttfb_ns", "workload", "workload_source", "role", "protocol", "method", "target", "host",
            "version", "status", "error", "client", "server", "request_bytes", "response_bytes", "request_body_bytes", "response_body_bytes", "flags", "attributes", "kept", "weight",
            .. WorkloadColumns.Own, .. WorkloadColumns.Peer]);
        _window = connection.PrepareInsert("request_log_window", ["start_s", "seen", "kept", "thinned", "dropped"]);
        _event = connection.PrepareInsert("events", ["time_ns", "type", "workload", "namespace", "pod", "container", "json"]);
    }

    /// <summary>Rate, errors and duration of series.</summary>
    public CountedRows<SeriesNames> Series { get; }

    /// <summary>Who calls whom.</summary>
    public CountedRows<CallNames> Calls { get; }

    public void Insert(SqliteTransaction within, in LogEntry entry)
    {
        Transaction transaction = entry.Record.AsTransaction();
        Connection connection = transaction.Connection;
        _request.Set(within, [
            transaction.StartNs, KnownOrNull(transaction.DurationNs), KnownOrNull(transaction.TimeToFirstByteNs), connection.Workload.Name, connection.Workload.Source,
            connection.RoleOf(transaction.ClientSide), transaction.Protocol, Text(transaction.Method), Text(transaction.Target), Text(transaction.Host),
            transaction.Version, transaction.Status == 0 ? null : (long)transaction.Status, transaction.Error,
            connection.EndOf(transaction.ClientSide).ToString(), connection.EndOf(transaction.ClientSide.Other()).ToString(),
            transaction.RequestBytes, transaction.ResponseBytes, KnownOrNull(transaction.RequestBodyBytes), KnownOrNull(transaction.ResponseBodyBytes),
            (long)transaction.Flags, transaction.Attributes.IsEmpty ? null : transaction.Attributes.ToArray(), KeptText(entry.Kept), entry.Weight,
            .. WorkloadColumns.OwnValues(connection.Workload), .. WorkloadColumns.PeerValues(connection.Peer)]).ExecuteNonQuery();
    }

    public void Insert(SqliteTransaction within, NodeEvent happened)
    {
        ArrayBufferWriter<byte> json = new(512);
        NodeEventJson.Write(json, happened);
        Workload workload = happened.Workload;
        _event.Set(within, [happened.TimeNs, happened.Type, workload.Name, workload.Namespace, workload.Pod, workload.Container, Encoding.UTF8.GetString(json.WrittenSpan[..^1])]).ExecuteNonQuery();
    }

    public void Insert(SqliteTransaction within, in LogWindow window) =>
        _window.Set(within, [window.StartS, window.Seen, window.Kept, window.Thinned, window.Dropped]).ExecuteNonQuery();

    public void Insert(SqliteTransaction within, long startS, RedSeriesSnapshot series) =>
        Series.Insert(within, startS, SeriesNames.Of(series), new StepCounts(series.Count, series.Errors, series.RequestBytes, series.ResponseBytes, series.Duration));

    public void Insert(SqliteTransaction within, long startS, CallSnapshot call) =>
        Calls.Insert(within, startS, CallNames.Of(call.Key), new StepCounts(call.Count, call.Errors, call.RequestBytes, call.ResponseBytes, call.Duration));

    public void Dispose()
    {
        _request.Dispose();
        _window.Dispose();
        Series.Dispose();
        Calls.Dispose();
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
}
