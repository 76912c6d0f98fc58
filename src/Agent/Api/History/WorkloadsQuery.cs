using System.Text.Json;
using KubeBpfBox.Core.History;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>/api/workloads: rate, errors and durations of each workload in a range, a page of them.</summary>
internal sealed class WorkloadsQuery
{
    /// <summary>What can be sorted by.</summary>
    public static string[] Sorts { get; } = ["rate", "errors", "error_ratio", "p50", "p90", "p99", "name"];

    private readonly HistoryPlan _plan;
    private readonly Options _options;
    private readonly Dictionary<SeriesKey, Sums?> _sumsOf;
    private readonly Sums _totals;
    private readonly Spark _totalsSpark;
    private readonly Groups<WorkloadId, Row> _rows;
    private readonly SortedSet<string> _namespaces = new(StringComparer.Ordinal);

    private WorkloadsQuery(HistoryPlan plan, Options options, QueryScratch scratch)
    {
        _plan = plan;
        _options = options;
        _sumsOf = scratch.Series;
        _totals = scratch.Rent();
        _totalsSpark = _totals.Spark(plan.Range.Steps);
        _rows = new Groups<WorkloadId, Row>(WorkloadId.Overflow, id => new Row(id, scratch.Rent()));
    }

    /// <summary>Reads and answers.</summary>
    public static void Write(Utf8JsonWriter json, HistoryPlan plan, Options options, QueryScratch scratch, CancellationToken stop)
    {
        WorkloadsQuery query = new(plan, options, scratch);
        plan.ReadSeries(new HistoryFilter(Role: options.Role), query.Add, stop);
        query.Write(json);
    }

    private void Add(in HistoryRow<SeriesKey> row)
    {
        if (!_sumsOf.TryGetValue(row.Key, out Sums? sums))
        {
            _sumsOf.Add(row.Key, sums = SumsOf(WorkloadId.Of(row.Key.Workload)));
        }
        if (sums is not null)
        {
            int step = _plan.Range.IndexOf(row.StartS);
            sums.Add(in row);
            sums.Spark(_plan.Range.Steps).Add(step, in row);
            _totalsSpark.Add(step, in row);
        }
    }

    /// <summary>Null for a workload that is not wanted; its namespace is told all the same.</summary>
    private Sums? SumsOf(WorkloadId id)
    {
        if (id.Namespace is not null)
        {
            _namespaces.Add(id.Namespace);
        }
        return (_options.Namespace is null || _options.Namespace == id.Namespace) && id.Has(_options.Text) ? _rows[id].Sums : null;
    }

    private void Write(Utf8JsonWriter json)
    {
        Row[] rows = Sorted();
        Array.ForEach(rows, row => _totals.Add(row.Sums));
        int next = _options.Offset + _options.Limit;
        json.WriteStartObject();
        HistoryJson.WriteRange(json, _plan);
        json.WriteString("role"u8, _options.Role);
        json.WriteNumber("total"u8, rows.Length);
        if (next < rows.Length)
        {
            json.WriteNumber("next_offset"u8, next);
        }
        else
        {
            json.WriteNull("next_offset"u8);
        }
        HistoryJson.WriteTexts(json, "namespaces"u8, _namespaces);
        json.WriteStartObject("totals"u8);
        HistoryJson.WriteSummary(json, _totals, _plan);
        HistoryJson.WriteSpark(json, _totalsSpark);
        json.WriteEndObject();
        json.WriteStartArray("workloads"u8);
        foreach (Row row in rows.Skip(_options.Offset).Take(_options.Limit))
        {
            json.WriteStartObject();
            HistoryJson.WriteNames(json, row.Id);
            HistoryJson.WriteSummary(json, row.Sums, _plan);
            HistoryJson.WriteBytes(json, row.Sums);
            HistoryJson.WriteSpark(json, row.Sums.Spark(_plan.Range.Steps));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private Row[] Sorted()
    {
        Row[] rows = [.. _rows.All];
        int sign = _options.IsDescending ? -1 : 1;
        if (_options.Sort == "name")
        {
            Array.Sort(rows, (one, other) => sign * one.Id.CompareTo(other.Id));
            return rows;
        }
        double[] keys = [.. rows.Select(row => sign * KeyOf(row.Sums))];
        // By name where they are equal, so that pages neither repeat nor leave out a row.
        return [.. rows.Zip(keys).OrderBy(static pair => pair.Second).ThenBy(static pair => pair.First.Id).Select(static pair => pair.First)];
    }

    private double KeyOf(Sums sums) => _options.Sort switch
    {
        "errors" => sums.Errors,
        "error_ratio" => sums.ErrorRatio,
        "p50" => sums.Durations.QuantileNs(0.5),
        "p90" => sums.Durations.QuantileNs(0.9),
        "p99" => sums.Durations.QuantileNs(0.99),
        _ => sums.Requests,
    };

    /// <summary>What is wanted.</summary>
    /// <param name="Role">"server" or "client".</param>
    /// <param name="Namespace">Only of this one; null for all.</param>
    /// <param name="Text">What namespace and name have in them.</param>
    /// <param name="Sort">One of <see cref="Sorts"/>.</param>
    /// <param name="IsDescending">Largest first.</param>
    /// <param name="Limit">Rows of a page.</param>
    /// <param name="Offset">Rows before it.</param>
    internal sealed record Options(string Role, string? Namespace, string Text, string Sort, bool IsDescending, int Limit, int Offset);

    private sealed record Row(WorkloadId Id, Sums Sums);
}
