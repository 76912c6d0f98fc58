using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.Sqlite;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>/api/transactions: the stored request log, newest first.</summary>
internal sealed class TransactionSearch(ApiSources sources, QueryGate gate)
{
    /// <summary>Names of the parameters.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. SearchQuery.Names, .. FilterQuery.Names, "client", "server"];

    public Task HandleAsync(HttpContext context)
    {
        if (sources.Log is not { } log)
        {
            return Router.ProblemAsync(context, StatusCodes.Status404NotFound, "no request log is kept; set sinks.sqlite.enabled to true");
        }
        QueryReader query = new(context.Request.Query);
        SearchQuery search = SearchQuery.Read(query, sources.Time.NowNs());
        if (!FilterQuery.TryRead(query.ValueOf, out TransactionFilter filter, out string? filterProblem))
        {
            query.Refuse(filterProblem!);
        }
        LogQuery wanted = new(filter, search.SinceNs, search.UntilNs, search.Limit) { Client = Address(query, "client"), Server = Address(query, "server"), After = search.After };
        return query.Problem is { } problem
            ? Router.ProblemAsync(context, StatusCodes.Status400BadRequest, problem)
            : gate.AnswerAsync(context, isShared: false, stop => Write(log, wanted, stop));
    }

    /// <summary>An address in the one way in which it is stored.</summary>
    private static string? Address(QueryReader query, string name)
    {
        if (query.ValueOf(name) is not { } text)
        {
            return null;
        }
        if (!IPEndPoint.TryParse(text, out IPEndPoint? address) || !text.EndsWith($":{address.Port}", StringComparison.Ordinal))
        {
            query.Refuse($"{name}: '{text}' is not an address; allowed is ip:port, such as 10.0.0.1:8080 or [fd00::1]:8080");
            return null;
        }
        return Core.Records.Endpoint.From(address.Address.GetAddressBytes(), (ushort)address.Port).ToString();
    }

    private static ReadOnlyMemory<byte> Write(RequestLogReader log, LogQuery query, CancellationToken stop)
    {
        ArrayBufferWriter<byte> answer = new(4096);
        bool isFirst = true;
        answer.Write("{\"transactions\":["u8);
        LogPage page = log.Search(query, (in Transaction transaction, LogRow row) =>
        {
            answer.Write(isFirst ? "{"u8 : ",{"u8);
            isFirst = false;
            Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\"id\":{row.Id},\"kept\":\"{row.Kept}\",\"weight\":{row.Weight},\"transaction\":"), answer);
            TransactionJson.Write(answer, in transaction);
            answer.Write("}"u8);
        }, stop);
        Encoding.ASCII.GetBytes($"],\"next\":{Quoted(page.Next?.ToString())},\"searched_until\":{Quoted(TimeOf(page.SearchedUntilNs))}}}", answer);
        return answer.WrittenMemory;
    }

    private static string Quoted(string? plain) => plain is null ? "null" : $"\"{plain}\"";

    private static string? TimeOf(long? ns) =>
        ns is { } known ? DateTime.UnixEpoch.AddTicks(known / TimeSpan.NanosecondsPerTick).ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture) : null;
}
