using System.Diagnostics;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Sinks.Prometheus;
using KubeBpfBox.Support;

namespace KubeBpfBox.Unit.Prometheus;

public sealed class PrometheusSinkTests
{
    private const string Labels = "workload=\"nginx.service\",http_request_method=\"GET\",http_route=\"/items/{id}\",http_response_status_code=\"200\"";
    private readonly PrometheusPage _page = new();

    [Fact]
    public async Task A_server_s_series_is_a_histogram_with_OpenTelemetry_s_names()
    {
        foreach (long durationNs in (long[])[400_000, 1_000_000, 30_000_000_000])
        {
            _page.Pass(durationNs: durationNs);
        }
        string page = await _page.WriteAsync();
        Assert.Contains("# TYPE http_server_request_duration_seconds histogram\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_bucket{{{Labels},le=\"0.0005\"}} 1\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_bucket{{{Labels},le=\"0.001\"}} 2\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_bucket{{{Labels},le=\"10\"}} 2\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_bucket{{{Labels},le=\"+Inf\"}} 3\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_sum{{{Labels}}} 30.0014\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_count{{{Labels}}} 3\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_size_bytes_total{{{Labels}}} 30\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_response_size_bytes_total{{{Labels}}} 60\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http_client_request_duration_seconds_bucket", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_and_unanswered_requests_have_their_labels()
    {
        _page.Pass("client", 503);
        _page.Pass("client", 0, "timeout", durationNs: -1);
        string page = await _page.WriteAsync();
        Assert.Contains("http_client_requests_total{workload=\"nginx.service\",http_request_method=\"GET\",http_route=\"/items/{id}\",http_response_status_code=\"503\",error_type=\"503\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("http_client_requests_total{workload=\"nginx.service\",http_request_method=\"GET\",http_route=\"/items/{id}\",error_type=\"timeout\"} 1\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("error_type=\"timeout\",le=", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_overflow_series_is_marked_and_counted_apart()
    {
        PrometheusPage small = new(maxSeries: 1);
        small.Pass();
        small.Pass(target: "/a");
        small.Pass(target: "/b");
        string page = await small.WriteAsync();
        Assert.Contains("kubebpfbox_red_series 1\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_red_series_limit 1\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_red_overflow_requests_total 2\n", page, StringComparison.Ordinal);
        Assert.Contains("otel_metric_overflow=\"true\"} 2\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_ledger_is_shown_after_it_was_refreshed()
    {
        LedgerStage stage = _page.Ledger.AddStage("stream", "packets");
        Counter lost = stage.DropReason("budget");
        stage.Held = static () => 4;
        _page.Ledger.OnRead(() => stage.In.Value = 10);
        stage.Out.Add(5);
        lost.Add(1);
        string page = await _page.WriteAsync();
        Assert.Contains("kubebpfbox_ledger_in_total{stage=\"stream\",unit=\"packets\"} 10\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_ledger_out_total{stage=\"stream\",unit=\"packets\"} 5\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_ledger_held{stage=\"stream\",unit=\"packets\"} 4\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_ledger_dropped_total{stage=\"stream\",unit=\"packets\",reason=\"budget\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_completeness_ratio 0.75\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parts_that_work_and_parts_that_do_not_are_told_apart()
    {
        _page.FillWithEverything();
        _page.IsCapturing = false;
        string page = await _page.WriteAsync();
        Assert.Contains("kubebpfbox_hook_attached{plugin=\"traffic\",hook=\"cgroup_skb/ingress\"} 1\n", page, StringComparison.Ordinal);
        // One that was refused and taken at another try is there once.
        Assert.Contains("kubebpfbox_hook_attached{plugin=\"oomkill\",hook=\"fentry\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_sink_up{sink=\"sqlite\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_sink_up{sink=\"influxdb\"} 0\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_degraded 1\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_capturing 0\n", page, StringComparison.Ordinal);
        Assert.Contains("target_info{service_name=\"kubebpfbox\",service_version=\"1.2.3\",k8s_node_name=\"node-1\"} 1\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_tells_what_the_one_before_cost()
    {
        Assert.DoesNotContain("kubebpfbox_scrape_duration_seconds", await _page.WriteAsync(), StringComparison.Ordinal);
        string page = await _page.WriteAsync();
        Assert.Matches("kubebpfbox_scrape_duration_seconds [0-9.E-]+\n", page);
        Assert.Matches("kubebpfbox_scrape_longest_hold_seconds [0-9.E-]+\n", page);
    }

    [Fact]
    public async Task More_series_than_a_slice_and_a_buffer_hold_are_all_there_once()
    {
        PrometheusPage many = new(maxSeries: 1000);
        for (int i = 0; i < 700; i++)
        {
            many.Pass(i % 3 == 0 ? "client" : "server", workload: $"w{i}", durationNs: i * 1_000_000L);
        }
        string[] lines = (await many.WriteAsync()).Split('\n');
        foreach (string role in (string[])["client", "server"])
        {
            int series = role == "client" ? 234 : 466;
            foreach (string name in (string[])["request_duration_seconds_count", "requests_total", "request_size_bytes_total", "response_size_bytes_total"])
            {
                Assert.Equal(series, lines.Where(line => line.StartsWith($"http_{role}_{name}{{", StringComparison.Ordinal)).Distinct().Count());
            }
        }
        Assert.Equal(700 * 18, lines.Count(static line => line.Contains("_bucket{", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_page_is_well_formed()
    {
        _page.FillWithEverything();
        await _page.WriteAsync();
        string page = await _page.WriteAsync();
        HashSet<string> families = [];
        HashSet<string> samples = [];
        string family = string.Empty;
        foreach (string line in page.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                family = line.Split(' ')[2];
                Assert.True(families.Add(family), "family twice: " + family);
            }
            else if (!line.StartsWith('#'))
            {
                Assert.Matches("^[a-z0-9_]+(\\{([a-z0-9_]+=\"([^\"\\\\]|\\\\[\\\\n\"])*\",?)+\\})? [-+0-9.eE]+$", line);
                Assert.StartsWith(family, line, StringComparison.Ordinal);
                Assert.True(samples.Add(line[..line.LastIndexOf(' ')]), "sample twice: " + line);
            }
        }
        Assert.Contains("process_resident_memory_bytes", families);
        Assert.DoesNotContain("trace_id", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Promtool_finds_nothing_to_say()
    {
        string promtool = AptPackages.Require("promtool", "prometheus");
        _page.FillWithEverything();
        using Process process = Process.Start(new ProcessStartInfo(promtool, "check metrics") { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.StandardInput.Write(await _page.WriteAsync());
        process.StandardInput.Close();
        string said = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal((string.Empty, 0), (said, process.ExitCode));
    }
}
