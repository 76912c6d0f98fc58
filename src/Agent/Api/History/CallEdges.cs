using System.Text.Json;
using KubeBpfBox.Core.History;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>Who calls whom in a range, what both ends saw of a call joined.</summary>
internal sealed class CallEdges
{
    private readonly Groups<(WorkloadId Source, WorkloadId Destination, string Protocol), CallEdge> _edges =
        new((WorkloadId.Overflow, WorkloadId.Overflow, "http"), static key => new CallEdge(key.Source, key.Destination, key.Protocol));

    private readonly QueryScratch _scratch;

    private CallEdges(QueryScratch scratch) => _scratch = scratch;

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<CallEdge> All => _edges.All;

    /// <summary>Reads them.</summary>
    public static CallEdges Read(HistoryPlan plan, HistoryFilter filter, QueryScratch scratch, CancellationToken stop)
    {
        CallEdges edges = new(scratch);
        plan.ReadCalls(filter, edges.Add, stop);
        return edges;
    }

    private void Add(in HistoryRow<CallKey> row)
    {
        if (!_scratch.Calls.TryGetValue(row.Key, out Sums? sums))
        {
            CallKey key = row.Key;
            _scratch.Calls.Add(key, sums = _edges[(WorkloadId.Of(key.Source), WorkloadId.Of(key.Destination), key.Protocol)].SumsOf(key.Role, _scratch));
        }
        sums.Add(in row);
    }
}

/// <summary>One workload asks another.</summary>
internal sealed class CallEdge(WorkloadId source, WorkloadId destination, string protocol)
{
    private Sums? _client;
    private Sums? _server;

    public WorkloadId Source => source;

    public WorkloadId Destination => destination;

    public string Protocol => protocol;

    /// <summary>What the server's end saw, as it knows what it answered; what the client's saw where the server is not on this node.</summary>
    public Sums Sums => _server ?? _client!;

    /// <summary>Which ends were seen.</summary>
    public string SeenBy => _server is null ? "client" : _client is null ? "server" : "both";

    /// <summary>Adds up for one end.</summary>
    public Sums SumsOf(string role, QueryScratch scratch) => role == "server" ? _server ??= scratch.Rent() : _client ??= scratch.Rent();

    /// <summary>The most asked first.</summary>
    public static IEnumerable<CallEdge> Sorted(IEnumerable<CallEdge> edges) => edges.OrderByDescending(static edge => edge.Sums.Requests)
        .ThenBy(static edge => edge.Source).ThenBy(static edge => edge.Destination).ThenBy(static edge => edge.Protocol, StringComparer.Ordinal);

    /// <summary>Its numbers.</summary>
    public void Write(Utf8JsonWriter json, HistoryPlan plan)
    {
        json.WriteString("protocol"u8, protocol);
        HistoryJson.WriteSummary(json, Sums, plan);
        json.WriteString("seen_by"u8, SeenBy);
    }
}
