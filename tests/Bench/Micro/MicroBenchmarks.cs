using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KubeBpfBox.Bench.Micro;

/// <summary>Something small that is done many times.</summary>
/// <param name="Name">What one operation is.</param>
/// <param name="Operations">How many a round does.</param>
/// <param name="Round">Does them.</param>
internal sealed record MicroBenchmark(string Name, int Operations, Action Round);

/// <summary>The hot path, one part at a time.</summary>
internal static class MicroBenchmarks
{
    private const int Rounds = 15;

    /// <summary>The one list: a benchmark is added here.</summary>
    private static MicroBenchmark[] All() =>
    [
        .. StreamBenchmarks.All(),
        .. HttpBenchmarks.All(),
        .. RecordBenchmarks.All(),
        .. OtlpBenchmarks.All(),
        .. ExportBenchmarks.All(),
    ];

    public static void Run(CancellationToken stop)
    {
        Console.WriteLine();
        Console.WriteLine($"== micro, {RuntimeInformation.FrameworkDescription}, just in time compiled");
        Table table = new("operation", "ns/op median", "min", "bytes allocated/op");
        foreach (MicroBenchmark benchmark in All())
        {
            stop.ThrowIfCancellationRequested();
            WarmUp(benchmark);
            double[] ns = new double[Rounds];
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            for (int round = 0; round < Rounds; round++)
            {
                long started = Stopwatch.GetTimestamp();
                benchmark.Round();
                ns[round] = Stopwatch.GetElapsedTime(started).TotalNanoseconds / benchmark.Operations;
            }
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            table.Add(benchmark.Name, Figures.Median(ns).Text(1), ns.Min().Text(1), ((double)allocated / Rounds / benchmark.Operations).Text(2));
        }
        table.Print($"{Rounds} rounds");
    }

    /// <summary>Long enough for the compiler's second tier, which works in the background.</summary>
    private static void WarmUp(MicroBenchmark benchmark)
    {
        long started = Stopwatch.GetTimestamp();
        do
        {
            benchmark.Round();
        }
        while (Stopwatch.GetElapsedTime(started).TotalMilliseconds < 700);
    }
}
