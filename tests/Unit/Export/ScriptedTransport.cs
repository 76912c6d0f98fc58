using System.Text;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Unit.Export;

/// <summary>A server that answers what the test says. Items are lines of text.</summary>
internal sealed class ScriptedTransport : IExportTransport
{
    public string Target => "http://test:1";

    /// <summary>Answers a batch.</summary>
    public Func<ExportBatch, ExportResult> Answer { get; set; } = static _ => ExportResult.Accepted;

    /// <summary>Answers it later; null to use <see cref="Answer"/>.</summary>
    public Func<ExportBatch, CancellationToken, Task<ExportResult>>? AnswerLater { get; set; }

    /// <summary>Every batch that was sent, whatever came of it: its items.</summary>
    public List<string[]> Sent { get; } = [];

    /// <summary>Items of batches that were accepted, in the order of arrival.</summary>
    public List<string> Taken { get; } = [];

    public bool IsDisposed { get; private set; }

    public static ExportResult Away(ExportBatch batch) => new(ExportStatus.Retry, "connection refused");

    public static string[] ItemsOf(ExportBatch batch) => Encoding.UTF8.GetString(batch.Payload.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public async Task<ExportResult> SendAsync(ExportBatch batch, CancellationToken cancel)
    {
        string[] items = ItemsOf(batch);
        Assert.Equal(batch.Items, items.Length);
        Sent.Add(items);
        ExportResult result = AnswerLater is { } later ? await later(batch, cancel) : Answer(batch);
        if (result.Status == ExportStatus.Accepted)
        {
            Taken.AddRange(items);
        }
        return result;
    }

    public bool TrySplit(ExportBatch batch, out ExportBatch first, out ExportBatch second)
    {
        first = second = batch;
        if (batch.Items < 2)
        {
            return false;
        }
        int half = batch.Items / 2;
        int at = 0;
        for (int i = 0; i < half; i++)
        {
            at += batch.Payload.Span[at..].IndexOf((byte)'\n') + 1;
        }
        first = batch with { Items = half, Payload = batch.Payload[..at] };
        second = batch with { Items = batch.Items - half, Payload = batch.Payload[at..] };
        return true;
    }

    public void Dispose() => IsDisposed = true;
}
