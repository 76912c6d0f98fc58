using System.Buffers;
using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.Sqlite;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>/api/transactions: the stored request log, newest first.</summary>
/// <remarks>
/// Shape of the answer: {"transactions":[{"kept":"error","weight":1,"transaction":{…}},…]}. Parameters: since and until (RFC 3339, or
/// nanoseconds since the Unix epoch), limit (1 to 1000, default 100), and those of a filter.
/// </remarks>
internal sealed class TransactionSearch(ApiSources sources)
{
    /// <summary>Names of the parameters.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. SearchQuery.Names, .. FilterQuery.Names];

    public async Task HandleAsync(HttpContext context)
    {
        if (sources.Log is null)
        {
            await Router.ProblemAsync(context, StatusCodes.Status404NotFound, "no request log is kept; set sinks.sqlite.enabled to true").ConfigureAwait(false);
            return;
        }
        QueryReader query = new(context.Request.Query);
        SearchQuery search = SearchQuery.Read(query, sources.Time.NowNs());
        if (!FilterQuery.TryRead(query.ValueOf, out TransactionFilter filter, out string? filterProblem) || query.Problem is not null)
        {
            await Router.ProblemAsync(context, StatusCodes.Status400BadRequest, query.Problem ?? filterProblem!).ConfigureAwait(false);
            return;
        }
        // Written aside first: when the database fails half-way, the answer can still be an error.
        ArrayBufferWriter<byte> answer = new(4096);
        Collect(answer, new LogQuery(filter, search.SinceNs, search.UntilNs, search.Limit), context.RequestAborted);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.WrittenCount;
        await context.Response.Body.WriteAsync(answer.WrittenMemory, context.RequestAborted).ConfigureAwait(false);
    }

    private void Collect(ArrayBufferWriter<byte> answer, LogQuery query, CancellationToken stop)
    {
        bool isFirst = true;
        answer.Write("{\"transactions\":["u8);
        sources.Log!.Search(query, (in Transaction transaction, LogRow row) =>
        {
            answer.Write(isFirst ? "{"u8 : ",{"u8);
            isFirst = false;
            Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\"id\":{row.Id},\"kept\":\"{row.Kept}\",\"weight\":{row.Weight},\"transaction\":"), answer);
            TransactionJson.Write(answer, in transaction);
            answer.Write("}"u8);
        }, stop);
        answer.Write("]}"u8);
    }
}
