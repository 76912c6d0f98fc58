using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace KubeBpfBox.Demo.Services;

/// <summary>Asks other services over kept-alive connections, to one replica after the other, and passes the trace on.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class Peers : IDisposable
{
    private static readonly AsyncLocal<string?> s_traceId = new();

    private readonly IReadOnlyList<string> _ownAddresses;
    private readonly HttpClient _http;
    private int _next;

    /// <param name="ownAddresses">Addresses to ask from, one by chance for each connection; none for the machine's choice.</param>
    public Peers(params IReadOnlyList<string> ownAddresses)
    {
        _ownAddresses = ownAddresses;
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            ConnectCallback = ConnectAsync,
            // Short enough that replicas are balanced and that there are always some new connections to see.
            PooledConnectionLifetime = TimeSpan.FromSeconds(20),
            MaxConnectionsPerServer = 64,
        });
    }

    /// <summary>Takes over the trace of a request that came in; begins one when it has none.</summary>
    public static void Continue(string? traceparent) => s_traceId.Value = traceparent is { Length: 55 } ? traceparent[3..35] : RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>Asks.</summary>
    /// <returns>The status; 0 when there was none: reset, refused or too late.</returns>
    public async Task<int> SendAsync(HttpMethod method, string url, object? body = null, double timeoutSeconds = 10, Action<HttpRequestMessage>? change = null, CancellationToken stop = default)
    {
        using HttpRequestMessage request = new(method, url);
        request.Headers.Add("traceparent", $"00-{s_traceId.Value ?? RandomNumberGenerator.GetHexString(32, lowercase: true)}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}-01");
        if (body is not null)
        {
            request.Content = JsonContent.Create(body);
        }
        change?.Invoke(request);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(TimeSpan.FromSeconds(timeoutSeconds));
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, patience.Token);
            return (int)response.StatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            return 0;
        }
    }

    public Task<int> GetAsync(string url, double timeoutSeconds = 10, CancellationToken stop = default) => SendAsync(HttpMethod.Get, url, null, timeoutSeconds, null, stop);

    public void Dispose() => _http.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken stop)
    {
        IReadOnlyList<string> addresses = Shop.AddressesOf(context.DnsEndPoint.Host);
        string address = addresses[(int)((uint)Interlocked.Increment(ref _next) % addresses.Count)];
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (_ownAddresses.Count > 0)
            {
                socket.Bind(new IPEndPoint(IPAddress.Parse(_ownAddresses[Random.Shared.Next(_ownAddresses.Count)]), 0));
            }
            await socket.ConnectAsync(IPAddress.Parse(address), context.DnsEndPoint.Port, stop);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
