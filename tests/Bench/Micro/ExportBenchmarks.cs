using System.Buffers;
using System.Text;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Bench.Micro;

/// <summary>What an item costs the thread that parses, and what a batch costs the exporter's on its way to disk and back.</summary>
internal static class ExportBenchmarks
{
    private const int Items = 50_000;
    private const int Batches = 20;
    private const int BatchBytes = 1 << 20;

    private static readonly byte[] Line = Encoding.ASCII.GetBytes(
        "traffic,nodename=node1,namespace=shop,podname=web-7d4b9c6f5-x2x8q,servicename=web,workload=web,containername=server,type=http,flow=ingress " +
        "method=\"GET\",url=\"/api/v1/users/42/orders\",route=\"/api/v1/users/{id}/orders\",code=200i,duration=12.345,request_bytes=312i,response_bytes=4096i 1769860800000000000\n");

    public static IEnumerable<MicroBenchmark> All()
    {
        yield return Builder();
        byte[] payload = MakePayload();
        string directory = Directory.CreateTempSubdirectory("kubebpfbox-bench-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(directory, recursive: true);
        Spool spool = Spool.Open(directory, 256L << 20, static (_, _, _) => { }, static _ => { });
        ExportBatch batch = new(ExportKind.Log, BatchBytes / Line.Length, 0, payload);
        string file = Path.Combine(directory, "plain");
        yield return new MicroBenchmark("export: 1 MiB to a file, File.WriteAllBytes", Batches, () => Repeat(() => File.WriteAllBytes(file, payload)));
        yield return new MicroBenchmark("export: 1 MiB to the spool", Batches, () => Repeat(() => spool.TryAppend(batch, out _)));
        yield return new MicroBenchmark("export: 1 MiB to the spool and back", Batches, () => Repeat(() =>
        {
            _ = spool.TryAppend(batch, out _);
            _ = spool.TryTake(out _, out SpoolTicket ticket);
            Spool.Settle(ticket);
        }));
    }

    private static MicroBenchmark Builder()
    {
        Exporter exporter = new("bench", "lines", "lines", "lines", new NoServer(), new ExportOptions { MemoryBytes = 2 << 20 }, new Ledger(), new ExportLog(static _ => { }, static _ => { }));
        BatchBuilder builder = new(exporter, ExportKind.Log, BatchBytes, TimeSpan.FromSeconds(1));
        return new MicroBenchmark("export: one line into a batch, nobody sends", Items, () =>
        {
            for (int i = 0; i < Items; i++)
            {
                if (builder.TryBegin(out IBufferWriter<byte> writer))
                {
                    writer.Write(Line);
                    builder.End(i);
                }
            }
        });
    }

    private static byte[] MakePayload()
    {
        // Numbers differ from line to line, as they do in earnest.
        StringBuilder text = new(BatchBytes + 1024);
        Random random = new(1);
        string line = Encoding.ASCII.GetString(Line);
        while (text.Length < BatchBytes)
        {
            text.Append(line.Replace("12.345", $"{random.NextDouble() * 100:F3}", StringComparison.Ordinal).Replace("/42/", $"/{random.Next(100_000)}/", StringComparison.Ordinal));
        }
        return Encoding.ASCII.GetBytes(text.ToString(0, BatchBytes));
    }

    private static void Repeat(Action action)
    {
        for (int i = 0; i < Batches; i++)
        {
            action();
        }
    }

    /// <summary>Takes nothing.</summary>
    private sealed class NoServer : IExportTransport
    {
        public string Target => "nowhere";

        public Task<ExportResult> SendAsync(ExportBatch batch, CancellationToken cancel) => Task.FromResult(new ExportResult(ExportStatus.Retry));

        public bool TrySplit(ExportBatch batch, out ExportBatch first, out ExportBatch second)
        {
            first = second = batch;
            return false;
        }

        public void Dispose()
        {
        }
    }
}
