using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Sends requests of OTLP over gRPC or HTTP.</summary>
/// <remarks>
/// gRPC is spoken by HttpClient itself: HTTP/2 (without TLS from the first byte on), one message with a prefix of five bytes, the status in the trailers.
/// Source: OTLP specification 1.x; gRPC over HTTP/2, PROTOCOL-HTTP2.md.
/// </remarks>
public sealed class OtlpTransport : IExportTransport
{
    private const int MaxAnswerBytes = 64 * 1024;
    private const int PrefixBytes = 5;

    private readonly OtlpOptions _options;
    private readonly Uri[] _addresses;
    private readonly IReadOnlyList<KeyValuePair<string, string>> _headers;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly ProductInfoHeaderValue _agent;
    private bool _lacksSignal;

    /// <summary>Checks the settings; connects with the first request.</summary>
    /// <param name="options">Where to, and how.</param>
    /// <param name="version">Product's version, for User-Agent.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="OtlpException">The settings are no good.</exception>
    public OtlpTransport(OtlpOptions options, string version, TimeProvider? time = null)
    {
        _options = options;
        _addresses = Array.ConvertAll([ExportKind.Log, ExportKind.Events, ExportKind.Aggregates], kind => OtlpAddress.Of(options.Endpoint, options.Protocol, kind));
        _headers = OtlpAddress.Headers(options.Headers);
        _agent = new ProductInfoHeaderValue("kubebpfbox", version);
        _time = time ?? TimeProvider.System;
        try
        {
            _http = new HttpClient(ExportHttp.CreateHandler(options.CaFile, options.Timeout)) { Timeout = Timeout.InfiniteTimeSpan };
        }
        catch (InvalidDataException e)
        {
            throw new OtlpException($"sinks.otlp.ca_file: {e.Message}");
        }
    }

    private bool IsGrpc => _options.Protocol == OtlpProtocol.Grpc;

    /// <inheritdoc/>
    public string Target => _options.Endpoint.GetLeftPart(UriPartial.Path);

    /// <inheritdoc/>
    public async Task<ExportResult> SendAsync(ExportBatch batch, CancellationToken cancel)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_options.Timeout);
        try
        {
            using HttpRequestMessage request = Request(batch);
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            byte[] body = await ExportHttp.ReadAsync(response.Content, MaxAnswerBytes, limit.Token).ConfigureAwait(false);
            TimeSpan? retryAfter = ExportHttp.RetryAfterOf(response, _time);
            ExportResult result = IsGrpc ? GrpcAnswer.Read(response, body, retryAfter) : HttpAnswer.Read(response.StatusCode, body, response.Content.Headers.ContentType?.MediaType, retryAfter);
            _lacksSignal = IsGrpc ? GrpcAnswer.LacksService(response) : response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed;
            return result;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new ExportResult(ExportStatus.Retry, string.Create(CultureInfo.InvariantCulture, $"no answer within {_options.Timeout.TotalSeconds:0.#} s"));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new ExportResult(ExportStatus.Retry, ExportHttp.Explain(e, "sinks.otlp.ca_file") + Advice(e));
        }
    }

    /// <inheritdoc/>
    /// <remarks>Not where the receiver has no place for the signal at all: halves fare no better.</remarks>
    public bool TrySplit(ExportBatch batch, out ExportBatch first, out ExportBatch second)
    {
        first = second = batch;
        return !_lacksSignal && OtlpSplitter.TrySplit(batch, out first, out second);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(ExportBatch batch)
    {
        // Not kept for the next request: one that was given up may still be read from.
        MemoryStream body = Body(batch.Payload.Span);
        ByteArrayContent content = new(body.GetBuffer(), 0, (int)body.Length);
        HttpRequestMessage request = new(HttpMethod.Post, _addresses[(int)batch.Kind]) { Content = content };
        request.Headers.UserAgent.Add(_agent);
        foreach ((string name, string value) in _headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        if (IsGrpc)
        {
            request.Version = HttpVersion.Version20;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
            content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
            request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
            request.Headers.TryAddWithoutValidation("grpc-encoding", "gzip");
            request.Headers.TryAddWithoutValidation("grpc-timeout", string.Create(CultureInfo.InvariantCulture, $"{(long)_options.Timeout.TotalMilliseconds}m"));
        }
        else
        {
            request.Version = HttpVersion.Version20;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
            content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
            content.Headers.ContentEncoding.Add("gzip");
        }
        return request;
    }

    /// <summary>Every OTLP receiver understands gzip. gRPC says in the first byte of a message that it is compressed, then how long it is.</summary>
    private MemoryStream Body(ReadOnlySpan<byte> payload)
    {
        if (!IsGrpc)
        {
            return ExportHttp.Compress(payload);
        }
        MemoryStream body = ExportHttp.Compress(payload, [1, 0, 0, 0, 0]);
        BinaryPrimitives.WriteUInt32BigEndian(body.GetBuffer().AsSpan(1), (uint)(body.Length - PrefixBytes));
        return body;
    }

    private string Advice(Exception e) => e is HttpRequestException { HttpRequestError: HttpRequestError.HttpProtocolError or HttpRequestError.InvalidResponse or HttpRequestError.VersionNegotiationError or HttpRequestError.ResponseEnded }
        ? $"; does it speak {(IsGrpc ? "gRPC" : "HTTP")} at this port? check sinks.otlp.protocol"
        : string.Empty;
}
