using System.Buffers;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>Memory to write one page with, again and again; one page at a time.</summary>
/// <remarks>
/// A family must stand in one piece, and there are eight of series. So the series are walked twice, for the histograms of servers and those of
/// clients, and of each only its three counters are kept for the families that follow.
/// </remarks>
internal sealed class ScrapePage(PrometheusSources sources)
{
    /// <summary>From so many bytes on they are passed on; the longest series adds less than as many.</summary>
    private const int FlushBytes = 32 * 1024;

    private readonly ExpositionBuffer _buffer = new(2 * FlushBytes);
    private readonly RedReader _reader = new(sources.Red, HttpDurations.Bounds);
    private readonly RedFamilies _red = new();
    private SeriesCounts[] _counts = [];
    private int _countsLength;

    /// <summary>Writes the page.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="format">How it is spelt.</param>
    /// <param name="last">What the page before cost; null when there was none.</param>
    /// <param name="stop">Ends it early.</param>
    /// <returns>The longest time that the table's gate was held.</returns>
    public async Task<TimeSpan> WriteAsync(Stream output, ExpositionFormat format, ScrapeCost? last, CancellationToken stop)
    {
        _buffer.Clear();
        AgentHealth health = sources.Health();
        WriteStart(format, health);
        TimeSpan servers = await WriteHistogramsAsync(output, format, isClient: false, stop).ConfigureAwait(false);
        await WriteCountersAsync(output, format, isClient: false, stop).ConfigureAwait(false);
        TimeSpan clients = await WriteHistogramsAsync(output, format, isClient: true, stop).ConfigureAwait(false);
        await WriteCountersAsync(output, format, isClient: true, stop).ConfigureAwait(false);
        GiveBackCounts();
        WriteEnd(format, health, last);
        await output.WriteAsync(_buffer.Written, stop).ConfigureAwait(false);
        return servers > clients ? servers : clients;
    }

    private void WriteStart(ExpositionFormat format, AgentHealth health)
    {
        ExpositionWriter writer = new(_buffer, format);
        AgentFamilies.WriteTarget(ref writer, sources, health);
    }

    private void WriteEnd(ExpositionFormat format, AgentHealth health, ScrapeCost? last)
    {
        ExpositionWriter writer = new(_buffer, format);
        RedTable red = sources.Red;
        writer.Single(MetricType.Gauge, "kubebpfbox_red_series"u8, "Series of rate, errors and duration in use."u8, red.SeriesCount);
        writer.Single(MetricType.Gauge, "kubebpfbox_red_series_limit"u8, "Most series that are kept: red.max_series."u8, red.MaxSeries);
        writer.Single(MetricType.Counter, "kubebpfbox_red_evicted_series"u8, "Series that left because they were idle and others needed room, or their pod was deleted."u8, red.EvictedSeries.Value);
        writer.Single(MetricType.Counter, "kubebpfbox_red_overflow_requests"u8, "Requests counted in the overflow series because red.max_series was reached."u8, red.OverflowTransactions.Value);
        EventFamilies.Write(ref writer, sources.Events(), sources.Listeners());
        LedgerFamilies.Write(ref writer, sources.Ledger);
        AgentFamilies.WriteHealth(ref writer, sources, health);
        ProcessFamilies.Write(ref writer, health);
        if (last is not null)
        {
            writer.Single(MetricType.Gauge, "kubebpfbox_scrape_duration_seconds"u8, "How long it took to write the page before this one, its reader's slowness included."u8, last.Duration.TotalSeconds, "seconds"u8);
            writer.Single(MetricType.Gauge, "kubebpfbox_scrape_longest_hold_seconds"u8, "The longest time that the page before this one kept requests from being counted."u8, last.LongestHold.TotalSeconds, "seconds"u8);
        }
        writer.End();
    }

    private async Task<TimeSpan> WriteHistogramsAsync(Stream output, ExpositionFormat format, bool isClient, CancellationToken stop)
    {
        WriteFamily(format, MetricType.Histogram, isClient ? Names.ClientDuration : Names.ServerDuration,
            isClient ? "Duration of requests by local clients, from the request's first byte to the response's last." : "Duration of requests to local servers, from the request's first byte to the response's last.", "seconds");
        _reader.Begin();
        RentCounts(_reader.Listed);
        while (_reader.TryReadSlice(isClient ? static series => series.Role == "client" : static series => series.Role != "client"))
        {
            for (int i = 0; i < _reader.Slice.Length; i++)
            {
                Write(_reader.Slice[i], format, isClient);
                await FlushIfDueAsync(output, stop).ConfigureAwait(false);
            }
        }
        return _reader.LongestHold;
    }

    private void Write(RedReading reading, ExpositionFormat format, bool isClient)
    {
        _counts[_countsLength++] = new SeriesCounts(reading.Series, reading.Count, reading.RequestBytes, reading.ResponseBytes);
        if (reading.DurationCount > 0)
        {
            _red.WriteHistogram(_buffer, format, isClient ? Names.ClientDuration : Names.ServerDuration, reading);
        }
    }

    private async Task WriteCountersAsync(Stream output, ExpositionFormat format, bool isClient, CancellationToken stop)
    {
        // The histogram counts what has a duration; requests that were never answered have none.
        await WriteCounterAsync(output, format, isClient ? Names.ClientRequests : Names.ServerRequests,
            isClient ? "Requests by local clients, unanswered ones included." : "Requests to local servers, unanswered ones included.", string.Empty, static one => one.Count, stop).ConfigureAwait(false);
        await WriteCounterAsync(output, format, isClient ? Names.ClientRequestSize : Names.ServerRequestSize,
            isClient ? "Bytes of requests by local clients, heads and framing included." : "Bytes of requests to local servers, heads and framing included.", "bytes", static one => one.RequestBytes, stop).ConfigureAwait(false);
        await WriteCounterAsync(output, format, isClient ? Names.ClientResponseSize : Names.ServerResponseSize,
            isClient ? "Bytes of responses to local clients, heads and framing included." : "Bytes of responses of local servers, heads and framing included.", "bytes", static one => one.ResponseBytes, stop).ConfigureAwait(false);
    }

    private async Task WriteCounterAsync(Stream output, ExpositionFormat format, byte[] name, string help, string unit, Func<SeriesCounts, long> value, CancellationToken stop)
    {
        WriteFamily(format, MetricType.Counter, name, help, unit);
        for (int i = 0; i < _countsLength; i++)
        {
            _red.WriteCounter(_buffer, name, _counts[i].Series, value(_counts[i]));
            await FlushIfDueAsync(output, stop).ConfigureAwait(false);
        }
    }

    private void WriteFamily(ExpositionFormat format, MetricType type, byte[] name, string help, string unit) =>
        new ExpositionWriter(_buffer, format).Family(type, name, System.Text.Encoding.ASCII.GetBytes(help), System.Text.Encoding.ASCII.GetBytes(unit));

    private async ValueTask FlushIfDueAsync(Stream output, CancellationToken stop)
    {
        if (_buffer.Length >= FlushBytes)
        {
            await output.WriteAsync(_buffer.Written, stop).ConfigureAwait(false);
            _buffer.Clear();
        }
    }

    private void RentCounts(int length)
    {
        _countsLength = 0;
        if (_counts.Length < length)
        {
            GiveBackCounts();
            _counts = ArrayPool<SeriesCounts>.Shared.Rent(length);
        }
    }

    private void GiveBackCounts()
    {
        if (_counts.Length > 0)
        {
            ArrayPool<SeriesCounts>.Shared.Return(_counts, clearArray: true);
        }
        _counts = [];
        _countsLength = 0;
    }

    private readonly record struct SeriesCounts(RedSeries Series, long Count, long RequestBytes, long ResponseBytes);

    private static class Names
    {
        public static readonly byte[] ServerDuration = "http_server_request_duration_seconds"u8.ToArray();
        public static readonly byte[] ClientDuration = "http_client_request_duration_seconds"u8.ToArray();
        public static readonly byte[] ServerRequests = "http_server_requests"u8.ToArray();
        public static readonly byte[] ClientRequests = "http_client_requests"u8.ToArray();
        public static readonly byte[] ServerRequestSize = "http_server_request_size_bytes"u8.ToArray();
        public static readonly byte[] ClientRequestSize = "http_client_request_size_bytes"u8.ToArray();
        public static readonly byte[] ServerResponseSize = "http_server_response_size_bytes"u8.ToArray();
        public static readonly byte[] ClientResponseSize = "http_client_response_size_bytes"u8.ToArray();
    }
}
