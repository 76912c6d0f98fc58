using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>Events of the node on their whole way: from the kernel to observe, the API, the database and /metrics.</summary>
public sealed class EventTests
{
    private const string Uid = "79b74499-0514-4575-8962-d28ec9d84c5b";
    private const string Id = "8b534f7f0c678b2b3f4c2a1d0e9f8a7b6c5d4e3f20192a3b4c5d6e7f8091a2b3";
    private const long LimitBytes = 24 << 20;

    [Fact]
    public void A_kill_shows_everywhere_with_the_container_and_its_limit()
    {
        using Island island = new();
        using AgentProcess agent = new(island.CgroupPath);
        using ChildProcess observer = agent.Observe("-o", "json");
        using ChildProcess slow = agent.Observe("-o", "json", "--slower-than", "1ns");
        using TestMemoryCgroup top = new();
        string container = top.Make($"kubepods/burstable/pod{Uid}/{Id}");
        TestMemoryCgroup.SetLimit(container, LimitBytes);
        using ChildProcess hog = ChildProcess.Start(Path.Combine(AppContext.BaseDirectory, "hungry"), $"join:{container}/cgroup.procs", "grow");
        hog.WaitForExit(TimeSpan.FromSeconds(30));

        JsonElement? seen = null;
        agent.Until(() => (seen = EventOf(observer.Output, hog.Id)) is not null, "the event");
        JsonElement kill = seen!.Value;
        Assert.Equal(("oomkill", "container", LimitBytes), (kill.GetProperty("event").GetString(), kill.GetProperty("scope").GetString(), kill.GetProperty("limit_bytes").GetInt64()));
        JsonElement workload = kill.GetProperty("workload");
        Assert.Equal((Id, Id[..12]), (workload.GetProperty("container_id").GetString(), workload.GetProperty("workload").GetString()));

        agent.Until(() => Stored(agent, hog.Id) is not null, "the stored event");
        Assert.Equal(kill.GetRawText(), Stored(agent, hog.Id)!.Value.GetRawText());
        string metric = agent.Health("/metrics")!.Value.Text.Split('\n').Single(static line => line.StartsWith($"kubebpfbox_oomkill_total{{workload=\"{Id[..12]}\"", StringComparison.Ordinal));
        Assert.EndsWith("scope=\"container\"} 1", metric, StringComparison.Ordinal);
        Assert.DoesNotContain("oomkill", slow.Output, StringComparison.Ordinal);
        agent.LedgerAtRest();
    }

    private static JsonElement? Stored(AgentProcess agent, int processId) => agent.Get("/api/events?type=oomkill")
        .GetProperty("events").EnumerateArray().Where(one => one.GetProperty("process_id").GetInt32() == processId).Select(static one => (JsonElement?)one).FirstOrDefault();

    private static JsonElement? EventOf(string lines, int processId) => lines[..(lines.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Where(static line => line.StartsWith("{\"event\":\"oomkill\"", StringComparison.Ordinal))
        .Select(static line => (JsonElement?)JsonDocument.Parse(line).RootElement)
        .FirstOrDefault(one => one!.Value.GetProperty("process_id").GetInt32() == processId);
}
