using System.Buffers;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Sinks.InfluxDb;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.InfluxDb;

public sealed class InfluxDbSinkTests
{
    private const long StartNs = 1_769_860_800_000_000_000;

    [Fact]
    public void Windows_never_share_a_time()
    {
        using SentLines sent = new();
        using (InfluxDbSink sink = LineCase.Create(default, sent))
        {
            // The rest of a window that another run of the agent began; whole ones; one whose clock was set back.
            sink.OnWindow(new RedWindow(StartNs, 4_000_000_000, []));
            sink.OnWindow(new RedWindow(StartNs + 10_000_000_000, 10_000_000_000, []));
            sink.OnWindow(new RedWindow(StartNs + 10_000_000_000, 3_000_000_000, []));
            sink.OnWindow(new RedWindow(StartNs + 20_000_000_000, 10_100_000_000, []));
        }
        string[] times = [.. sent.All.Where(static line => line.StartsWith("agent,", StringComparison.Ordinal)).Select(static line => line[(line.LastIndexOf(' ') + 1)..])];
        Assert.Equal(["1769860806000000000", "1769860810000000000", "1769860810000000001", "1769860820000000000"], times);
    }

    [Fact]
    public void Each_line_is_counted_in_its_stage()
    {
        using SentLines sent = new();
        using (InfluxDbSink sink = LineCase.Create(default, sent))
        {
            for (int i = 0; i < 10; i++)
            {
                Transaction transaction = TestTransactions.Make(startNs: StartNs + (i / 2));
                sink.OnTransaction(in transaction);
            }
            sink.OnEvent(TestEvents.Kill(StartNs, "web-1"));
            sink.OnEvent(TestEvents.Kill(StartNs, "web-1"));
            sink.OnWindow(new RedWindow(StartNs, 10_000_000_000, []));
        }
        string[] lines = sent.All;
        Assert.Equal(lines.Length, lines.Select(static line => line[..line.IndexOf(' ')] + line[line.LastIndexOf(' ')..]).Distinct().Count());
        Assert.Equal((10, 2), (lines.Count(static line => line.StartsWith("traffic,", StringComparison.Ordinal)), lines.Count(static line => line.StartsWith("oomkill,", StringComparison.Ordinal))));
        // Of before the window, as it was when its lines were written.
        Assert.Contains(lines, static line => line.StartsWith("agent_ledger,nodename=node1,stage=influxdb_log,unit=transactions in=10i,out=0i,held=10i,dropped=0i ", StringComparison.Ordinal));
        Assert.Contains(lines, static line => line.StartsWith("agent_ledger,nodename=node1,stage=influxdb_events,unit=events in=2i,", StringComparison.Ordinal));
    }

    [Fact]
    public void A_request_of_a_known_workload_allocates_nothing()
    {
        TrafficLines lines = new("node1", ExportedUrl.Path);
        ArrayBufferWriter<byte> output = new(4096);
        Transaction transaction = TestTransactions.Make(target: "/items/1?q=\"x\"");
        // Until the times that are remembered take no more room.
        Write(lines, output, in transaction, TakenTimes.DefaultRemembered * 5);
        AllocationRounds rounds = new();
        while (rounds.Next())
        {
            Write(lines, output, in transaction, 1000);
        }
        Assert.Equal(0, rounds.Least);
    }

    [Fact]
    public void More_workloads_than_are_remembered_are_told_apart_all_the_same()
    {
        TagCache cache = new("n");
        for (int i = 0; i < TagCache.MaxEntries + 10; i++)
        {
            string name = $"w{i}";
            SeriesTags tags = cache.TrafficOf(new Workload(name, WorkloadSource.Process), "http", "server");
            Assert.Equal($"traffic,flow=ingress,nodename=n,type=http,workload={name}", System.Text.Encoding.UTF8.GetString(tags.Escaped));
            Assert.Equal($",peer_workload=\"{name}\"", System.Text.Encoding.UTF8.GetString(cache.PeerOf(new Workload(name, WorkloadSource.Process))));
        }
    }

    private static void Write(TrafficLines lines, ArrayBufferWriter<byte> output, in Transaction transaction, int count)
    {
        for (int i = 0; i < count; i++)
        {
            lines.Write(output, in transaction);
            output.ResetWrittenCount();
        }
    }
}
