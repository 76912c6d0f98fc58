using System.Buffers;
using System.Text.Json;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.Sqlite;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>/api/events: the stored events of the node, newest first.</summary>
internal sealed class EventSearch(ApiSources sources, QueryGate gate)
{
    /// <summary>Names of the parameters.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. SearchQuery.Names, "type", "namespace", "pod", "workload"];

    public Task HandleAsync(HttpContext context)
    {
        if (sources.Events is not { } events)
        {
            return Router.ProblemAsync(context, StatusCodes.Status404NotFound, "no events are kept; set sinks.sqlite.enabled to true");
        }
        QueryReader query = new(context.Request.Query);
        SearchQuery search = SearchQuery.Read(query, sources.Time.NowNs());
        EventQuery wanted = new(search.SinceNs, search.UntilNs, search.Limit)
        {
            Type = query.ValueOf("type") is null ? null : query.Choice("type", string.Empty, "oomkill", "tcpsynbl"),
            Workload = query.Text("workload"),
            Namespace = query.Text("namespace"),
            Pod = query.Text("pod"),
            After = search.After,
        };
        return query.Problem is { } problem
            ? Router.ProblemAsync(context, StatusCodes.Status400BadRequest, problem)
            : gate.AnswerAsync(context, isShared: false, stop => Write(events.Search(wanted, stop)));
    }

    private static ReadOnlyMemory<byte> Write(EventPage page)
    {
        ArrayBufferWriter<byte> answer = new(4096);
        using Utf8JsonWriter json = new(answer);
        json.WriteStartObject();
        json.WriteStartArray("events"u8);
        foreach (string stored in page.Events)
        {
            json.WriteRawValue(stored);
        }
        json.WriteEndArray();
        json.WriteString("next"u8, page.Next?.ToString());
        json.WriteEndObject();
        json.Flush();
        return answer.WrittenMemory;
    }
}
