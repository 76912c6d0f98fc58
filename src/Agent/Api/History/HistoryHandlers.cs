using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;
using KubeBpfBox.Core.Records;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>/api/workloads, /api/workload and /api/map: reads their parameters and asks the gate.</summary>
internal sealed class HistoryHandlers(JoinedHistory history, QueryGate gate, TimeProvider time)
{
    private const int DefaultPoints = 60;
    private const int MaxWorkloads = 1000;
    private const int MaxEdges = 1000;

    /// <summary>As many as queries ran at the same time; the gate bounds them.</summary>
    private readonly ConcurrentStack<QueryScratch> _scratches = [];

    /// <summary>Writes an answer.</summary>
    private delegate void Answerer(Utf8JsonWriter json, HistoryPlan plan, QueryScratch scratch, CancellationToken stop);

    public Task WorkloadsAsync(HttpContext context)
    {
        QueryReader query = new(context.Request.Query);
        HistoryRange range = Range(query);
        string sort = query.Choice("sort", "rate", WorkloadsQuery.Sorts);
        WorkloadsQuery.Options options = new(
            Role(query),
            query.Text("namespace"),
            query.ValueOf("q") ?? string.Empty,
            sort,
            query.Choice("order", sort == "name" ? "asc" : "desc", "asc", "desc") == "desc",
            query.Number("limit", 1, MaxWorkloads, 100),
            query.Number("offset", 0, 1_000_000, 0));
        return AnswerAsync(context, query, range, (json, plan, scratch, stop) => WorkloadsQuery.Write(json, plan, options, scratch, stop));
    }

    public Task WorkloadAsync(HttpContext context)
    {
        QueryReader query = new(context.Request.Query);
        HistoryRange range = Range(query);
        string? name = query.Text("workload");
        if (name is null)
        {
            query.Refuse("workload: is needed");
        }
        WorkloadId id = new(name ?? string.Empty, query.Text("kind"), query.Text("namespace"));
        string role = Role(query);
        return AnswerAsync(context, query, range, (json, plan, scratch, stop) => WorkloadQuery.Write(json, plan, id, role, scratch, stop));
    }

    public Task MapAsync(HttpContext context)
    {
        QueryReader query = new(context.Request.Query);
        HistoryRange range = HistoryRange.From(TimeRange.Read(query), DefaultPoints, time.NowNs(), query);
        string? ns = query.Text("namespace");
        int limit = query.Number("limit", 1, MaxEdges, 200);
        return AnswerAsync(context, query, range, (json, plan, scratch, stop) => MapQuery.Write(json, plan, ns, limit, scratch, stop));
    }

    private static string Role(QueryReader query) => query.Choice("role", "server", "server", "client");

    private HistoryRange Range(QueryReader query) =>
        HistoryRange.From(TimeRange.Read(query), query.Number("points", 1, HistoryRange.MaxPoints, DefaultPoints), time.NowNs(), query);

    private Task AnswerAsync(HttpContext context, QueryReader query, HistoryRange range, Answerer answerer) => query.Problem is { } problem
        ? Router.ProblemAsync(context, StatusCodes.Status400BadRequest, problem)
        : gate.AnswerAsync(context, isShared: true, stop => Write(range, answerer, stop));

    private ReadOnlyMemory<byte> Write(HistoryRange range, Answerer answerer, CancellationToken stop)
    {
        if (!_scratches.TryPop(out QueryScratch? scratch))
        {
            scratch = new QueryScratch();
        }
        try
        {
            ArrayBufferWriter<byte> answer = new(16 * 1024);
            using Utf8JsonWriter json = new(answer);
            answerer(json, history.Plan(range), scratch, stop);
            json.Flush();
            return answer.WrittenMemory;
        }
        finally
        {
            scratch.Clear();
            _scratches.Push(scratch);
        }
    }
}
