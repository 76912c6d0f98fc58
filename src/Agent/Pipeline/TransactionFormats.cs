using System.Buffers;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>Writes one transaction as one line, with its line feed.</summary>
internal delegate void TransactionWriter(IBufferWriter<byte> output, in Transaction transaction);

/// <summary>The forms that <c>-o</c> and the API name.</summary>
/// <param name="Json">One JSON object.</param>
/// <param name="Text">One line for people.</param>
internal sealed record TransactionFormats(TransactionWriter Json, TransactionWriter Text)
{
    /// <summary>The writer of a form: "json" or "text".</summary>
    public TransactionWriter Of(string form) => form == "json" ? Json : Text;
}
