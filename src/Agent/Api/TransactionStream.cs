using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using KubeBpfBox.Agent.Pipeline;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Live;
using KubeBpfBox.Core.Records;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>/api/transactions/stream: transactions, and events of the node, as they happen, as server-sent events.</summary>
/// <remarks>
/// Shape: an event's data is one transaction or one event of the node (its JSON has "event"), as JSON or with <c>output=text</c> as a line for people; in both texts an event "head" has
/// the names of the columns, again when their widths change; an event "missed" tells how many more were dropped because this reader is slow, an event "skipped" how many more there were beyond
/// <c>max-per-second</c>; a comment comes when nothing else does, so that both ends notice a dead connection.
/// Source: WHATWG HTML, "Server-sent events".
/// </remarks>
internal sealed class TransactionStream(ApiSources sources, CancellationToken stopping)
{
    /// <summary>Names of the parameters.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. FilterQuery.Names, "output", "max-per-second"];

    private const int MaxStreams = 32;
    private const int QuietMs = 15_000;
    private const int GatherMs = 10;
    private const int FlushBytes = 32 * 1024;
    private const int MostPerSecond = 100_000;

    private int _streams;

    public async Task HandleAsync(HttpContext context)
    {
        QueryReader query = new(context.Request.Query);
        string form = query.Choice("output", "json", "json", "text", "terminal");
        int? maxPerSecond = query.ValueOf("max-per-second") is null ? null : query.Number("max-per-second", 1, MostPerSecond, 1);
        if (!FilterQuery.TryRead(query.ValueOf, out TransactionFilter filter, out string? problem) || query.Problem is not null)
        {
            await Router.ProblemAsync(context, StatusCodes.Status400BadRequest, query.Problem ?? problem!).ConfigureAwait(false);
            return;
        }
        if (HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.ContentType = "text/event-stream";
            return;
        }
        if (Interlocked.Increment(ref _streams) > MaxStreams)
        {
            Interlocked.Decrement(ref _streams);
            await Router.ProblemAsync(context, StatusCodes.Status503ServiceUnavailable, $"{MaxStreams} watchers are connected already").ConfigureAwait(false);
            return;
        }
        try
        {
            context.Response.ContentType = "text/event-stream";
            using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
            using LiveSubscription subscription = sources.Hub.Subscribe(filter, maxPerSecond);
            await PumpAsync(context.Response.BodyWriter, subscription, OutputFormat.Of(form), ended.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The reader went away, or the agent stops: the stream ends in order either way.
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    private static async Task PumpAsync(PipeWriter output, LiveSubscription subscription, OutputFormat format, CancellationToken ended)
    {
        long toldMissed = 0, toldSkipped = 0;
        output.Write(": watching\n\n"u8);
        await output.FlushAsync(ended).ConfigureAwait(false);
        while (true)
        {
            if (!await subscription.WaitAsync(QuietMs, ended).ConfigureAwait(false))
            {
                output.Write(":\n\n"u8);
            }
            else
            {
                // Lets some more come: one write and one wake-up for all of them.
                await Task.Delay(GatherMs, ended).ConfigureAwait(false);
            }
            while (WriteSome(output, subscription, format))
            {
                await output.FlushAsync(ended).ConfigureAwait(false);
            }
            Tell(output, "missed", subscription.Missed, ref toldMissed);
            Tell(output, "skipped", subscription.Skipped, ref toldSkipped);
            FlushResult flushed = await output.FlushAsync(ended).ConfigureAwait(false);
            if (flushed.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Tells how many more there are of what the reader did not get.</summary>
    private static void Tell(PipeWriter output, string name, long count, ref long told)
    {
        if (count != told)
        {
            output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"event: {name}\ndata: {count - told}\n\n")));
            told = count;
        }
    }

    /// <summary>Writes until enough is gathered for a flush; true when there may be more.</summary>
    private static bool WriteSome(PipeWriter output, LiveSubscription subscription, OutputFormat format)
    {
        while (subscription.TryTake(out NodeEvent? happened))
        {
            output.Write("data: "u8);
            format.Event(output, happened);
            output.Write("\n"u8);
        }
        while (output.UnflushedBytes < FlushBytes)
        {
            if (!subscription.TryTake(out TransactionRecord? record))
            {
                return false;
            }
            try
            {
                Transaction transaction = record.AsTransaction();
                if (format.IsHeadDue(in transaction))
                {
                    output.Write("event: head\ndata: "u8);
                    format.Head(output);
                    output.Write("\n"u8);
                }
                output.Write("data: "u8);
                format.Transaction(output, in transaction);
                output.Write("\n"u8);
            }
            finally
            {
                subscription.Return(record);
            }
        }
        return true;
    }
}
