using System.Text;
using KubeBpfBox.Sinks.Sqlite;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>/api/events: the stored events of the node, newest first.</summary>
/// <remarks>Shape of the answer: {"events":[…]}. Parameters: those of <see cref="SearchQuery"/>, type (oomkill or tcpsynbl), namespace, pod, workload.</remarks>
internal sealed class EventSearch(EventReader? events)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (events is null)
        {
            await Router.ProblemAsync(context, StatusCodes.Status404NotFound, "no events are kept; set sinks.sqlite.enabled to true").ConfigureAwait(false);
            return;
        }
        SearchQuery query = SearchQuery.Read(context.Request.Query);
        if (query.Problem is { } problem)
        {
            await Router.ProblemAsync(context, StatusCodes.Status400BadRequest, problem).ConfigureAwait(false);
            return;
        }
        EventQuery wanted = new(query.ValueOf("type"), query.ValueOf("workload"), query.ValueOf("namespace"), query.ValueOf("pod"));
        IReadOnlyList<string> found = events.Search(wanted, query.SinceNs, query.UntilNs, query.Limit);
        byte[] answer = Encoding.UTF8.GetBytes($"{{\"events\":[{string.Join(',', found)}]}}");
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer, context.RequestAborted).ConfigureAwait(false);
    }
}
