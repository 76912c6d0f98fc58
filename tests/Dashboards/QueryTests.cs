using System.Globalization;
using KubeBpfBox.Dashboards.Grafana;
using KubeBpfBox.Dashboards.Model;
using KubeBpfBox.Dashboards.Scene;

namespace KubeBpfBox.Dashboards;

/// <summary>Every query of every panel, annotation and variable, put to real servers that hold what the agent sent them.</summary>
[Collection(SharedScene.Name)]
public sealed class QueryTests(ClusterScene scene)
{
    /// <summary>Columns that depend on the kernel: the hook of OOM kills on newer ones has no message.</summary>
    private static readonly string[] s_kernels = ["message"];

    public static TheoryData<string> Names => [.. DashboardFile.All.Select(static dashboard => dashboard.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_query_has_rows_when_the_dashboard_is_opened(string name)
    {
        DashboardFile dashboard = Find(name);
        AssertRows(dashboard, new Selection(dashboard), "all");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_query_has_rows_when_all_names_are_chosen_one_by_one(string name)
    {
        DashboardFile dashboard = Find(name);
        Selection selection = new(dashboard);
        foreach (Variable variable in dashboard.Variables.Where(static variable => variable.AllValue is not null))
        {
            selection.Choose(variable, [.. scene.Databases[dashboard.Backend].Values(variable, selection, scene.Range)]);
        }
        AssertRows(dashboard, selection, "each");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_choice_makes_queries_that_the_server_takes(string name)
    {
        DashboardFile dashboard = Find(name);
        IDatabase database = scene.Databases[dashboard.Backend];
        foreach (Variable variable in dashboard.Variables.Where(static variable => variable.Type == "custom"))
        {
            foreach (string choice in variable.Choices)
            {
                Selection selection = new(dashboard);
                selection.Choose(variable, [choice]);
                int rows = dashboard.Panels.Sum(panel => panel.Queries.Sum(query => database.Ask(query, selection, scene.Range).Count));
                Assert.True(rows > 0, $"{name}: nothing at all with {variable.Name} = {choice}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_column_of_every_table_is_filled_somewhere_and_no_others_show(string name)
    {
        DashboardFile dashboard = Find(name);
        IDatabase database = scene.Databases[dashboard.Backend];
        Selection selection = new(dashboard);
        foreach (Panel panel in dashboard.Panels.Where(static panel => panel.Columns.Count > 0))
        {
            HashSet<string> filled = [.. panel.Queries.SelectMany(query => database.Ask(query, selection, scene.Range, panel.Queries.Count)).SelectMany(static row => row.Keys)];
            string[] empty = [.. panel.Columns.Except(s_kernels).Where(column => !filled.Contains(column))];
            Assert.True(empty.Length == 0, $"{name} / {panel.Title}: nothing in {string.Join(", ", empty)}; there is {string.Join(", ", filled)}");
            Assert.Empty(filled.Except(panel.Columns).Except(panel.Excluded));
        }
    }

    [Fact]
    public void Both_backends_tell_the_same_of_a_workload()
    {
        Dictionary<string, Dictionary<string, double>> told = [];
        foreach (string backend in scene.Databases.Keys)
        {
            DashboardFile dashboard = Find($"{backend}/red");
            Panel panel = dashboard.Panels.Single(static panel => panel.Title.StartsWith("Workloads:", StringComparison.Ordinal));
            told[backend] = panel.Queries
                .SelectMany(query => scene.Databases[backend].Ask(query, new Selection(dashboard), scene.Range, panel.Queries.Count))
                .Where(static row => row["workload"] == "web")
                .SelectMany(static row => row)
                .Where(static cell => double.TryParse(cell.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
                .ToDictionary(static cell => cell.Key.Replace("Value #", string.Empty, StringComparison.Ordinal), static cell => double.Parse(cell.Value, CultureInfo.InvariantCulture));
        }
        Dictionary<string, double> influx = told["influxdb"], prometheus = told["prometheus"];
        Console.WriteLine($"web on InfluxDB: {string.Join(", ", influx)}; on Prometheus: {string.Join(", ", prometheus)}");
        // Three of the eight requests that are made in turn: 500, 503 and none.
        Assert.InRange(influx["errors"], 0.36, 0.39);
        Assert.InRange(prometheus["errors"], 0.33, 0.42);
        // The first scrape is a part of the way into the time range.
        Assert.InRange(prometheus["rate"] / influx["rate"], 0.7, 1.3);
        // One in eight takes 150 ms and whatever a busy machine adds; Prometheus' bucket begins at 100 ms and its last one ends at 10 s.
        Assert.InRange(influx["p99"], 150, 15_000);
        Assert.InRange(prometheus["p99"], 100, 10_000);
        Assert.True(influx["p50"] <= influx["p90"] && influx["p90"] <= influx["p99"], "percentiles of InfluxDB");
        Assert.True(prometheus["p50"] <= prometheus["p90"] && prometheus["p90"] <= prometheus["p99"], "percentiles of Prometheus");
    }

    [Fact]
    public void Exemplars_are_where_panels_ask_for_them()
    {
        PrometheusDatabase prometheus = Assert.IsType<PrometheusDatabase>(scene.Databases["prometheus"]);
        int asked = 0;
        foreach (DashboardFile dashboard in DashboardFile.All)
        {
            foreach (Query query in dashboard.Panels.SelectMany(static panel => panel.Queries).Where(static query => query.HasExemplars))
            {
                Assert.All(prometheus.Traces(query, new Selection(dashboard), scene.Range), static trace => Assert.Equal(32, trace.Length));
                Assert.NotEmpty(prometheus.Traces(query, new Selection(dashboard), scene.Range));
                asked++;
            }
        }
        Assert.NotEqual(0, asked);
    }

    private static DashboardFile Find(string name) => DashboardFile.All.Single(dashboard => dashboard.Name == name);

    private void AssertRows(DashboardFile dashboard, Selection selection, string chosen)
    {
        IDatabase database = scene.Databases[dashboard.Backend];
        List<string> empty = [];
        void Note(string query, int rows)
        {
            Console.WriteLine($"{dashboard.Name} [{chosen}] / {query} → {rows}");
            if (rows == 0)
            {
                empty.Add(query);
            }
        }
        foreach (Variable variable in dashboard.Variables.Where(static variable => variable.Type == "query"))
        {
            Note($"variable {variable.Name}", database.Values(variable, selection, scene.Range).Count);
        }
        foreach (Query query in dashboard.Annotations.Concat(dashboard.Panels.SelectMany(static panel => panel.Queries)))
        {
            Note(query.Name, database.Ask(query, selection, scene.Range).Count);
        }
        Assert.True(empty.Count == 0, $"{dashboard.Name}: no rows of {string.Join("; ", empty)}");
    }
}
