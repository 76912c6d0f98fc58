using System.Diagnostics;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>Writes the page that Prometheus scrapes.</summary>
/// <remarks>
/// Any thread may call, and several at once; each page needs some 100 KiB, and 40 bytes a series, whatever its own length. Names follow
/// OpenTelemetry's conventions in Prometheus' spelling.
/// </remarks>
public sealed class PrometheusSink(PrometheusSources sources)
{
    // One page's memory is kept: scrapes seldom overlap.
    private ScrapePage? _idle;
    private ScrapeCost? _last;

    /// <summary>Writes the whole page, in pieces.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="format">How it is spelt.</param>
    /// <param name="stop">Ends it early, in the middle.</param>
    public async Task WriteAsync(Stream output, ExpositionFormat format, CancellationToken stop)
    {
        long started = Stopwatch.GetTimestamp();
        ScrapePage page = Interlocked.Exchange(ref _idle, null) ?? new ScrapePage(sources);
        TimeSpan longestHold = await page.WriteAsync(output, format, Volatile.Read(ref _last), stop).ConfigureAwait(false);
        // What threw is not used again: it stands anywhere.
        Volatile.Write(ref _idle, page);
        Volatile.Write(ref _last, new ScrapeCost(Stopwatch.GetElapsedTime(started), longestHold));
    }
}

/// <summary>What a page cost.</summary>
/// <param name="Duration">From the first to the last byte.</param>
/// <param name="LongestHold">The longest time that it kept the thread that parses from counting.</param>
internal sealed record ScrapeCost(TimeSpan Duration, TimeSpan LongestHold);
