using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Sinks.Prometheus;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Scrape;

/// <summary>What a page for Prometheus costs when there are many series: time, the pause it makes for the thread that parses, memory.</summary>
internal static class ScrapeBenchmark
{
    private const int Rounds = 15;
    private const int RequestsPerSeries = 40;

    public static void Run(int seriesCount, CancellationToken stop)
    {
        RedTable red = new(seriesCount);
        Fill(red, seriesCount);
        PrometheusSink sink = new(new PrometheusSources { Red = red, Ledger = new Ledger(), Health = () => AgentHealth.Read(1, red.SeriesCount, "bench") });
        Console.WriteLine();
        Console.WriteLine($"== scrape, {red.SeriesCount.ToString("N0", CultureInfo.InvariantCulture)} series");
        Table table = new("page", "MiB", "on the wire", "ms median", "CPU ms", "MiB/s", "times memcpy", "longest hold us median", "worst", "KiB allocated", "resident +MiB");
        Measure(table, "text", sink, ExpositionFormat.Text, isZipped: false, stop);
        Measure(table, "OpenMetrics", sink, ExpositionFormat.OpenMetrics, isZipped: false, stop);
        Measure(table, "OpenMetrics, gzip", sink, ExpositionFormat.OpenMetrics, isZipped: true, stop);
        MeasureSlices(red, stop);
        table.Print($"median of {Rounds} pages; memcpy: the same bytes in pieces of 32 KiB; longest hold: of the table's gate in one page");
    }

    private static void Measure(Table table, string name, PrometheusSink sink, ExpositionFormat format, bool isZipped, CancellationToken stop)
    {
        List<double> ms = [], cpuMs = [], allocated = [], holdUs = [];
        (long bytes, long wire) = Write(sink, format, isZipped, stop);
        Write(sink, format, isZipped, stop);
        GC.Collect();
        long residentBefore = ResidentKib(), peak = 0;
        for (int round = 0; round < Rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            long allocatedBefore = GC.GetTotalAllocatedBytes(precise: true);
            TimeSpan cpuBefore = Environment.CpuUsage.TotalTime;
            long started = Stopwatch.GetTimestamp();
            Write(sink, format, isZipped, stop);
            ms.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            cpuMs.Add((Environment.CpuUsage.TotalTime - cpuBefore).TotalMilliseconds);
            allocated.Add(GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore);
            peak = Math.Max(peak, ResidentKib());
            holdUs.Add(LongestHold(sink) * 1e6);
        }
        double mib = bytes / 1048576.0, perSecond = mib / Figures.Median(ms) * 1000;
        table.Add(name, mib.Text(1), (wire / 1048576.0).Text(1), Figures.Median(ms).Text(1), Figures.Median(cpuMs).Text(1), perSecond.Text(0),
            (Figures.Median(ms) / CopyMs(bytes)).Text(1), Figures.Median(holdUs).Text(0), holdUs.Max().Text(0), (Figures.Median(allocated) / 1024).Text(1), ((peak - residentBefore) / 1024.0).Text(1));
    }

    /// <summary>What the thread that parses may have to wait for, without what the scheduler adds on a busy machine: the median does not see it.</summary>
    private static void MeasureSlices(RedTable red, CancellationToken stop)
    {
        RedReader reader = new(red, new DurationBounds(500_000, 1_000_000, 5_000_000, 10_000_000, 50_000_000, 100_000_000, 500_000_000, 1_000_000_000, 5_000_000_000, 10_000_000_000));
        List<double> us = [];
        for (int round = 0; round < Rounds * 2; round++)
        {
            stop.ThrowIfCancellationRequested();
            reader.Begin();
            long started = Stopwatch.GetTimestamp();
            while (reader.TryReadSlice(static _ => true))
            {
                us.Add(Stopwatch.GetElapsedTime(started).TotalMicroseconds);
                started = Stopwatch.GetTimestamp();
            }
        }
        us.Sort();
        Console.WriteLine($"a slice of {RedReader.SliceLength} series: median {us[us.Count / 2].Text(0)} us, 90th percentile {us[us.Count * 9 / 10].Text(0)} us, of {us.Count} slices");
    }

    private static (long Bytes, long Wire) Write(PrometheusSink sink, ExpositionFormat format, bool isZipped, CancellationToken stop)
    {
        CountingStream wire = new();
        if (!isZipped)
        {
            sink.WriteAsync(wire, format, stop).GetAwaiter().GetResult();
            return (wire.Length, wire.Length);
        }
        CountingStream plain = new(new GZipStream(wire, CompressionLevel.Fastest));
        sink.WriteAsync(plain, format, stop).GetAwaiter().GetResult();
        plain.Dispose();
        return (plain.Length, wire.Length);
    }

    /// <summary>The page says it of the one before.</summary>
    private static double LongestHold(PrometheusSink sink)
    {
        CountingStream page = new(tailBytes: 128 * 1024);
        sink.WriteAsync(page, ExpositionFormat.Text, CancellationToken.None).GetAwaiter().GetResult();
        const string Name = "\nkubebpfbox_scrape_longest_hold_seconds ";
        string text = Encoding.UTF8.GetString(page.Tail);
        int at = text.IndexOf(Name, StringComparison.Ordinal) + Name.Length;
        return double.Parse(text.AsSpan(at, text.IndexOf('\n', at) - at), CultureInfo.InvariantCulture);
    }

    private static double CopyMs(long bytes)
    {
        byte[] from = new byte[32 * 1024], to = new byte[64 * 1024 * 1024];
        List<double> ms = [];
        for (int round = 0; round < Rounds; round++)
        {
            long started = Stopwatch.GetTimestamp();
            for (long at = 0; at < bytes; at += from.Length)
            {
                from.CopyTo(to, at % (to.Length - from.Length));
            }
            ms.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        return Figures.Median(ms);
    }

    private static long ResidentKib() => ProcFiles.StatusKib(Environment.ProcessId, "VmRSS");

    /// <summary>As in a cluster: pods with long names, routes, statuses, durations over three decades, some requests with a trace.</summary>
    private static void Fill(RedTable red, int count)
    {
        Random random = new(1);
        Span<byte> buffer = stackalloc byte[TraceContext.AttributesLength];
        red.Enter();
        for (int i = 0; i < count; i++)
        {
            Connection connection = Connection.Create(Endpoint.From([10, 0, 0, 1], 80), Endpoint.From([10, 0, 0, 2], 40_000), isLocalSocket: true);
            connection.Workload = new Workload($"checkout-{i / 20 % 50}", WorkloadSource.Cgroup)
            {
                Kind = "Deployment", Namespace = $"team-{i / 1000}", Pod = $"checkout-{i / 20 % 50}-6d4cf56db6-{i / 20:x5}", Container = "server", Service = $"checkout-{i / 20 % 50}",
            };
            byte[] target = Encoding.ASCII.GetBytes($"/api/v1/resource{i % 10}/items");
            for (int request = 0; request < RequestsPerSeries; request++)
            {
                AttributeWriter attributes = new(buffer);
                if (request % 10 == 0)
                {
                    new TraceContext((UInt128)random.NextInt64() + 1, 1, IsSampled: true).AddTo(ref attributes);
                }
                red.OnTransaction(new Transaction
                {
                    Connection = connection, Protocol = "http", ClientSide = i % 4 == 0 ? Side.A : Side.B, StartNs = 1_700_000_000_000_000_000 + (request * 2_000_000_000L),
                    DurationNs = (long)(500_000 * Math.Pow(1000, random.NextDouble())), Method = "GET"u8, Target = target, Status = i % 20 < 10 ? 200 : 404,
                    RequestBytes = 390, ResponseBytes = 850, Attributes = attributes.Written,
                });
            }
        }
        red.Exit();
    }

    /// <summary>Counts what passes, and passes it on if there is somewhere to.</summary>
    private sealed class CountingStream(Stream? next = null, int tailBytes = 0) : Stream
    {
        private readonly byte[] _tail = new byte[tailBytes];
        private int _tailLength;
        private long _length;

        /// <summary>What was written last, at once.</summary>
        public ReadOnlySpan<byte> Tail => _tail.AsSpan(0, _tailLength);

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _length;

        public override long Position
        {
            get => _length;
            set => throw new NotSupportedException();
        }

        public override void Flush() => next?.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _length += buffer.Length;
            _tailLength = Math.Min(buffer.Length, _tail.Length);
            buffer[^_tailLength..].CopyTo(_tail);
            next?.Write(buffer);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                next?.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
