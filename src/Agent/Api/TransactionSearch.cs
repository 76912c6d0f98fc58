using System.Buffers;
using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Records;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>/api/transactions: the stored request log, newest first.</summary>
/// <remarks>
/// Shape of the answer: {"transactions":[{"kept":"error","weight":1,"transaction":{…}},…]}. Parameters: since and until (RFC 3339, or
/// nanoseconds since the Unix epoch), limit (1 to 1000, default 100), and those of a filter.
/// </remarks>
internal sealed class TransactionSearch(ApiSources sources)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    public async Task HandleAsync(HttpContext context)
    {
        if (sources.Log is null)
        {
            await Router.ProblemAsync(context, StatusCodes.Status404NotFound, "no request log is kept; set sinks.sqlite.enabled to true").ConfigureAwait(false);
            return;
        }
        IQueryCollection query = context.Request.Query;
        long sinceNs = 0;
        long untilNs = long.MaxValue;
        int limit = DefaultLimit;
        string? problem = null;
        if (ValueOf("since") is { } since && !TryReadTime(since, out sinceNs))
        {
            problem = $"since: '{since}' is no time; allowed is RFC 3339 such as 2026-01-31T12:00:00Z, or nanoseconds since 1970";
        }
        if (ValueOf("until") is { } until && !TryReadTime(until, out untilNs))
        {
            problem = $"until: '{until}' is no time; allowed is RFC 3339 such as 2026-01-31T12:00:00Z, or nanoseconds since 1970";
        }
        if (ValueOf("limit") is { } text && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxLimit))
        {
            problem = $"limit: '{text}' is not allowed; allowed is a number from 1 to {MaxLimit}";
        }
        if (!FilterQuery.TryRead(ValueOf, out TransactionFilter filter, out string? filterProblem) || problem is not null)
        {
            await Router.ProblemAsync(context, StatusCodes.Status400BadRequest, problem ?? filterProblem!).ConfigureAwait(false);
            return;
        }
        // Written aside first: when the database fails half-way, the answer can still be an error.
        ArrayBufferWriter<byte> answer = new(4096);
        Collect(answer, filter, sinceNs, untilNs, limit);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.WrittenCount;
        await context.Response.Body.WriteAsync(answer.WrittenMemory, context.RequestAborted).ConfigureAwait(false);

        string? ValueOf(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;
    }

    private void Collect(ArrayBufferWriter<byte> answer, TransactionFilter filter, long sinceNs, long untilNs, int limit)
    {
        bool isFirst = true;
        answer.Write("{\"transactions\":["u8);
        sources.Log!.Search(filter, sinceNs, untilNs, limit, (in Transaction transaction, string kept, long weight) =>
        {
            answer.Write(isFirst ? "{\"kept\":\""u8 : ",{\"kept\":\""u8);
            isFirst = false;
            Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{kept}\",\"weight\":{weight},\"transaction\":"), answer);
            sources.Formats.Json(answer, in transaction);
            answer.Write("}"u8);
        });
        answer.Write("]}"u8);
    }

    private static bool TryReadTime(string text, out long ns)
    {
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ns))
        {
            return true;
        }
        bool isTime = DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time);
        ns = isTime ? (time.UtcTicks - DateTime.UnixEpoch.Ticks) * 100 : 0;
        return isTime;
    }
}
