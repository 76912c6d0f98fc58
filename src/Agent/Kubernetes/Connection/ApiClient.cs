using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;
using KubeBpfBox.Agent.Kubernetes.Objects;

namespace KubeBpfBox.Agent.Kubernetes.Connection;

/// <summary>Asks the API server, over one handler: with HTTP/2 one connection for all.</summary>
/// <remarks>Threads: any. Errors: <see cref="ApiException"/> for answers that are none; others as they come, for <see cref="Explain"/>.</remarks>
internal sealed class ApiClient(ApiServer server, KubernetesOptions options, TimeProvider time) : IDisposable
{
    private const int MaxErrorBytes = 16 * 1024;

    private readonly Lock _lock = new();
    private HttpMessageInvoker? _invoker;
    private ClientCertificate? _shown;

    /// <summary>Whom it asks.</summary>
    public ApiServer Server => server;

    /// <summary>Asks, and reads the whole answer.</summary>
    public async Task<T> ReadAsync<T>(string query, Func<Stream, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = new(options.RequestTimeout, time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        using HttpResponseMessage response = await GetAsync(query, both.Token).ConfigureAwait(false);
        Stream stream = await response.Content.ReadAsStreamAsync(both.Token).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            return await read(stream, both.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Asks. The answer is a success, and its body not yet read.</summary>
    /// <param name="query">Path and parameters, with a first slash.</param>
    /// <param name="cancellation">Ends waiting, also for the body.</param>
    public async Task<HttpResponseMessage> GetAsync(string query, CancellationToken cancellation)
    {
        bool isRetry = false;
        while (true)
        {
            string? authorization = await server.Credentials.AuthorizationAsync(cancellation).ConfigureAwait(false);
            HttpResponseMessage response = await SendAsync(query, authorization, cancellation).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }
            using (response)
            {
                if (response.StatusCode != HttpStatusCode.Unauthorized || isRetry || !await RenewAsync(authorization, cancellation).ConfigureAwait(false))
                {
                    throw await FailureAsync(response, cancellation).ConfigureAwait(false);
                }
            }
            isRetry = true;
        }
    }

    /// <summary>What went wrong, and what to do, in the user's words.</summary>
    public ApiException Explain(Exception e) => e switch
    {
        ApiException known => known,
        AgentException unusable => new ApiException(unusable.Message, "mend that; the agent tries again"),
        OperationCanceledException => new ApiException($"{server.Url} did not answer in time", "see whether the API server is well and reachable from this node"),
        JsonException json => new ApiException($"{server.Url} answered with something that is not understood: {ApiException.OneLine(json.Message)}", "see whether this is the address of an API server"),
        _ when Cause<AuthenticationException>(e) is { } tls => new ApiException(
            $"{server.Url} is not trusted: {ApiException.OneLine(tls.Message)}",
            server.Authority is { } authority ? $"see whether {authority.Where} is the authority that signed the API server's certificate" : $"give its certificate-authority in {server.Origin}"),
        _ when Cause<AgentException>(e) is { } unusable => Explain(unusable),
        _ when Cause<SocketException>(e) is { SocketErrorCode: not (SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown) } socket => new ApiException($"{server.Url} cannot be reached: {ApiException.OneLine(socket.Message)}", "see whether the API server runs and this node reaches it"),
        HttpRequestException or IOException or ObjectDisposedException => new ApiException($"{server.Url} broke the connection off: {ApiException.OneLine(e.GetBaseException().Message)}", "see whether the API server is well and reachable from this node"),
        _ => new ApiException($"{e.GetType().Name}: {ApiException.OneLine(e.Message)}", "report this as a fault of kubebpfbox"),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _invoker?.Dispose();
            _invoker = null;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(string query, string? authorization, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, server.Url.GetLeftPart(UriPartial.Path).TrimEnd('/') + query)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("kubebpfbox", ProductVersion.Version));
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }
        // Until the head of the answer; how long its body may take is the caller's concern.
        using CancellationTokenSource limit = new(options.RequestTimeout, time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await Invoker().SendAsync(request, both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new ApiException($"{server.Url} did not answer in time", "see whether the API server is well and reachable from this node");
        }
    }

    /// <summary>Something better to show after a 401. A certificate is shown once a connection, so a renewed one needs a new connection.</summary>
    private async ValueTask<bool> RenewAsync(string? authorization, CancellationToken cancellation)
    {
        bool isRenewed = await server.Credentials.RefusedAsync(authorization, cancellation).ConfigureAwait(false);
        if (server.Credentials.Certificate is null)
        {
            return isRenewed;
        }
        Dispose();
        return true;
    }

    private HttpMessageInvoker Invoker()
    {
        lock (_lock)
        {
            if (_invoker is not null && !Equals(_shown, server.Credentials.Certificate))
            {
                _invoker.Dispose();
                _invoker = null;
            }
            _shown = server.Credentials.Certificate;
            return _invoker ??= new HttpMessageInvoker(new SocketsHttpHandler
            {
                ConnectCallback = new Connector(server, options.KeepAliveInterval).ConnectAsync,
                ConnectTimeout = options.ConnectTimeout,
                UseProxy = false,
                UseCookies = false,
                // A redirect would carry the token to where nobody meant it to go.
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.GZip,
                KeepAlivePingDelay = options.KeepAliveInterval,
                KeepAlivePingTimeout = options.KeepAliveInterval,
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            });
        }
    }

    private static async Task<ApiException> FailureAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        TimeSpan retryAfter = response.Headers.RetryAfter?.Delta ?? TimeSpan.Zero;
        // Nobody is taken at their word for longer than this.
        retryAfter = retryAfter < TimeSpan.FromMinutes(5) ? retryAfter : TimeSpan.FromMinutes(5);
        string? message = response.ReasonPhrase;
        try
        {
            Stream stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                byte[] body = new byte[MaxErrorBytes];
                int length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
                message = JsonSerializer.Deserialize(body.AsSpan(0, length), KubernetesJson.Default.Status)?.Message ?? message;
            }
        }
        catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
        {
            // No Status then: the reason phrase says as much as there is.
        }
        return ApiException.FromStatus(response.StatusCode, message ?? response.StatusCode.ToString(), retryAfter);
    }

    private static T? Cause<T>(Exception e)
        where T : Exception
    {
        for (Exception? cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is T found)
            {
                return found;
            }
        }
        return null;
    }
}
