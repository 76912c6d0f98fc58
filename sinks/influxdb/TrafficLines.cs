using System.Buffers;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>Requests as points of the measurement "traffic".</summary>
/// <remarks>Used by the parse thread. Allocates nothing for workloads that were seen before.</remarks>
internal sealed class TrafficLines(string node, ExportedUrl url)
{
    private readonly TagCache _tags = new(node);
    private readonly TakenTimes _times = new();

    /// <summary>Writes one line.</summary>
    public void Write(IBufferWriter<byte> output, in Transaction transaction)
    {
        Connection connection = transaction.Connection;
        SeriesTags series = _tags.TrafficOf(connection.Workload, transaction.Protocol, connection.RoleOf(transaction.ClientSide));
        LineWriter writer = new(output);
        writer.Tags(series.Escaped);
        writer.Field("method"u8, transaction.Method);
        WriteTarget(ref writer, in transaction);
        writer.Field("host"u8, transaction.Host);
        if (transaction.Status != 0)
        {
            writer.Field("code"u8, transaction.Status);
        }
        writer.Field("error"u8, transaction.Error);
        writer.Field("version"u8, transaction.Version);
        Endpoint client = connection.EndOf(transaction.ClientSide);
        Endpoint server = connection.EndOf(transaction.ClientSide.Other());
        writer.Address("srcip"u8, client);
        writer.Field("srcport"u8, client.Port);
        writer.Address("dstip"u8, server);
        writer.Field("dstport"u8, server.Port);
        writer.Milliseconds("duration"u8, transaction.DurationNs);
        writer.Milliseconds("ttfb"u8, transaction.TimeToFirstByteNs);
        writer.Field("request_bytes"u8, transaction.RequestBytes);
        writer.Field("response_bytes"u8, transaction.ResponseBytes);
        writer.Fields(_tags.PeerOf(connection.Peer));
        if (!transaction.Attributes.IsEmpty)
        {
            WriteTrace(ref writer, transaction.Attributes);
        }
        writer.End(_times.Take(series.Hash, transaction.StartNs));
    }

    private void WriteTarget(ref LineWriter writer, in Transaction transaction)
    {
        if (transaction.Target.IsEmpty)
        {
            return;
        }
        Span<byte> buffer = stackalloc byte[RouteTemplate.MaxBytes];
        ReadOnlySpan<byte> route = buffer[..RouteTemplate.Write(transaction.Target, buffer)];
        writer.Field("url"u8, url == ExportedUrl.Route ? route : ExportedTarget.Of(in transaction, url, default));
        writer.Field("route"u8, route);
    }

    private static void WriteTrace(ref LineWriter writer, ReadOnlySpan<byte> attributes)
    {
        AttributeReader reader = new(attributes);
        while (reader.TryRead())
        {
            if (reader.Kind == AttributeKind.Text && reader.Key.SequenceEqual("trace_id"u8))
            {
                writer.Field("trace_id"u8, reader.Value);
            }
            else if (reader.Kind == AttributeKind.Text && reader.Key.SequenceEqual("parent_span_id"u8))
            {
                writer.Field("span_parent"u8, reader.Value);
            }
        }
    }
}
