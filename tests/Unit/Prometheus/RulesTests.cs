using KubeBpfBox.Support;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Prometheus;

/// <summary>deploy/prometheus and what is made from it.</summary>
public sealed class RulesTests
{
    private const string ObjectHead =
        """
        # Made from deploy/prometheus/rules.yaml: change that, then UPDATE_SAMPLES=1 dotnet … -class KubeBpfBox.Unit.Prometheus.RulesTests
        apiVersion: monitoring.coreos.com/v1
        kind: PrometheusRule
        metadata:
          name: kubebpfbox
          labels:
            app.kubernetes.io/name: kubebpfbox
        spec:

        """;

    private static string Rules => Path.Combine(Repository.Root, "deploy/prometheus/rules.yaml");

    [Theory]
    [InlineData("check", "rules.yaml")]
    [InlineData("test", "rules.test.yaml")]
    public void Promtool_agrees(string command, string file)
    {
        using ChildProcess promtool = ChildProcess.Start(AptPackages.Require("promtool", "prometheus"), command, "rules", Path.Combine(Path.GetDirectoryName(Rules)!, file));
        promtool.WaitForExit(TimeSpan.FromSeconds(60));
        Assert.True(promtool.ExitCode == 0, promtool.Output + promtool.Errors);
        Assert.Contains("SUCCESS", promtool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_object_of_the_operator_has_the_same_rules()
    {
        string path = Path.Combine(Repository.Root, "deploy/monitoring/prometheusrule.yaml");
        IEnumerable<string> lines = File.ReadLines(Rules).SkipWhile(static line => line.StartsWith('#')).Select(static line => line.Length == 0 ? line : "  " + line);
        string expected = ObjectHead.ReplaceLineEndings("\n") + string.Join('\n', lines) + "\n";
        if (Environment.GetEnvironmentVariable("UPDATE_SAMPLES") == "1")
        {
            File.WriteAllText(path, expected);
        }
        Assert.Equal(expected, File.ReadAllText(path));
    }

    [Fact]
    public async Task Rules_ask_for_metrics_that_there_are()
    {
        PrometheusPage page = new();
        page.FillWithEverything();
        string text = await page.WriteAsync();
        string[] asked = [.. File.ReadLines(Rules)
            .Where(static line => !line.TrimStart().StartsWith('#'))
            .SelectMany(static line => System.Text.RegularExpressions.Regex.Matches(line, "\\b(http_(server|client)|kubebpfbox|process)_[a-z0-9_]+(?=[{[ ])").Select(static match => match.Value))
            .Distinct()];
        Assert.True(asked.Length > 12, string.Join(' ', asked));
        Assert.All(asked, name => Assert.Contains(name.Replace("_bucket", string.Empty, StringComparison.Ordinal) + " ", text, StringComparison.Ordinal));
    }
}
