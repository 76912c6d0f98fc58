using KubeBpfBox.Agent.Top;

namespace KubeBpfBox.Unit.Top;

/// <summary>Answers to draw.</summary>
internal static class TopSamples
{
    public static readonly TopStatus Status = new("node-1", 11_100, [], null, 1);

    public static TopRow Row(string workload, string? @namespace = "shop", string? kind = "Deployment", double rate = 1, double errorRatio = 0, int points = 6) => new()
    {
        Workload = workload,
        Namespace = @namespace,
        Kind = kind,
        RequestsPerSecond = rate,
        Requests = (long)(rate * 60),
        ErrorRatio = errorRatio,
        Errors = (long)Math.Ceiling(rate * 60 * errorRatio),
        P50Ns = 1_230_000,
        P90Ns = 5_600_000,
        P99Ns = 12_300_000,
        MaxNs = 2_340_000_000,
        Spark = new TopSpark([.. Enumerable.Range(1, points).Select(static one => (long)one)]),
    };

    public static IReadOnlyList<TopRow> Rows(int count) => [.. Enumerable.Range(0, count).Select(static i => Row($"work-{i}", rate: 1000 - i))];

    public static TopData Table(TopQuery query, params IReadOnlyList<TopRow> rows) => new(query, Status, new TopWorkloads(rows.Count, ["bank", "shop"], Row("all", rate: 345.6, errorRatio: 0.012), rows), null);

    public static TopModel Model(params IReadOnlyList<TopRow> rows) => Model(new TopQuery(), rows);

    public static TopModel Model(TopQuery query, params IReadOnlyList<TopRow> rows)
    {
        TopModel model = new(query);
        model.Fit(10);
        model.Take(Table(query, rows));
        return model;
    }
}
