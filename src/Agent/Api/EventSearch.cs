using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.Sqlite;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>/api/events: the stored events of the node, newest first.</summary>
/// <remarks>Shape of the answer: {"events":[…]}. Parameters: those of <see cref="SearchQuery"/>, type (oomkill or tcpsynbl), namespace, pod, workload.</remarks>
internal sealed class EventSearch(ApiSources sources)
{
    /// <summary>Names of the parameters.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. SearchQuery.Names, "type", "namespace", "pod", "workload"];

    public async Task HandleAsync(HttpContext context)
    {
        if (sources.Events is not { } events)
        {
            await Router.ProblemAsync(context, StatusCodes.Status404NotFound, "no events are kept; set sinks.sqlite.enabled to true").ConfigureAwait(false);
            return;
        }
        QueryReader query = new(context.Request.Query);
        SearchQuery search = SearchQuery.Read(query, sources.Time.NowNs());
        string? type = query.ValueOf("type") is null ? null : query.Choice("type", string.Empty, "oomkill", "tcpsynbl");
        EventQuery wanted = new(search.SinceNs, search.UntilNs, search.Limit)
        {
            Type = type, Workload = query.Text("workload"), Namespace = query.Text("namespace"), Pod = query.Text("pod"),
        };
        if (query.Problem is { } problem)
        {
            await Router.ProblemAsync(context, StatusCodes.Status400BadRequest, problem).ConfigureAwait(false);
            return;
        }
        IReadOnlyList<string> found = events.Search(wanted, context.RequestAborted).Events;
        byte[] answer = Encoding.UTF8.GetBytes($"{{\"events\":[{string.Join(',', found)}]}}");
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer, context.RequestAborted).ConfigureAwait(false);
    }
}
