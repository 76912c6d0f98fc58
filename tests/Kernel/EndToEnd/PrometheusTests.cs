using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>What a real Prometheus makes of what a real agent says.</summary>
public sealed class PrometheusTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static readonly double[] s_bounds = [0, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, double.PositiveInfinity];

    [Fact]
    public void Exemplars_units_and_rules_arrive()
    {
        using Island island = new();
        using AgentProcess agent = new(island.CgroupPath, "sinks.sqlite.enabled=false");
        using PrometheusServer prometheus = new(agent.Port);
        for (int i = 0; i < 20; i++)
        {
            using Socket socket = island.Inside(() => Traffic.Connect(island.Port));
            Traffic.Exchange(socket, $"GET /traced HTTP/1.1\r\nHost: test\r\ntraceparent: 00-{TraceId}-00f067aa0ba902b7-01\r\nConnection: close\r\n\r\n");
            Thread.Sleep(100);
        }
        foreach (string role in (string[])["server", "client"])
        {
            JsonElement exemplars = default;
            prometheus.Until(
                () =>
                {
                    long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
                    exemplars = prometheus.Get(string.Create(CultureInfo.InvariantCulture, $"/api/v1/query_exemplars?query=http_{role}_request_duration_seconds_bucket&start={now - 120}&end={now + 1}"));
                    return exemplars.GetArrayLength() > 0;
                },
                $"exemplars of {role}s");
            JsonElement one = exemplars[0].GetProperty("exemplars")[0];
            Assert.Equal((TraceId, "00f067aa0ba902b7"), (one.GetProperty("labels").GetProperty("trace_id").GetString(), one.GetProperty("labels").GetProperty("span_id").GetString()));
            Assert.Equal("/traced", exemplars[0].GetProperty("seriesLabels").GetProperty("http_route").GetString());
        }
        // Only OpenMetrics has units.
        JsonElement unit = prometheus.Get("/api/v1/metadata?metric=http_server_request_duration_seconds").GetProperty("http_server_request_duration_seconds")[0];
        Assert.Equal(("histogram", "seconds"), (unit.GetProperty("type").GetString(), unit.GetProperty("unit").GetString()));
        Assert.Equal(1, prometheus.Value("kubebpfbox_capturing"));
        Assert.Equal(1, prometheus.Value("min(kubebpfbox_hook_attached{plugin=\"traffic\"})"));
        Assert.Equal(1, prometheus.Value("count(target_info{service_name=\"kubebpfbox\"})"));

        prometheus.Until(() => prometheus.Value("workload:http_server_requests:rate5m > 0") is not null, "a recorded rate");
        Assert.Equal(0, prometheus.Value("max(workload:http_server_error_ratio:rate5m)"));
        JsonElement groups = prometheus.Get("/api/v1/rules").GetProperty("groups");
        Assert.Equal(3, groups.GetArrayLength());
        Assert.All(groups.EnumerateArray().SelectMany(static group => group.GetProperty("rules").EnumerateArray()),
            static rule => Assert.True(!rule.TryGetProperty("lastError", out JsonElement error) || error.GetString()!.Length == 0, rule.ToString()));
    }

    [Fact]
    public void Quantiles_are_those_that_the_client_measures()
    {
        using Island island = new();
        using AgentProcess agent = new(island.CgroupPath, "sinks.sqlite.enabled=false");
        using PrometheusServer prometheus = new(agent.Port);
        using SocketServer server = island.Inside(() => new SocketServer(AnswerLate));
        using Socket socket = island.Inside(() => Traffic.Connect(server.Port));
        const int Requests = 120;
        double[] measured = new double[Requests];
        for (int i = 0; i < Requests; i++)
        {
            int ms = (i % 20) switch
            {
                < 12 => 3,
                < 19 => 35,
                _ => 180,
            };
            string request = string.Create(CultureInfo.InvariantCulture, $"GET /latency?ms={ms} HTTP/1.1\r\nHost: test\r\n\r\n");
            long started = Stopwatch.GetTimestamp();
            Traffic.Exchange(socket, request);
            measured[i] = Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
        Array.Sort(measured);
        foreach (string role in (string[])["client", "server"])
        {
            string series = $"http_{role}_request_duration_seconds";
            prometheus.Until(() => prometheus.Value($"sum({series}_count{{http_route=\"/latency\"}})") == Requests, $"all requests of the {role}");
            foreach (double quantile in (double[])[0.5, 0.9, 0.99])
            {
                double own = measured[(int)Math.Ceiling(quantile * Requests) - 1];
                double told = prometheus.Value(string.Create(CultureInfo.InvariantCulture, $"histogram_quantile({quantile}, sum by (le) ({series}_bucket{{http_route=\"/latency\"}}))"))!.Value;
                int bucket = Array.FindIndex(s_bounds, bound => own <= bound);
                // The client's clock runs a little longer than the wire: at a bound that may be the next bucket.
                double lowest = s_bounds[own - s_bounds[bucket - 1] < 0.001 ? bucket - 2 : bucket - 1];
                Assert.True(told >= lowest && told <= s_bounds[bucket], $"p{quantile * 100} of the {role}: {told} s, measured {own} s");
            }
            double sum = prometheus.Value($"sum({series}_sum{{http_route=\"/latency\"}})")!.Value;
            Assert.InRange(sum, measured.Sum() * 0.9, measured.Sum());
        }
    }

    /// <summary>Answers each request after as many milliseconds as it asks for.</summary>
    private static void AnswerLate(Socket client)
    {
        while (Traffic.ReadHead(client) is { Length: > 0 } head)
        {
            int at = head.IndexOf("ms=", StringComparison.Ordinal) + 3;
            Thread.Sleep(int.Parse(head.AsSpan(at, head.IndexOf(' ', at) - at), CultureInfo.InvariantCulture));
            client.Send(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
        }
    }
}
