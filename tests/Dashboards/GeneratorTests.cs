using System.Text.Json;
using KubeBpfBox.Dashboards.Model;
using KubeBpfBox.Support;

namespace KubeBpfBox.Dashboards;

/// <summary>The committed JSON: as the generator writes it, as Grafana's schema has it, and fit to be loaded beside each other.</summary>
public sealed class GeneratorTests
{
    [Fact]
    public void Dashboards_are_as_generated_and_fit_the_schema_which_refuses_misspelt_properties()
    {
        Assert.True(Directory.Exists(Path.Combine(DashboardFile.Generator, "node_modules")), "run scripts/setup.sh test, or npm ci --prefix deploy/grafana");
        using ChildProcess check = ChildProcess.Start(AptPackages.Require("npm", "npm"), "run", "--silent", "--prefix", DashboardFile.Generator, "check");
        // Two runs of the TypeScript compiler: some seconds, on a machine that has nothing else to do.
        check.WaitForExit(TimeSpan.FromMinutes(4));
        string report = check.Output;
        Assert.True(check.ExitCode == 0, check.Errors + report);
        Assert.Contains($"{DashboardFile.All.Count} dashboards are as generated", report, StringComparison.Ordinal);
        Assert.Contains($"{DashboardFile.All.Count} dashboards fit Grafana's schema", report, StringComparison.Ordinal);
        Assert.Contains("misspelt properties refused", report, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_dashboard_can_be_loaded_beside_the_others()
    {
        Assert.Equal(8, DashboardFile.All.Count);
        Assert.Equal(8, DashboardFile.All.Select(static dashboard => dashboard.Uid).Distinct().Count());
        Assert.Equal(8, DashboardFile.All.Select(static dashboard => dashboard.Title).Distinct().Count());
        Assert.All(DashboardFile.All, static dashboard => Assert.StartsWith("kubebpfbox-", dashboard.Uid, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_panel_has_a_description_and_every_number_a_unit()
    {
        foreach (Panel panel in DashboardFile.All.SelectMany(static dashboard => dashboard.Panels))
        {
            Assert.True(panel.Json.GetProperty("description").GetString()!.Length > 40, panel.Title);
            Assert.True(panel.Json.GetProperty("type").GetString() == "table" || panel.Json.GetProperty("fieldConfig").GetProperty("defaults").TryGetProperty("unit", out _), panel.Title);
        }
    }

    [Fact]
    public void What_tables_sort_by_and_set_for_columns_is_of_columns_that_they_have()
    {
        Panel[] tables = [.. DashboardFile.All.SelectMany(static dashboard => dashboard.Panels).Where(static panel => panel.Columns.Count > 0)];
        Assert.NotEmpty(tables);
        foreach (Panel table in tables)
        {
            IEnumerable<JsonElement> sorted = table.Json.GetProperty("options").GetProperty("sortBy").EnumerateArray().Select(static by => by.GetProperty("displayName"));
            IEnumerable<JsonElement> set = table.Json.GetProperty("fieldConfig").GetProperty("overrides").EnumerateArray().Select(static one => one.GetProperty("matcher").GetProperty("options"));
            Assert.All(sorted.Concat(set), name => Assert.Contains(name.GetString()!, table.Titles));
            Assert.Equal(table.Titles.Count, table.Titles.Distinct().Count());
        }
    }

    [Fact]
    public void Links_lead_to_dashboards_that_exist()
    {
        string[] uids = [.. DashboardFile.All.Select(static dashboard => dashboard.Uid)];
        string[] linked = [.. DashboardFile.All.SelectMany(static dashboard => dashboard.Root.GetRawText().Split("\"/d/").Skip(1)).Select(static text => text.Split('?')[0]).Distinct()];
        Assert.NotEmpty(linked);
        Assert.All(linked, uid => Assert.Contains(uid, uids));
    }
}
