using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Sinks.Otlp;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Otlp;

public sealed class MetricTests
{
    private const long Second = 1_000_000_000;
    private const long NowNs = 1_769_860_900_000_000_000;
    private const int Sum = 7;
    private const int Histogram = 9;

    private readonly RedTable _red = new(maxSeries: 4, idle: TimeSpan.FromSeconds(10));
    private readonly Ledger _ledger = new();

    [Fact]
    public void A_series_is_a_histogram_with_the_conventions_names_and_exact_buckets()
    {
        Count(TestTransactions.Make(durationNs: 400_000, startNs: NowNs - (5 * Second)));
        Count(TestTransactions.Make(durationNs: 1_000_000, startNs: NowNs - (4 * Second)));
        Count(TestTransactions.Make(durationNs: 30 * Second, startNs: NowNs - (3 * Second)));
        ProtoTree resource = Collect("nginx.service");
        Assert.Equal(["http.server.request.duration", "http.server.requests", "http.server.request.size", "http.server.response.size"], Names(resource));
        ProtoTree metric = Metric(resource, "http.server.request.duration");
        Assert.Equal(("s", 2UL), (metric.Text(3), metric.One(Histogram).Number(2)));
        ProtoTree point = metric.One(Histogram, 1);
        Assert.Equal(((ulong)(NowNs - (5 * Second)), (ulong)NowNs, 3UL, 30.0014, 30.0), (point.Number(2), point.Number(3), point.Number(4), point.Double(5), point.Double(12)));
        double[] bounds = [.. point.Packed(7).Select(BitConverter.UInt64BitsToDouble)];
        Assert.Equal([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10], bounds);
        ulong[] counts = point.Packed(6);
        Assert.Equal((bounds.Length + 1, 1UL, 1UL, 1UL, 3L), (counts.Length, counts[0], counts[1], counts[^1], counts.Sum(static one => (long)one)));
        Assert.Equal(
            new Dictionary<string, object>
            {
                ["http.request.method"] = "GET", ["http.route"] = "/items/{id}", ["http.response.status_code"] = 200L, ["network.protocol.name"] = "http", ["url.scheme"] = "http",
            }.OrderBy(static one => one.Key),
            point.Attributes(MetricWriter.HistogramAttribute).OrderBy(static one => one.Key));
    }

    [Fact]
    public void Unanswered_requests_are_counted_where_they_have_no_duration()
    {
        Count(TestTransactions.Make(role: "client", status: 0, error: TransactionError.Timeout, durationNs: -1));
        ProtoTree resource = Collect("nginx.service");
        Assert.Equal(["http.client.requests", "http.client.request.size", "http.client.response.size"], Names(resource));
        ProtoTree sum = Metric(resource, "http.client.requests").One(Sum);
        Assert.Equal((2UL, 1UL, 1UL), (sum.Number(2), sum.Number(3), sum.One(1).Number(6)));
        Dictionary<string, object> attributes = sum.One(1).Attributes(MetricWriter.PointAttribute);
        Assert.Equal(("timeout", "/items/{id}"), (attributes["error.type"], attributes["url.template"]));
        Assert.Equal((100UL, 200UL), (Metric(resource, "http.client.request.size").One(Sum, 1).Number(6), Metric(resource, "http.client.response.size").One(Sum, 1).Number(6)));
    }

    [Fact]
    public void A_series_that_left_and_came_back_begins_anew()
    {
        Count(TestTransactions.Make(startNs: NowNs - (100 * Second), workload: "w"));
        Count(TestTransactions.Make(startNs: NowNs - (99 * Second), workload: "w"));
        Assert.Equal(((ulong)(NowNs - (100 * Second)), 2UL), StartAndCount());
        // The table holds four: these push the first one out once it has been idle for ten seconds.
        for (int i = 0; i < 4; i++)
        {
            Count(TestTransactions.Make(startNs: NowNs - (50 * Second), workload: $"other{i}"));
        }
        Count(TestTransactions.Make(startNs: NowNs - (10 * Second), workload: "w"));
        Assert.Equal(((ulong)(NowNs - (10 * Second)), 1UL), StartAndCount());

        (ulong, ulong) StartAndCount()
        {
            ProtoTree point = Metric(Collect("w"), "http.server.requests").One(Sum, 1);
            return (point.Number(2), point.Number(6));
        }
    }

    [Fact]
    public void A_pod_is_one_resource_whichever_run_of_its_container()
    {
        Workload first = TestEvents.Pod("web-1");
        Count(With(TestTransactions.Make(), first));
        Count(With(TestTransactions.Make(status: 500), first with { ContainerId = "another", ProcessId = 7 }));
        ProtoTree resource = Collect("web");
        Assert.Equal(
            new Dictionary<string, object>
            {
                ["service.name"] = "web", ["service.namespace"] = "shop", ["service.instance.id"] = "shop.web-1.server", ["k8s.namespace.name"] = "shop", ["k8s.pod.name"] = "web-1",
                ["k8s.pod.uid"] = "79b74499-0514-4575-8962-d28ec9d84c5b", ["k8s.container.name"] = "server", ["k8s.deployment.name"] = "web", ["k8s.node.name"] = "node1",
            }.OrderBy(static one => one.Key),
            resource.One(1).Attributes(1).OrderBy(static one => one.Key));
        Assert.Equal(2, Metric(resource, "http.server.requests").All(Sum, 1).Count());
    }

    [Fact]
    public void What_did_not_fit_the_table_is_the_agent_s_and_marked()
    {
        for (int i = 0; i < 6; i++)
        {
            Count(TestTransactions.Make(workload: $"w{i}"));
        }
        ProtoTree point = Metric(Collect("kubebpfbox"), "http.server.requests").One(Sum, 1);
        Dictionary<string, object> attributes = point.Attributes(MetricWriter.PointAttribute);
        Assert.Equal((2UL, true, false), (point.Number(6), (bool)attributes["otel.metric.overflow"], attributes.ContainsKey("http.route")));
    }

    [Fact]
    public void The_agent_tells_of_itself_and_of_its_ledger()
    {
        LedgerStage stage = _ledger.AddStage("stream", "packets");
        stage.In.Add(10);
        stage.Out.Add(5);
        stage.DropReason("budget").Add(1);
        stage.Held = static () => 4;
        _ledger.AddNote("stream_gaps", "Holes.").Add(3);
        ProtoTree resource = Collect("kubebpfbox");
        Assert.Equal(("1.2.3", "node"), (resource.One(1).Attributes(1)["service.version"], resource.One(1).Attributes(1)["k8s.node.name"]));
        Assert.Equal(0.75, Metric(resource, "kubebpfbox.completeness").One(5, 1).Double(4));
        Assert.Equal(1.5, Metric(resource, "process.cpu.time").One(Sum, 1).Double(4));
        Assert.Equal(4096UL, Metric(resource, "process.memory.usage").One(Sum, 1).Number(6));
        Assert.False(Metric(resource, "process.memory.usage").One(Sum).Has(3));
        Assert.Equal(3UL, Metric(resource, "kubebpfbox.stream_gaps").One(Sum, 1).Number(6));
        Assert.Equal([10UL, 5UL, 1UL], ((string[])["in", "out", "dropped"]).Select(name => Metric(resource, "kubebpfbox.ledger." + name).One(Sum, 1).Number(6)));
        Assert.Equal(4UL, Metric(resource, "kubebpfbox.ledger.held").One(5, 1).Number(6));
        Dictionary<string, object> attributes = Metric(resource, "kubebpfbox.ledger.dropped").One(Sum, 1).Attributes(MetricWriter.PointAttribute);
        Assert.Equal(("stream", "packets", "budget"), (attributes["stage"], attributes["unit"], attributes["reason"]));
    }

    [Fact]
    public void Many_series_are_sent_in_several_requests_and_each_point_is_counted()
    {
        RedTable many = new(maxSeries: 6000);
        many.Enter();
        for (int i = 0; i < 5000; i++)
        {
            many.OnTransaction(TestTransactions.Make(workload: $"workload-{i / 10}", status: 200 + (i % 10)));
        }
        many.Exit();
        List<ExportBatch> batches = [];
        new MetricBatches(new Resources("node", "1"), Sources(many), 1, batches.Add).Collect(NowNs);
        Assert.InRange(batches.Count, 3, 20);
        Assert.All(batches, static batch => Assert.InRange(batch.Payload.Length, 1, 1_100_000));
        // Everything in the batches is a point, and four points are a series; the rest is the agent's.
        int points = batches.Sum(static batch => new ProtoTree(batch.Payload.Span).All(1, 2, 2).Sum(static metric => metric.All(5, 1).Count() + metric.All(7, 1).Count() + metric.All(9, 1).Count()));
        Assert.Equal(points, batches.Sum(static batch => batch.Items));
        Assert.InRange(points, 20_000, 20_100);
    }

    private static Transaction With(in Transaction transaction, Workload workload)
    {
        transaction.Connection.Workload = workload;
        return transaction;
    }

    private static string[] Names(ProtoTree resource) => [.. resource.All(2, 2).Select(static metric => metric.Text(1))];

    private static ProtoTree Metric(ProtoTree resource, string name) => resource.All(2, 2).Single(metric => metric.Text(1) == name);

    private void Count(in Transaction transaction)
    {
        _red.Enter();
        _red.OnTransaction(in transaction);
        _red.Exit();
    }

    private OtlpSources Sources(RedTable red) => new() { Red = red.Snapshot, Health = static () => new AgentHealth(0.75, 1.5, 4096, 8192, 3, "1.2.3"), Ledger = _ledger };

    /// <summary>What is sent of a service.</summary>
    private ProtoTree Collect(string service)
    {
        List<ExportBatch> batches = [];
        new MetricBatches(new Resources("node", "1.2.3"), Sources(_red), NowNs - (1000 * Second), batches.Add).Collect(NowNs);
        ExportBatch batch = Assert.Single(batches);
        return new ProtoTree(batch.Payload.Span).All(1).Single(resource => (string)resource.One(1).Attributes(1)["service.name"] == service);
    }
}
