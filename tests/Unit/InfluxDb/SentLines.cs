using System.Text;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Unit.InfluxDb;

/// <summary>A server that takes everything, and keeps it.</summary>
internal sealed class SentLines : IExportTransport
{
    private readonly StringBuilder _text = new();

    public string Target => "nowhere";

    /// <summary>Lines in the order sent.</summary>
    public string[] All
    {
        get
        {
            lock (_text)
            {
                return _text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            }
        }
    }

    public Task<ExportResult> SendAsync(ExportBatch batch, CancellationToken cancel)
    {
        lock (_text)
        {
            _text.Append(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(batch.Payload.Span));
        }
        return Task.FromResult(ExportResult.Accepted);
    }

    public bool TrySplit(ExportBatch batch, out ExportBatch first, out ExportBatch second) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
