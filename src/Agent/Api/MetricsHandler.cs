using System.IO.Compression;
using KubeBpfBox.Sinks.Prometheus;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace KubeBpfBox.Agent.Api;

/// <summary>/metrics: in the format and the coding that the scraper prefers, written out piece by piece.</summary>
/// <remarks>
/// A page takes some memory and time, and anybody may ask: <see cref="MaxPages"/> are written at a time, others wait, and a reader that is
/// too slow is cut off. Source: RFC 9110 sections 12.5.1 and 12.5.3.
/// </remarks>
internal sealed class MetricsHandler(PrometheusSink sink, TimeSpan? patience = null) : IDisposable
{
    /// <summary>Pages that are written at the same time.</summary>
    public const int MaxPages = 4;

    private readonly SemaphoreSlim _places = new(MaxPages);
    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(60);

    public async Task HandleAsync(HttpContext context)
    {
        ExpositionFormat format = Format(context.Request.Headers.Accept);
        bool isZipped = AcceptsGzip(context.Request.Headers.AcceptEncoding);
        context.Response.ContentType = format.ContentType();
        context.Response.Headers.Vary = "Accept, Accept-Encoding";
        if (isZipped)
        {
            context.Response.Headers.ContentEncoding = "gzip";
        }
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        stop.CancelAfter(_patience);
        try
        {
            await _places.WaitAsync(stop.Token).ConfigureAwait(false);
            try
            {
                await WriteAsync(context, format, isZipped, stop.Token).ConfigureAwait(false);
            }
            finally
            {
                _places.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // Half a page must not look like a whole one.
            context.Abort();
        }
    }

    public void Dispose() => _places.Dispose();

    /// <summary>OpenMetrics for those who name it and like it no less than the text format, which is for all others.</summary>
    internal static ExpositionFormat Format(StringValues accept)
    {
        double open = 0, text = 0;
        if (MediaTypeHeaderValue.TryParseList(accept, out IList<MediaTypeHeaderValue>? ranges))
        {
            foreach (MediaTypeHeaderValue range in ranges)
            {
                string? version = range.Parameters.FirstOrDefault(static one => one.Name.Equals("version", StringComparison.OrdinalIgnoreCase))?.GetUnescapedValue().Value;
                double quality = range.Quality ?? 1;
                if (range.MediaType.Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase) && version is null or "1.0.0")
                {
                    open = Math.Max(open, quality);
                }
                else if (range.MediaType.Equals("text/plain", StringComparison.OrdinalIgnoreCase) && version is null or "0.0.4")
                {
                    text = Math.Max(text, quality);
                }
            }
        }
        return open > 0 && open >= text ? ExpositionFormat.OpenMetrics : ExpositionFormat.Text;
    }

    internal static bool AcceptsGzip(StringValues accept)
    {
        if (!StringWithQualityHeaderValue.TryParseList(accept, out IList<StringWithQualityHeaderValue>? codings))
        {
            return false;
        }
        StringWithQualityHeaderValue? named = codings.FirstOrDefault(static one => one.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase))
            ?? codings.FirstOrDefault(static one => one.Value == "*");
        return named is not null && (named.Quality ?? 1) > 0;
    }

    private async Task WriteAsync(HttpContext context, ExpositionFormat format, bool isZipped, CancellationToken stop)
    {
        if (!isZipped)
        {
            await sink.WriteAsync(context.Response.Body, format, stop).ConfigureAwait(false);
            return;
        }
        GZipStream zipped = new(context.Response.Body, CompressionLevel.Fastest, leaveOpen: true);
        await using (zipped.ConfigureAwait(false))
        {
            await sink.WriteAsync(zipped, format, stop).ConfigureAwait(false);
        }
    }
}
