using System.Buffers;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>Writes one transaction as one line, with its line feed.</summary>
internal delegate void TransactionWriter(IBufferWriter<byte> output, in Transaction transaction);

/// <summary>A form of output: how a transaction and an event become a line.</summary>
/// <param name="Transaction">Writes a transaction.</param>
/// <param name="Event">Writes an event.</param>
internal sealed record OutputFormat(TransactionWriter Transaction, Action<IBufferWriter<byte>, NodeEvent> Event)
{
    /// <summary>One JSON object.</summary>
    public static OutputFormat Json { get; } = new(TransactionJson.Write, NodeEventJson.Write);

    /// <summary>One line for people.</summary>
    public static OutputFormat Text { get; } = new(
        static (output, in transaction) => TransactionText.Write(output, in transaction), static (output, happened) => NodeEventText.Write(output, happened));

    /// <summary>One line for people at a terminal, with colours.</summary>
    public static OutputFormat Terminal { get; } = new(
        static (output, in transaction) => TransactionText.Write(output, in transaction, ansi: true), static (output, happened) => NodeEventText.Write(output, happened, ansi: true));

    /// <summary>The form that <c>-o</c> and the API name: "json", "text" or "terminal".</summary>
    public static OutputFormat Of(string form) => form switch
    {
        "json" => Json,
        "terminal" => Terminal,
        _ => Text,
    };
}
