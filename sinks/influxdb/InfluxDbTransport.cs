using System.IO.Compression;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>Writes batches of line protocol over HTTP.</summary>
/// <remarks>One connection, kept. Bodies are compressed. Redirects are not followed: credentials go to the server that was named.</remarks>
public sealed class InfluxDbTransport : IExportTransport
{
    // What a server says of a batch that it refused line by line may be long; what decides is counted in this much of it.
    private const int MaxAnswerBytes = 256 * 1024;
    private static readonly TimeSpan s_longestRetryAfter = TimeSpan.FromHours(1);

    private readonly InfluxDbServer _server;
    private readonly Uri _address;
    private readonly AuthenticationHeaderValue? _authorization;
    private readonly ProductInfoHeaderValue _agent;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly MemoryStream _compressed = new();
    private byte[] _answer = new byte[4096];

    /// <summary>Checks the settings; connects with the first batch.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="version">Product's version, for User-Agent.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="InfluxDbSinkException">The settings are no good.</exception>
    public InfluxDbTransport(InfluxDbServer server, string version, TimeProvider? time = null)
    {
        _server = server;
        _address = server.WriteAddress();
        _authorization = server.Authorization();
        _agent = new ProductInfoHeaderValue("kubebpfbox", version);
        _time = time ?? TimeProvider.System;
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = server.Timeout,
            MaxConnectionsPerServer = 1,
            // Now and then anew, so that a name that points elsewhere is followed.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        if (server.CaFile.Length > 0)
        {
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = TrustOnly(server.CaFile) };
        }
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
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
            int length = await ReadAnswerAsync(response, limit.Token).ConfigureAwait(false);
            return InfluxDbAnswer.Read(response.StatusCode, RetryAfterOf(response), _answer.AsSpan(0, length), batch.Items, _server);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new ExportResult(ExportStatus.Retry, $"no answer within {_server.Timeout.TotalSeconds:0.#} s");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new ExportResult(ExportStatus.Retry, Explain(e));
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
    public void Dispose()
    {
        _http.Dispose();
        _compressed.Dispose();
    }

    private HttpRequestMessage Request(ReadOnlySpan<byte> lines)
    {
        _compressed.SetLength(0);
        using (GZipStream gzip = new(_compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(lines);
        }
        ByteArrayContent content = new(_compressed.GetBuffer(), 0, (int)_compressed.Length);
        content.Headers.ContentType = new MediaTypeHeaderValue("text/plain", "utf-8");
        content.Headers.ContentEncoding.Add("gzip");
        HttpRequestMessage request = new(HttpMethod.Post, _address) { Content = content };
        request.Headers.Authorization = _authorization;
        request.Headers.UserAgent.Add(_agent);
        return request;
    }

    private async Task<int> ReadAnswerAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        Stream body = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        int length = 0;
        while (true)
        {
            if (length == _answer.Length)
            {
                if (length >= MaxAnswerBytes)
                {
                    return length;
                }
                Array.Resize(ref _answer, length * 2);
            }
            int read = await body.ReadAsync(_answer.AsMemory(length), cancel).ConfigureAwait(false);
            if (read == 0)
            {
                return length;
            }
            length += read;
        }
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage response)
    {
        RetryConditionHeaderValue? header = response.Headers.RetryAfter;
        TimeSpan? asked = header?.Delta ?? header?.Date - _time.GetUtcNow();
        return asked is not { } wait || wait <= TimeSpan.Zero ? null : wait < s_longestRetryAfter ? wait : s_longestRetryAfter;
    }

    private static string Explain(Exception e)
    {
        Exception cause = e.InnerException is AuthenticationException or IOException ? e.InnerException : e;
        string text = cause.Message.ReplaceLineEndings(" ");
        return cause is AuthenticationException ? $"{text}; name the server's authority in sinks.influxdb.ca_file" : text;
    }

    private static X509ChainPolicy TrustOnly(string path)
    {
        X509Certificate2Collection authorities = [];
        try
        {
            authorities.ImportFromPemFile(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InfluxDbSinkException($"sinks.influxdb.ca_file: {path}: {e.Message.ReplaceLineEndings(" ")}");
        }
        if (authorities.Count == 0)
        {
            throw new InfluxDbSinkException($"sinks.influxdb.ca_file: {path}: has no certificate; name a PEM file");
        }
        // Authorities of one's own publish no revocation lists; nothing is fetched from addresses that certificates name.
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }
}
