using System.Buffers;
using System.Text;
using System.Text.Json;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Live;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Sinks.Prometheus;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Events;

public sealed class EventOutputTests
{
    private const long At = 1_700_000_000_123_456_789;

    [Fact]
    public void A_kill_as_json_names_who_whose_limit_and_what_it_held()
    {
        JsonElement json = Json(TestEvents.Kill(At, "web-1"));
        Assert.Equal("oomkill", json.GetProperty("event").GetString());
        Assert.Equal("2023-11-14T22:13:20.123456789Z", json.GetProperty("time").GetString());
        JsonElement workload = json.GetProperty("workload");
        Assert.Equal(("shop", "web-1", "server", "Deployment"), (workload.GetProperty("namespace").GetString(), workload.GetProperty("pod").GetString(),
            workload.GetProperty("container").GetString(), workload.GetProperty("kind").GetString()));
        Assert.Equal((4711, 1, 4712, 1000), (json.GetProperty("process_id").GetInt32(), json.GetProperty("container_process_id").GetInt32(),
            json.GetProperty("trigger_process_id").GetInt32(), json.GetProperty("user_id").GetInt32()));
        Assert.Equal(("container", 64L << 20, 60L << 20, -997), (json.GetProperty("scope").GetString(), json.GetProperty("limit_bytes").GetInt64(),
            json.GetProperty("anon_rss_bytes").GetInt64(), json.GetProperty("oom_score_adj").GetInt32()));
        Assert.Equal("GC\u001b[2J", json.GetProperty("trigger_process_name").GetString());
        // What the way in does not tell is left out.
        Assert.False(json.TryGetProperty("swap_bytes", out _));
    }

    [Fact]
    public void An_overflow_as_json_names_queue_and_client()
    {
        JsonElement json = Json(TestEvents.Overflow(At, "web-2"));
        Assert.Equal(("tcpsynbl", "10.244.0.9:8080", "10.244.0.7:40000"),
            (json.GetProperty("event").GetString(), json.GetProperty("listener").GetString(), json.GetProperty("client").GetString()));
        Assert.Equal((5, 4, 17, 16), (json.GetProperty("queue_length").GetInt32(), json.GetProperty("queue_limit").GetInt32(),
            json.GetProperty("count").GetInt32(), json.GetProperty("syn_count").GetInt32()));
        Assert.False(json.TryGetProperty("client_workload", out _));
    }

    [Fact]
    public void Text_is_one_line_that_cannot_steer_a_terminal()
    {
        Assert.Equal("22:13:20.123 oomkill shop/web-1/server killed java (pid 4711): memory limit of 64 MiB of its container, it had 61 MiB, asked for by GC\\x1b[2J (pid 4712)\n",
            Text(TestEvents.Kill(At, "web-1")));
        Assert.Equal("22:13:20.123 tcpsynbl shop/web-2/server accept queue of 10.244.0.9:8080 full, 5/4: 17 connections refused, last from 10.244.0.7:40000\n", Text(TestEvents.Overflow(At, "web-2")));
    }

    [Fact]
    public void Watchers_get_events_unless_they_ask_for_what_only_requests_have()
    {
        Ledger ledger = new();
        LiveHub hub = new(ledger);
        using LiveSubscription all = hub.Subscribe(TransactionFilter.All);
        using LiveSubscription pod = hub.Subscribe(new TransactionFilter { Namespace = "shop", Pod = "web-1" });
        using LiveSubscription errors = hub.Subscribe(new TransactionFilter { StatusFrom = 500, StatusTo = 599 });
        hub.OnEvent(TestEvents.Kill(At, "web-1"));
        hub.OnEvent(TestEvents.Overflow(At, "web-2"));
        Assert.Equal(2, Take(all));
        Assert.Equal(1, Take(pod));
        Assert.Equal(0, Take(errors));
        ledger.Refresh();
        LedgerStage live = ledger.Stages[0];
        Assert.Equal((3L, 3L, 0L), (live.In.Value, live.Out.Value, live.Unaccounted));
    }

    [Fact]
    public async Task Counts_go_to_metrics_with_the_names_of_opentelemetry()
    {
        EventCounts counts = new();
        counts.OnEvent(TestEvents.Kill(At, "web-1"));
        counts.OnEvent(TestEvents.Kill(At, "web-1"));
        counts.OnEvent(TestEvents.Overflow(At, "web-2"));
        ListenerQueue queue = new(TestEvents.Pod("web-2"), Endpoint.From([0, 0, 0, 0], 8080), 7, 115, 128, 17);
        PrometheusSink sink = new(new PrometheusSources { Red = new RedTable(), Events = counts.Snapshot, Listeners = () => [queue], Ledger = new Ledger(), Health = static () => AgentHealth.Read(1, 0, "1") });
        using MemoryStream page = new();
        await sink.WriteAsync(page, ExpositionFormat.Text, TestContext.Current.CancellationToken);
        string text = Encoding.UTF8.GetString(page.ToArray());
        const string Labels = """workload="web",k8s_namespace_name="shop",k8s_pod_name="web-{0}",k8s_container_name="server",k8s_deployment_name="web",""";
        Assert.Contains("kubebpfbox_oomkill_total{" + Labels.Replace("{0}", "1", StringComparison.Ordinal) + "scope=\"container\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_tcpsynbl_overflows_total{" + Labels.Replace("{0}", "2", StringComparison.Ordinal)[..^1] + "} 17\n", text, StringComparison.Ordinal);
        Assert.Contains("kubebpfbox_tcpsynbl_queue_highest{" + Labels.Replace("{0}", "2", StringComparison.Ordinal) + "listener=\"0.0.0.0:8080\",netns=\"7\"} 115\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Counts_are_bounded()
    {
        EventCounts counts = new();
        for (int i = 0; i < EventCounts.MaxSeries + 10; i++)
        {
            counts.OnEvent(TestEvents.Kill(At, $"web-{i}"));
        }
        IReadOnlyList<EventCount> all = counts.Snapshot();
        Assert.Equal(EventCounts.MaxSeries + 1, all.Count);
        Assert.Equal(10, all.Single(static one => one.Workload.Name == "overflow").Count);
    }

    private static int Take(LiveSubscription subscription)
    {
        int taken = 0;
        while (subscription.TryTake(out NodeEvent? _))
        {
            taken++;
        }
        return taken;
    }

    private static JsonElement Json(NodeEvent happened)
    {
        ArrayBufferWriter<byte> line = new();
        NodeEventJson.Write(line, happened);
        Assert.Equal((byte)'\n', line.WrittenSpan[^1]);
        return JsonDocument.Parse(line.WrittenMemory).RootElement;
    }

    private static string Text(NodeEvent happened)
    {
        ArrayBufferWriter<byte> line = new();
        NodeEventText.Write(line, happened);
        return Encoding.UTF8.GetString(line.WrittenSpan);
    }
}
