using System.Text.Json;
using KubeBpfBox.Core.History;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>/api/map: workloads and their calls in a range.</summary>
internal static class MapQuery
{
    /// <summary>Reads and answers.</summary>
    /// <param name="json">The answer.</param>
    /// <param name="plan">Where the range is read.</param>
    /// <param name="ns">Only calls with an end in this namespace; null for all.</param>
    /// <param name="limit">Calls at most.</param>
    /// <param name="scratch">Where it is added up.</param>
    /// <param name="stop">Ends the reading.</param>
    public static void Write(Utf8JsonWriter json, HistoryPlan plan, string? ns, int limit, QueryScratch scratch, CancellationToken stop)
    {
        // All are read, whatever the namespace: a node's numbers are of all that it serves.
        CallEdges edges = CallEdges.Read(plan, HistoryFilter.All, scratch, stop);
        Dictionary<WorkloadId, Sums> served = Served(edges, scratch);
        CallEdge[] wanted = [.. edges.All.Where(edge => ns is null || edge.Source.Namespace == ns || edge.Destination.Namespace == ns)];
        CallEdge[] shown = [.. CallEdge.Sorted(wanted).Take(limit)];
        json.WriteStartObject();
        HistoryJson.WriteRange(json, plan);
        json.WriteStartArray("nodes"u8);
        foreach (WorkloadId id in shown.Select(static edge => edge.Source).Concat(shown.Select(static edge => edge.Destination)).Distinct().Order())
        {
            json.WriteStartObject();
            json.WriteString("id"u8, id.ToString());
            HistoryJson.WriteNames(json, id);
            HistoryJson.WriteSummary(json, served.GetValueOrDefault(id) ?? scratch.Rent(), plan);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("edges"u8);
        foreach (CallEdge edge in shown)
        {
            json.WriteStartObject();
            json.WriteString("source"u8, edge.Source.ToString());
            json.WriteString("destination"u8, edge.Destination.ToString());
            edge.Write(json, plan);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("edges_total"u8, wanted.Length);
        HistoryJson.WriteTexts(json, "namespaces"u8, Namespaces(edges));
        json.WriteEndObject();
    }

    /// <summary>What each is asked by all others together.</summary>
    private static Dictionary<WorkloadId, Sums> Served(CallEdges edges, QueryScratch scratch)
    {
        Dictionary<WorkloadId, Sums> served = [];
        foreach (CallEdge edge in edges.All)
        {
            if (!served.TryGetValue(edge.Destination, out Sums? sums))
            {
                served.Add(edge.Destination, sums = scratch.Rent());
            }
            sums.Add(edge.Sums);
        }
        return served;
    }

    private static IEnumerable<string> Namespaces(CallEdges edges) => edges.All
        .SelectMany(static edge => (IEnumerable<string?>)[edge.Source.Namespace, edge.Destination.Namespace])
        .OfType<string>().Distinct().Order(StringComparer.Ordinal);
}
