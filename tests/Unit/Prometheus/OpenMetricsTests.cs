using System.Globalization;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.Prometheus;

namespace KubeBpfBox.Unit.Prometheus;

public sealed class OpenMetricsTests
{
    private const string Labels = "workload=\"nginx.service\",http_request_method=\"GET\",http_route=\"/items/{id}\",http_response_status_code=\"200\"";
    private readonly PrometheusPage _page = new();

    [Fact]
    public async Task A_bucket_has_the_latest_request_within_it_as_exemplar()
    {
        _page.Pass(durationNs: 3_000_000, trace: new TraceContext(0xa, 0x1, IsSampled: true));
        _page.Pass(durationNs: 4_000_000, trace: new TraceContext(0xb, 0x2, IsSampled: true), startNs: PrometheusPage.NowNs + 2_000_000_000);
        _page.Pass(durationNs: 20_000_000_000, trace: new TraceContext(0xc, 0x3, IsSampled: true));
        string page = await _page.WriteAsync(ExpositionFormat.OpenMetrics);
        const string Name = "http_server_request_duration_seconds_bucket";
        Assert.Contains($"{Name}{{{Labels},le=\"0.0025\"}} 0\n", page, StringComparison.Ordinal);
        Assert.Contains($"{Name}{{{Labels},le=\"0.005\"}} 2 # {{trace_id=\"0000000000000000000000000000000b\",span_id=\"0000000000000002\"}} 0.004 1769860802.127\n", page, StringComparison.Ordinal);
        Assert.Contains($"{Name}{{{Labels},le=\"10.0\"}} 2\n", page, StringComparison.Ordinal);
        Assert.Contains($"{Name}{{{Labels},le=\"+Inf\"}} 3 # {{trace_id=\"0000000000000000000000000000000c\",span_id=\"0000000000000003\"}} 20 1769860820.123\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Families_of_counters_are_named_without_their_ending_and_units_are_told()
    {
        _page.FillWithEverything();
        string page = await _page.WriteAsync(ExpositionFormat.OpenMetrics);
        Assert.Contains("# TYPE http_server_requests counter\n", page, StringComparison.Ordinal);
        Assert.Contains($"\nhttp_server_requests_total{{{Labels}}} 2\n", page, StringComparison.Ordinal);
        Assert.Contains("# UNIT http_server_request_duration_seconds seconds\n", page, StringComparison.Ordinal);
        Assert.Contains("# TYPE kubebpfbox_build info\n", page, StringComparison.Ordinal);
        Assert.StartsWith("# HELP target ", page, StringComparison.Ordinal);
        Assert.EndsWith("\n# EOF\n", page, StringComparison.Ordinal);
    }

    /// <summary>OpenMetrics 1.0.0: "Overall Structure" and what it says of each type.</summary>
    [Fact]
    public async Task The_page_is_well_formed()
    {
        _page.FillWithEverything();
        await _page.WriteAsync(ExpositionFormat.OpenMetrics);
        string[] lines = (await _page.WriteAsync(ExpositionFormat.OpenMetrics)).Split('\n');
        Assert.Equal(["# EOF", ""], lines[^2..]);
        HashSet<string> families = [], samples = [];
        string family = string.Empty, type = string.Empty;
        foreach (string line in lines[..^2])
        {
            string[] words = line.Split(' ');
            switch (words[1])
            {
                case "HELP" when words[0] == "#":
                    Assert.True(families.Add(family = words[2]), "family twice: " + line);
                    break;
                case "TYPE" when words[0] == "#":
                    (type, _) = (words[3], words[2] == family ? 0 : throw new InvalidDataException(line));
                    Assert.Contains(type, (string[])["counter", "gauge", "histogram", "info"]);
                    break;
                case "UNIT" when words[0] == "#":
                    Assert.EndsWith("_" + words[3], words[2], StringComparison.Ordinal);
                    Assert.Equal(family, words[2]);
                    break;
                default:
                    Sample(line, family, type);
                    Assert.True(samples.Add(line.Split("} ")[0]), "sample twice: " + line);
                    break;
            }
        }
        Assert.DoesNotContain(families, family => families.Any(other => family == other + "_total" || family == other + "_info"));
    }

    private static void Sample(string line, string family, string type)
    {
        string[] suffixes = type switch
        {
            "counter" => ["_total"],
            "info" => ["_info"],
            "histogram" => ["_bucket", "_sum", "_count"],
            _ => [""],
        };
        string name = line[..line.IndexOfAny(['{', ' '])];
        Assert.Contains(name, suffixes.Select(suffix => family + suffix));
        string[] parts = line.Split(" # ");
        Assert.Matches("^[a-z0-9_]+(\\{([a-z0-9_]+=\"([^\"\\\\]|\\\\[\\\\n\"])*\",?)+\\})? [-+0-9.eE]+$", parts[0]);
        if (parts.Length > 1)
        {
            Assert.EndsWith("_bucket", name, StringComparison.Ordinal);
            Assert.Matches("^\\{trace_id=\"[0-9a-f]{32}\",span_id=\"[0-9a-f]{16}\"\\} [0-9.]+ [0-9]+(\\.[0-9]{1,3})?$", parts[1]);
        }
        if (name.EndsWith("_bucket", StringComparison.Ordinal))
        {
            string bound = line.Split(",le=\"")[1].Split('"')[0];
            Assert.True(bound == "+Inf" || bound.Contains('.', StringComparison.Ordinal), line);
            Assert.True(parts.Length == 1 || bound == "+Inf" || double.Parse(parts[1].Split("} ")[1].Split(' ')[0], CultureInfo.InvariantCulture) <= double.Parse(bound, CultureInfo.InvariantCulture), line);
        }
    }
}
