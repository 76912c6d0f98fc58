using System.Buffers;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>Writes one transaction as one line, with its line feed.</summary>
internal delegate void TransactionWriter(IBufferWriter<byte> output, in Transaction transaction);

/// <summary>A form of output: how a transaction and an event become a line.</summary>
/// <remarks>Lifetime: one stream's, whose widths of columns a text has.</remarks>
/// <param name="Transaction">Writes a transaction.</param>
/// <param name="Event">Writes an event.</param>
internal sealed record OutputFormat(TransactionWriter Transaction, Action<IBufferWriter<byte>, NodeEvent> Event)
{
    private readonly TransactionColumns? _columns;
    private readonly bool _isColored;

    private OutputFormat(TransactionColumns columns, bool isColored)
        : this(
            (output, in transaction) =>
            {
                columns.Fit(in transaction);
                TransactionText.Write(output, in transaction, isColored, columns);
            },
            (output, happened) => NodeEventText.Write(output, happened, isColored)) => (_columns, _isColored) = (columns, isColored);

    /// <summary>One JSON object.</summary>
    public static OutputFormat Json { get; } = new(TransactionJson.Write, NodeEventJson.Write);

    /// <summary>The form that <c>-o</c> and the API name: "json"; "text", lines for people; "terminal", those with colours.</summary>
    public static OutputFormat Of(string form) => form == "json" ? Json : new OutputFormat(new TransactionColumns(), isColored: form == "terminal");

    /// <summary>True when people want the names of the columns before this transaction: they are others now, or it is the first.</summary>
    public bool IsHeadDue(in Transaction transaction) => _columns?.Fit(in transaction) == true;

    /// <summary>Writes the names of the columns as one line.</summary>
    public void Head(IBufferWriter<byte> output) => _columns?.WriteHead(output, _isColored);
}
