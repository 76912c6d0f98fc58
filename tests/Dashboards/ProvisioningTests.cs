using KubeBpfBox.Dashboards.Model;
using YamlDotNet.RepresentationModel;

namespace KubeBpfBox.Dashboards;

/// <summary>The files that tell Grafana of data sources and dashboards.</summary>
public sealed class ProvisioningTests
{
    public static TheoryData<string, string> DataSources => new()
    {
        { "datasources/influxdb.yaml", "influxdb" },
        { "datasources/prometheus.yaml", "prometheus" },
        { "datasources-influxdb1/influxdb.yaml", "influxdb" },
    };

    [Theory]
    [MemberData(nameof(DataSources))]
    public void Data_sources_are_those_that_the_dashboards_ask_for(string file, string backend)
    {
        YamlNode source = Read(file)["datasources"][0];
        foreach (DashboardFile dashboard in DashboardFile.All.Where(dashboard => dashboard.Backend == backend))
        {
            Variable variable = dashboard.Variables.Single(static variable => variable.Type == "datasource");
            Assert.Equal((Text(source["type"]), Text(source["uid"])), (variable.Query, variable.Current.GetString()));
        }
    }

    [Theory]
    [MemberData(nameof(DataSources))]
    public void Credentials_and_addresses_come_from_the_environment_only(string file, string backend)
    {
        YamlMappingNode source = (YamlMappingNode)Read(file)["datasources"][0];
        Assert.Equal(backend, Text(source["type"]));
        YamlMappingNode secrets = source.Children.TryGetValue("secureJsonData", out YamlNode? found) ? (YamlMappingNode)found : [];
        string[] fromOutside = [Text(source["url"]), .. secrets.Children.Values.Select(Text), .. source.Children.Where(static entry => Text(entry.Key) is "user" or "password").Select(static entry => Text(entry.Value))];
        Assert.All(fromOutside, static text => Assert.Matches(@"^(Token )?\$[A-Z_]+$", text));
    }

    [Fact]
    public void Dashboards_are_found_by_folder() => Assert.Equal("true", Text(Read("dashboards/kubebpfbox.yaml")["providers"][0]["options"]["foldersFromFilesStructure"]));

    private static YamlMappingNode Read(string file)
    {
        YamlStream stream = new();
        stream.Load(new StringReader(File.ReadAllText(Path.Combine(DashboardFile.Generator, "provisioning", file))));
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;
}
