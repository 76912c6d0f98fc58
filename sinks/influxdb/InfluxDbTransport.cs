using System.Diagnostics.CodeAnalysis;
using System.Net.Http.Headers;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>Writes batches of line protocol over HTTP.</summary>
/// <remarks>Bodies are compressed. Connections: <see cref="ExportHttp.CreateHandler"/>.</remarks>
public sealed class InfluxDbTransport : IExportTransport
{
    // What a server says of a batch that it refused line by line may be long; what decides is counted in this much of it.
    private const int MaxAnswerBytes = 256 * 1024;

    private const int MaxHeadersKib = 4096;

    private readonly InfluxDbServer _server;
    private readonly Uri _address;
    private readonly AuthenticationHeaderValue? _authorization;
    private readonly ProductInfoHeaderValue _agent;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    /// <summary>Checks the settings; connects with the first batch.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="version">Product's version, for User-Agent.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="InfluxDbSinkException">The settings are no good.</exception>
    [SuppressMessage("Usage", "CA2262:Set MaxResponseHeadersLength properly", Justification = "It is meant in kilobytes.")]
    public InfluxDbTransport(InfluxDbServer server, string version, TimeProvider? time = null)
    {
        _server = server;
        _address = server.WriteAddress();
        _authorization = server.Authorization();
        _agent = new ProductInfoHeaderValue("kubebpfbox", version);
        _time = time ?? TimeProvider.System;
        try
        {
            SocketsHttpHandler handler = ExportHttp.CreateHandler(server.CaFile, server.Timeout);
            // 1.x says in a header, too, what it says in the body.
            handler.MaxResponseHeadersLength = MaxHeadersKib;
            _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        }
        catch (InvalidDataException e)
        {
            throw new InfluxDbSinkException($"sinks.influxdb.ca_file: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public string Target => _server.Description;

    /// <inheritdoc/>
    public async Task<ExportResult> SendAsync(ExportBatch batch, CancellationToken cancel)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_server.Timeout);
        try
        {
            using HttpRequestMessage request = Request(batch.Payload.Span);
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            byte[] body = await ExportHttp.ReadAsync(response.Content, MaxAnswerBytes, limit.Token).ConfigureAwait(false);
            return InfluxDbAnswer.Read(response.StatusCode, ExportHttp.RetryAfterOf(response, _time), body, batch.Items, _server);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new ExportResult(ExportStatus.Retry, $"no answer within {_server.Timeout.TotalSeconds:0.#} s");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new ExportResult(ExportStatus.Retry, ExportHttp.Explain(e, "sinks.influxdb.ca_file"));
        }
    }

    /// <inheritdoc/>
    /// <remarks>At a line's end near the middle: no text of ours has a line feed in it.</remarks>
    public bool TrySplit(ExportBatch batch, out ExportBatch first, out ExportBatch second)
    {
        ReadOnlySpan<byte> lines = batch.Payload.Span;
        int middle = lines.Length / 2;
        int end = lines[..middle].LastIndexOf((byte)'\n') + 1;
        end = end > 0 ? end : middle + lines[middle..].IndexOf((byte)'\n') + 1;
        first = second = batch;
        int items = lines[..end].Count((byte)'\n');
        if (items == 0 || end >= lines.Length)
        {
            return false;
        }
        first = batch with { Items = items, Payload = batch.Payload[..end] };
        second = batch with { Items = batch.Items - items, Payload = batch.Payload[end..] };
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(ReadOnlySpan<byte> lines)
    {
        // Not kept for the next request: one that was given up may still be read from.
        MemoryStream body = ExportHttp.Compress(lines);
        ByteArrayContent content = new(body.GetBuffer(), 0, (int)body.Length);
        content.Headers.ContentType = new MediaTypeHeaderValue("text/plain", "utf-8");
        content.Headers.ContentEncoding.Add("gzip");
        HttpRequestMessage request = new(HttpMethod.Post, _address) { Content = content };
        request.Headers.Authorization = _authorization;
        request.Headers.UserAgent.Add(_agent);
        return request;
    }
}
