using System.Buffers;
using System.Text;
using System.Text.Json;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>The shared fields of a transaction, until the full writers are wired in.</summary>
internal static class PlainFormats
{
    public static void WriteJson(IBufferWriter<byte> output, in Transaction transaction)
    {
        using Utf8JsonWriter json = new(output);
        json.WriteStartObject();
        json.WriteString("protocol"u8, transaction.Protocol);
        if (transaction.Connection.RoleOf(transaction.ClientSide) is { } role)
        {
            json.WriteString("role"u8, role);
        }
        json.WriteString("client"u8, transaction.Connection.EndOf(transaction.ClientSide).ToString());
        json.WriteString("server"u8, transaction.Connection.EndOf(transaction.ClientSide.Other()).ToString());
        json.WriteString("method"u8, Encoding.Latin1.GetString(transaction.Method));
        json.WriteString("target"u8, Encoding.Latin1.GetString(transaction.Target));
        json.WriteNumber("status"u8, transaction.Status);
        json.WriteEndObject();
    }

    public static void WriteText(IBufferWriter<byte> output, in Transaction transaction) =>
        Encoding.UTF8.GetBytes($"{transaction.Connection.Workload.Name} {Encoding.Latin1.GetString(transaction.Method)} {Encoding.Latin1.GetString(transaction.Target)} {transaction.Status}", output);
}
