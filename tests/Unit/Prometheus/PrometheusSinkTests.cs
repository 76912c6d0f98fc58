using System.Buffers;
using System.Diagnostics;
using System.Text;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Sinks.Prometheus;

namespace KubeBpfBox.Unit.Prometheus;

public sealed class PrometheusSinkTests
{
    private readonly Ledger _ledger = new();
    private readonly List<RedSeriesSnapshot> _red = [];

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData("a\"b", "a\\\"b")]
    [InlineData("a\\b", "a\\\\b")]
    [InlineData("a\nb", "a\\nb")]
    [InlineData("\\\"\n", "\\\\\\\"\\n")]
    [InlineData("{x=\"1\"} 5\n# TYPE", "{x=\\\"1\\\"} 5\\n# TYPE")]
    [InlineData("caf\u00e9 \ud83d\ude00", "caf\u00e9 \ud83d\ude00")]
    public void Label_values_are_escaped(string value, string expected)
    {
        ArrayBufferWriter<byte> output = new();
        ExpositionWriter writer = new(output);
        writer.Sample("m"u8);
        writer.Label("l"u8, value);
        writer.Value(1);
        Assert.Equal($"m{{l=\"{expected}\"}} 1\n", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void Half_a_surrogate_pair_does_not_break_the_page()
    {
        ArrayBufferWriter<byte> output = new();
        ExpositionWriter writer = new(output);
        writer.Sample("m"u8);
        writer.Label("l"u8, "lone \ud83d");
        writer.Value(1);
        Assert.Equal("m{l=\"lone \ufffd\"} 1\n", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void Long_label_values_are_whole_and_pairs_are_not_split()
    {
        string value = new string('a', 255) + "\ud83d\ude00" + new string('b', 1000);
        ArrayBufferWriter<byte> output = new();
        ExpositionWriter writer = new(output);
        writer.Sample("m"u8);
        writer.Label("l"u8, value);
        writer.Value(1);
        Assert.Equal($"m{{l=\"{value}\"}} 1\n", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Theory]
    [InlineData(0.0, "0")]
    [InlineData(1.5, "1.5")]
    [InlineData(-0.25, "-0.25")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    public void Numbers(double value, string expected)
    {
        ArrayBufferWriter<byte> output = new();
        ExpositionWriter writer = new(output);
        writer.Sample("m"u8);
        writer.Value(value);
        Assert.Equal($"m {expected}\n", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void A_server_s_series_is_a_histogram_with_OpenTelemetry_s_names()
    {
        _red.Add(Series("server", 200, errorType: null, [400_000, 1_000_000, 30_000_000_000]));
        string page = Page();
        const string Labels = "workload=\"nginx.service\",http_request_method=\"GET\",http_route=\"/items/{id}\",http_response_status_code=\"200\"";
        Assert.Contains("# TYPE http_server_request_duration_seconds histogram\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_bucket{{{Labels},le=\"0.0005\"}} 1\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_bucket{{{Labels},le=\"0.001\"}} 2\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_bucket{{{Labels},le=\"10\"}} 2\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_bucket{{{Labels},le=\"+Inf\"}} 3\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_sum{{{Labels}}} 30.0014\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_duration_seconds_count{{{Labels}}} 3\n", page, StringComparison.Ordinal);
        Assert.Contains($"http_server_request_size_bytes_total{{{Labels}}} 10\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http_client_request_duration_seconds_bucket", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Errors_and_unanswered_requests_have_their_labels()
    {
        _red.Add(Series("client", 503, "503", [1]));
        _red.Add(Series("client", 0, "timeout", []));
        string page = Page();
        Assert.Contains("http_client_requests_total{workload=\"nginx.service\",http_request_method=\"GET\",http_route=\"/items/{id}\",http_response_status_code=\"503\",error_type=\"503\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("http_client_requests_total{workload=\"nginx.service\",http_request_method=\"GET\",http_route=\"/items/{id}\",error_type=\"timeout\"} 1\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_overflow_series_is_marked_and_counted_apart()
    {
        _red.Add(Series("server", 200, null, [1]));
        _red.Add(Series("server", 0, null, [1, 1], isOverflow: true));
        string page = Page();
        Assert.Contains("kubebpfbox_red_series 1\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_red_overflow_requests_total 2\n", page, StringComparison.Ordinal);
        Assert.Contains("otel_metric_overflow=\"true\"} 2\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_ledger_is_shown_after_it_was_refreshed()
    {
        LedgerStage stage = _ledger.AddStage("stream", "packets");
        Counter lost = stage.DropReason("budget");
        stage.Held = static () => 4;
        _ledger.OnRead(() => stage.In.Value = 10);
        stage.Out.Add(5);
        lost.Add(1);
        string page = Page();
        Assert.Contains("kubebpfbox_ledger_in_total{stage=\"stream\",unit=\"packets\"} 10\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_ledger_out_total{stage=\"stream\",unit=\"packets\"} 5\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_ledger_held{stage=\"stream\",unit=\"packets\"} 4\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_ledger_dropped_total{stage=\"stream\",unit=\"packets\",reason=\"budget\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_completeness_ratio 0.75\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_is_well_formed()
    {
        FillWithEverything();
        string page = Page();
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
                Assert.Matches("^[a-z_]+(\\{([a-z_]+=\"([^\"\\\\]|\\\\[\\\\n\"])*\",?)+\\})? [-+0-9.eE]+$", line);
                Assert.StartsWith(family, line, StringComparison.Ordinal);
                Assert.True(samples.Add(line[..line.LastIndexOf(' ')]), "sample twice: " + line);
            }
        }
        Assert.Contains("process_resident_memory_bytes", families);
    }

    [Fact]
    public void Promtool_finds_nothing_to_say()
    {
        const string Promtool = "/usr/bin/promtool";
        Assert.SkipUnless(File.Exists(Promtool), "promtool (Debian's prometheus) is not installed");
        FillWithEverything();
        using Process process = Process.Start(new ProcessStartInfo(Promtool, "check metrics") { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.StandardInput.Write(Page());
        process.StandardInput.Close();
        string said = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal((string.Empty, 0), (said, process.ExitCode));
    }

    private static RedSeriesSnapshot Series(string? role, int status, string? errorType, long[] durations, bool isOverflow = false, string route = "/items/{id}", string protocol = "http")
    {
        DurationHistogram histogram = new();
        foreach (long duration in durations)
        {
            histogram.Record(duration);
        }
        return new RedSeriesSnapshot
        {
            Workload = new Workload("nginx.service", "cgroup"), Role = role, Protocol = protocol, Method = "GET", Route = route, Status = status, ErrorType = errorType,
            Count = Math.Max(1, durations.Length), Errors = errorType is null ? 0 : 1, RequestBytes = 10, ResponseBytes = 20, Duration = histogram, IsOverflow = isOverflow,
        };
    }

    private void FillWithEverything()
    {
        _red.AddRange([
            Series("server", 200, null, [1_000, 2_000_000]), Series("client", 200, null, [1_000]), Series("server", 500, "500", [5]),
            Series("client", 0, "timeout", []), Series(null, 200, null, [7]), Series("server", 0, null, [1], isOverflow: true),
            Series("server", 200, null, [3], route: "/\"quoted\\ \u00e9\n"), Series("server", 200, null, [3], protocol: "http2"),
        ]);
        LedgerStage stage = _ledger.AddStage("stream", "packets");
        stage.DropReason("budget").Add(1);
        stage.DropReason("other");
        _ledger.AddStage("http1", "transactions");
    }

    private string Page()
    {
        ArrayBufferWriter<byte> output = new();
        new PrometheusSink(new PrometheusSources { Red = () => _red, Ledger = _ledger, Health = static () => AgentHealth.Read(0.75, 0, "1.2.3"), Revision = "abc" }).Write(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
