using System.Buffers.Binary;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Writes requests as spans.</summary>
/// <remarks>
/// Units: nanoseconds since the Unix epoch; an unanswered request's span has no length, since nobody knows when it ended. Not thread-safe.
/// Source: opentelemetry/proto/trace/v1/trace.proto; semantic conventions for HTTP spans.
/// </remarks>
internal sealed class SpanWriter(ProtoWriter writer, ExportedUrl url, string ratioTraceState)
{
    private const int Attribute = 9;
    private const ulong ServerKind = 2;
    private const ulong ClientKind = 3;
    private const ulong ErrorCode = 2;

    // W3C's flags in the low byte; HAS_IS_REMOTE and IS_REMOTE above.
    private const uint Sampled = 0x01;
    private const uint RandomTraceId = 0x02;
    private const uint ParentIsRemote = 0x300;
    private const uint ParentIsNotRemote = 0x100;

    private readonly byte[] _ratioTraceState = System.Text.Encoding.ASCII.GetBytes(ratioTraceState);

    /// <summary>Appends one span.</summary>
    public void Write(in Transaction transaction, SpanPlace place)
    {
        bool isClient = transaction.Connection.RoleOf(transaction.ClientSide) == "client";
        Span<byte> buffer = stackalloc byte[RouteTemplate.MaxBytes];
        ReadOnlySpan<byte> route = buffer[..RouteTemplate.Write(transaction.Target, buffer)];
        string method = RedRules.MethodName(transaction.Method);

        int span = writer.Open(Resources.Item);
        Identity(place);
        Name(method, route);
        writer.Varint(6, isClient ? ClientKind : ServerKind);
        writer.Fixed64(7, (ulong)transaction.StartNs);
        writer.Fixed64(8, (ulong)(transaction.StartNs + Math.Max(0, transaction.DurationNs)));
        Request(in transaction, method, route, isClient);
        SpanTarget.Write(writer, Attribute, in transaction, url, isClient);
        Response(in transaction);
        Ends(in transaction, isClient);
        Status(in transaction, isClient);
        writer.Fixed32(16, place.ParentSpanId == 0 ? Sampled | RandomTraceId | ParentIsNotRemote : Sampled | ParentIsRemote);
        writer.Close(span);
    }

    private void Identity(SpanPlace place)
    {
        Span<byte> id = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(id, place.TraceId);
        writer.Bytes(1, id);
        BinaryPrimitives.WriteUInt64BigEndian(id, Sampling.RandomId());
        writer.Bytes(2, id[..8]);
        if (place.ParentSpanId == 0)
        {
            writer.Bytes(3, _ratioTraceState);
            return;
        }
        BinaryPrimitives.WriteUInt64BigEndian(id, place.ParentSpanId);
        writer.Bytes(4, id[..8]);
    }

    /// <summary>"GET /users/{id}"; "HTTP" stands for methods that the conventions do not know.</summary>
    private void Name(string method, ReadOnlySpan<byte> route)
    {
        int name = writer.Open(5);
        writer.Append(method == RedRules.OtherMethod ? "HTTP" : method);
        if (!route.IsEmpty)
        {
            writer.Append(" "u8);
            writer.Append(route);
        }
        writer.Close(name);
    }

    private void Request(in Transaction transaction, string method, ReadOnlySpan<byte> route, bool isClient)
    {
        writer.Attribute(Attribute, "http.request.method"u8, method);
        if (method == RedRules.OtherMethod)
        {
            writer.Attribute(Attribute, "http.request.method_original"u8, transaction.Method);
        }
        writer.Attribute(Attribute, isClient ? "url.template"u8 : "http.route"u8, route);
        writer.Attribute(Attribute, "network.protocol.name"u8, transaction.Protocol);
        writer.Attribute(Attribute, "network.protocol.version"u8, transaction.Version);
        writer.Attribute(Attribute, "http.request.size"u8, transaction.RequestBytes);
        if (transaction.RequestBodyBytes >= 0)
        {
            writer.Attribute(Attribute, "http.request.body.size"u8, transaction.RequestBodyBytes);
        }
    }

    private void Response(in Transaction transaction)
    {
        if (transaction.Status != 0)
        {
            writer.Attribute(Attribute, "http.response.status_code"u8, transaction.Status);
            writer.Attribute(Attribute, "http.response.size"u8, transaction.ResponseBytes);
        }
        if (transaction.ResponseBodyBytes >= 0)
        {
            writer.Attribute(Attribute, "http.response.body.size"u8, transaction.ResponseBodyBytes);
        }
        if (transaction.TimeToFirstByteNs >= 0)
        {
            writer.Attribute(Attribute, "kubebpfbox.time_to_first_byte_ns"u8, transaction.TimeToFirstByteNs);
        }
        if (transaction.Flags != TransactionFlags.None)
        {
            writer.Attribute(Attribute, "kubebpfbox.incomplete"u8, Missing(transaction.Flags));
        }
    }

    private static string[] Missing(TransactionFlags flags)
    {
        List<string> names = [];
        ReadOnlySpan<(TransactionFlags Flag, string Name)> all =
        [
            (TransactionFlags.RequestTruncated, "request_truncated"), (TransactionFlags.ResponseTruncated, "response_truncated"),
            (TransactionFlags.BodyIncomplete, "body_incomplete"), (TransactionFlags.PairedAfterLoss, "paired_after_loss"),
        ];
        foreach ((TransactionFlags flag, string name) in all)
        {
            if ((flags & flag) != 0)
            {
                names.Add(name);
            }
        }
        return [.. names];
    }

    private void Ends(in Transaction transaction, bool isClient)
    {
        Connection connection = transaction.Connection;
        Endpoint client = connection.EndOf(transaction.ClientSide);
        Endpoint server = connection.EndOf(transaction.ClientSide.Other());
        Span<byte> text = stackalloc byte[Endpoint.MaxTextLength];
        if (!isClient)
        {
            writer.Attribute(Attribute, "client.address"u8, text[..EndpointText.FormatAddress(client, text)]);
            writer.Attribute(Attribute, "client.port"u8, client.Port);
        }
        Endpoint peer = isClient ? server : client;
        writer.Attribute(Attribute, "network.peer.address"u8, text[..EndpointText.FormatAddress(peer, text)]);
        writer.Attribute(Attribute, "network.peer.port"u8, peer.Port);
        Endpoint local = isClient ? client : server;
        writer.Attribute(Attribute, "network.local.address"u8, text[..EndpointText.FormatAddress(local, text)]);
        writer.Attribute(Attribute, "network.local.port"u8, local.Port);
        if (connection.ObservedAt is not null && !ReferenceEquals(connection.Peer, Workload.Unknown))
        {
            PeerAttributes.Write(writer, Attribute, connection.Peer, isClient);
        }
    }

    private void Status(in Transaction transaction, bool isClient)
    {
        string? type = RedRules.ErrorType(isClient ? "client" : "server", transaction.Status, transaction.Error);
        type ??= transaction.Error == TransactionError.Malformed ? transaction.Error : null;
        if (type is null)
        {
            return;
        }
        writer.Attribute(Attribute, "error.type"u8, type);
        int status = writer.Open(15);
        // A status code explains itself, the conventions say.
        if (transaction.Status == 0)
        {
            writer.Text(2, type);
        }
        writer.Varint(3, ErrorCode);
        writer.Close(status);
    }
}
