using System.Buffers;
using System.Runtime.CompilerServices;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Core.Records;

/// <summary>A transaction as one line of JSON.</summary>
/// <remarks>
/// Shape: an object and a line feed; the fields are those of the command line's documentation. What was not captured is null; what does
/// not apply (<c>role</c> in a replay, <c>error</c>, <c>incomplete</c>, <c>source</c>, <c>destination</c>) is left out. The bytes
/// of the wire may be anything: the output is always valid JSON and UTF-8. Written by hand because a general writer checks and escapes
/// names that are known, and this runs once for each request of a machine. Allocates nothing.
/// </remarks>
public static class TransactionJson
{
    /// <summary>Appends one line.</summary>
    public static void Write(IBufferWriter<byte> output, in Transaction transaction)
    {
        Utf8Sink sink = new(output);
        Connection connection = transaction.Connection;
        sink.Raw("{\"protocol\":"u8);
        sink.JsonString(transaction.Protocol);
        if (connection.RoleOf(transaction.ClientSide) is { } role)
        {
            sink.Raw(",\"role\":"u8);
            sink.JsonString(role);
        }
        sink.Raw(",\"start\":\""u8);
        TimestampText.WriteRfc3339(ref sink, transaction.StartNs);
        sink.Byte((byte)'"');
        Number(ref sink, ",\"duration_ns\":"u8, transaction.DurationNs, transaction.DurationNs < 0);
        Number(ref sink, ",\"time_to_first_byte_ns\":"u8, transaction.TimeToFirstByteNs, transaction.TimeToFirstByteNs < 0);
        sink.Raw(",\"client\":\""u8);
        sink.Endpoint(connection.EndOf(transaction.ClientSide));
        sink.Raw("\",\"server\":\""u8);
        sink.Endpoint(connection.EndOf(transaction.ClientSide.Other()));
        sink.Byte((byte)'"');
        Text(ref sink, ",\"method\":"u8, transaction.Method);
        Text(ref sink, ",\"target\":"u8, transaction.Target);
        Text(ref sink, ",\"host\":"u8, transaction.Host);
        Text(ref sink, ",\"version\":"u8, transaction.Version);
        Number(ref sink, ",\"status\":"u8, transaction.Status, transaction.Status == 0);
        Number(ref sink, ",\"request_bytes\":"u8, transaction.RequestBytes, false);
        Number(ref sink, ",\"response_bytes\":"u8, transaction.ResponseBytes, false);
        Number(ref sink, ",\"request_body_bytes\":"u8, transaction.RequestBodyBytes, transaction.RequestBodyBytes < 0);
        Number(ref sink, ",\"response_body_bytes\":"u8, transaction.ResponseBodyBytes, transaction.ResponseBodyBytes < 0);
        if (transaction.Error is { } error)
        {
            Text(ref sink, ",\"error\":"u8, error);
        }
        if (transaction.Flags != TransactionFlags.None)
        {
            Incomplete(ref sink, transaction.Flags);
        }
        if (!transaction.Attributes.IsEmpty)
        {
            Attributes(ref sink, transaction.Attributes);
        }
        if (connection.ObservedAt is { } observed)
        {
            End(ref sink, ",\"source\":"u8, connection, transaction.ClientSide, observed);
            End(ref sink, ",\"destination\":"u8, connection, transaction.ClientSide.Other(), observed);
        }
        sink.Raw("}\n"u8);
        sink.Flush();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Number(ref Utf8Sink sink, ReadOnlySpan<byte> name, long value, bool isNull)
    {
        sink.Raw(name);
        if (isNull)
        {
            sink.Raw("null"u8);
        }
        else
        {
            sink.Number(value);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Text(ref Utf8Sink sink, ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> value)
    {
        sink.Raw(name);
        if (value.IsEmpty)
        {
            sink.Raw("null"u8);
        }
        else
        {
            sink.JsonString(value);
        }
    }

    private static void Text(ref Utf8Sink sink, ReadOnlySpan<byte> name, string? value)
    {
        sink.Raw(name);
        if (value is null)
        {
            sink.Raw("null"u8);
        }
        else
        {
            sink.JsonString(value);
        }
    }

    private static void Incomplete(ref Utf8Sink sink, TransactionFlags flags)
    {
        sink.Raw(",\"incomplete\":"u8);
        byte separator = (byte)'[';
        Flag(ref sink, ref separator, flags, TransactionFlags.RequestTruncated, "\"request_truncated\""u8);
        Flag(ref sink, ref separator, flags, TransactionFlags.ResponseTruncated, "\"response_truncated\""u8);
        Flag(ref sink, ref separator, flags, TransactionFlags.BodyIncomplete, "\"body_incomplete\""u8);
        Flag(ref sink, ref separator, flags, TransactionFlags.PairedAfterLoss, "\"paired_after_loss\""u8);
        sink.Raw(separator == '[' ? "[]"u8 : "]"u8);
    }

    private static void Flag(ref Utf8Sink sink, ref byte separator, TransactionFlags flags, TransactionFlags flag, ReadOnlySpan<byte> name)
    {
        if ((flags & flag) != 0)
        {
            sink.Byte(separator);
            sink.Raw(name);
            separator = (byte)',';
        }
    }

    private static void Attributes(ref Utf8Sink sink, scoped ReadOnlySpan<byte> attributes)
    {
        AttributeReader reader = new(attributes);
        while (reader.TryRead())
        {
            sink.Byte((byte)',');
            sink.JsonString(reader.Key);
            sink.Byte((byte)':');
            switch (reader.Kind)
            {
                case AttributeKind.Text:
                    sink.JsonString(reader.Value);
                    break;
                case AttributeKind.Number when reader.Value.Length == 8:
                    sink.Number(reader.Number);
                    break;
                case AttributeKind.Boolean when reader.Value.Length == 1:
                    sink.Raw(reader.Value[0] != 0 ? "true"u8 : "false"u8);
                    break;
                case AttributeKind.Numbers:
                    Numbers(ref sink, reader);
                    break;
                default:
                    sink.Raw("null"u8);
                    break;
            }
        }
    }

    private static void Numbers(ref Utf8Sink sink, scoped AttributeReader reader)
    {
        sink.Byte((byte)'[');
        for (int i = 0; i < reader.NumberCount; i++)
        {
            if (i > 0)
            {
                sink.Byte((byte)',');
            }
            sink.Number(reader.NumberAt(i));
        }
        sink.Byte((byte)']');
    }

    private static void End(ref Utf8Sink sink, ReadOnlySpan<byte> name, Connection connection, Side side, Side observed)
    {
        if (side == observed)
        {
            WorkloadJson.Write(ref sink, name, connection.Workload);
        }
        else
        {
            WorkloadJson.WriteIfKnown(ref sink, name, connection.Peer);
        }
    }
}
