using System.Globalization;
using System.Text.Json;
using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>/api/workload: one workload in a range, step by step, and by route, pod, caller and callee.</summary>
internal sealed class WorkloadQuery
{
    private const int MaxRows = 100;

    private readonly HistoryPlan _plan;
    private readonly WorkloadId _id;
    private readonly string _role;
    private readonly QueryScratch _scratch;
    private readonly Sums _summary;
    private readonly Sums[] _steps;
    private readonly Groups<(string Method, string Route), RouteRow> _routes;
    private readonly Groups<string, PodRow> _pods;

    private WorkloadQuery(HistoryPlan plan, WorkloadId id, string role, QueryScratch scratch)
    {
        _plan = plan;
        _id = id;
        _role = role;
        _scratch = scratch;
        _summary = scratch.Rent();
        _steps = [.. Enumerable.Range(0, plan.Range.Steps).Select(_ => scratch.Rent())];
        _routes = new(("overflow", "overflow"), key => new RouteRow(key.Method, key.Route, scratch.Rent()));
        _pods = new("overflow", name => new PodRow(name, scratch.Rent()));
    }

    /// <summary>Reads and answers.</summary>
    /// <param name="json">The answer.</param>
    /// <param name="plan">Where the range is read.</param>
    /// <param name="id">Which; without a kind or a namespace all of the name.</param>
    /// <param name="role">"server" or "client".</param>
    /// <param name="scratch">Where it is added up.</param>
    /// <param name="stop">Ends the reading.</param>
    public static void Write(Utf8JsonWriter json, HistoryPlan plan, WorkloadId id, string role, QueryScratch scratch, CancellationToken stop)
    {
        WorkloadQuery query = new(plan, id, role, scratch);
        HistoryFilter filter = new(id.Namespace, id.Name, id.Kind, role);
        plan.ReadSeries(filter, query.Add, stop);
        query.AddUp();
        query.Write(json, CallEdges.Read(plan, filter, scratch, stop));
    }

    private void Add(in HistoryRow<SeriesKey> row)
    {
        if (!_scratch.Series.TryGetValue(row.Key, out Sums? sums))
        {
            _scratch.Series.Add(row.Key, sums = _scratch.Rent());
        }
        sums!.Add(in row);
        _steps[_plan.Range.IndexOf(row.StartS)].Add(in row);
    }

    /// <summary>Series are few beside their rows: routes, pods and all together are sums of theirs.</summary>
    private void AddUp()
    {
        foreach ((SeriesKey key, Sums? sums) in _scratch.Series)
        {
            _summary.Add(sums!);
            _pods[PodOf(key.Workload)].Sums.Add(sums!);
            RouteRow route = _routes[(key.Method, key.Route)];
            route.Sums.Add(sums!);
            route.AddStatus(key.Status, sums!.Requests);
        }
    }

    private static string PodOf(Workload workload) => workload.Pod ?? workload.Container ?? workload.Name;

    private void Write(Utf8JsonWriter json, CallEdges calls)
    {
        json.WriteStartObject();
        HistoryJson.WriteRange(json, _plan);
        HistoryJson.WriteNames(json, _id);
        json.WriteString("role"u8, _role);
        json.WriteStartObject("summary"u8);
        HistoryJson.WriteSummary(json, _summary, _plan);
        json.WriteEndObject();
        HistoryJson.WriteBytes(json, _summary);
        WritePoints(json);
        HeatMap.Write(json, _steps);
        WriteRoutes(json);
        WritePods(json);
        WriteCalls(json, "callers"u8, calls.All.Where(edge => IsThis(edge.Destination)));
        WriteCalls(json, "callees"u8, calls.All.Where(edge => IsThis(edge.Source)));
        json.WriteEndObject();
    }

    private bool IsThis(WorkloadId end) =>
        end.Name == _id.Name && (_id.Kind is null || end.Kind == _id.Kind) && (_id.Namespace is null || end.Namespace == _id.Namespace);

    private void WritePoints(Utf8JsonWriter json)
    {
        json.WriteStartObject("points"u8);
        HistoryJson.WriteNumbers(json, "time_s"u8, [.. Enumerable.Range(0, _steps.Length).Select(step => _plan.Range.SinceS + ((long)step * _plan.Range.StepS))]);
        HistoryJson.WriteNumbers(json, "requests"u8, [.. _steps.Select(static step => step.Requests)]);
        HistoryJson.WriteNumbers(json, "errors"u8, [.. _steps.Select(static step => step.Errors)]);
        HistoryJson.WriteNumbers(json, "p50_ns"u8, [.. _steps.Select(static step => step.Durations.QuantileNs(0.5))]);
        HistoryJson.WriteNumbers(json, "p90_ns"u8, [.. _steps.Select(static step => step.Durations.QuantileNs(0.9))]);
        HistoryJson.WriteNumbers(json, "p99_ns"u8, [.. _steps.Select(static step => step.Durations.QuantileNs(0.99))]);
        json.WriteEndObject();
    }

    private void WriteRoutes(Utf8JsonWriter json)
    {
        json.WriteStartArray("routes"u8);
        foreach (RouteRow route in _routes.All.OrderByDescending(static row => row.Sums.Requests).ThenBy(static row => row.Route, StringComparer.Ordinal).Take(MaxRows))
        {
            json.WriteStartObject();
            json.WriteString("method"u8, route.Method);
            json.WriteString("route"u8, route.Route);
            HistoryJson.WriteSummary(json, route.Sums, _plan);
            json.WriteStartObject("statuses"u8);
            foreach ((int status, long requests) in route.Statuses)
            {
                json.WriteNumber(status.ToString(CultureInfo.InvariantCulture), requests);
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("routes_total"u8, _routes.All.Count);
    }

    private void WritePods(Utf8JsonWriter json)
    {
        json.WriteStartArray("pods"u8);
        foreach (PodRow pod in _pods.All.OrderByDescending(static row => row.Sums.Requests).ThenBy(static row => row.Name, StringComparer.Ordinal).Take(MaxRows))
        {
            json.WriteStartObject();
            json.WriteString("pod"u8, pod.Name);
            HistoryJson.WriteSummary(json, pod.Sums, _plan);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private void WriteCalls(Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<CallEdge> edges)
    {
        json.WriteStartArray(name);
        foreach (CallEdge edge in CallEdge.Sorted(edges).Take(MaxRows))
        {
            json.WriteStartObject();
            WriteEnd(json, "source"u8, edge.Source);
            WriteEnd(json, "destination"u8, edge.Destination);
            edge.Write(json, _plan);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteEnd(Utf8JsonWriter json, ReadOnlySpan<byte> name, WorkloadId end)
    {
        json.WriteStartObject(name);
        HistoryJson.WriteNames(json, end);
        json.WriteEndObject();
    }

    private sealed class RouteRow(string method, string route, Sums sums)
    {
        public string Method => method;

        public string Route => route;

        public Sums Sums => sums;

        public SortedDictionary<int, long> Statuses { get; } = [];

        public void AddStatus(int status, long requests) => Statuses[status] = Statuses.GetValueOrDefault(status) + requests;
    }

    private sealed record PodRow(string Name, Sums Sums);
}
