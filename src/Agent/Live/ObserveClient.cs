using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Text;

namespace KubeBpfBox.Agent.Live;

/// <summary>Writes bytes; false when nobody reads any more.</summary>
internal delegate bool OutputWriter(ReadOnlySpan<byte> bytes);

/// <summary>Follows an agent's stream of transactions and prints each event as a line; comes back when the agent restarts.</summary>
internal sealed class ObserveClient : IDisposable
{
    private const int FirstPauseMs = 250;
    private const int MaxPauseMs = 10_000;

    private readonly Uri _url;
    private readonly OutputWriter _write;
    private readonly Action<string> _tell;
    private readonly HttpClient _http;
    private readonly ArrayBufferWriter<byte> _line = new(1024);

    /// <summary>Makes a client.</summary>
    /// <param name="url">The stream, with its query.</param>
    /// <param name="token">Bearer token; null for none.</param>
    /// <param name="write">Takes the lines.</param>
    /// <param name="tell">Takes messages for people.</param>
    public ObserveClient(Uri url, string? token, OutputWriter write, Action<string> tell)
    {
        _url = url;
        _write = write;
        _tell = tell;
        // Proxies of the environment are for the outside world; an agent is reached directly.
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5), AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
        if (!string.IsNullOrEmpty(token))
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    private string Agent => _url.GetLeftPart(UriPartial.Authority);

    /// <summary>Follows until it is cancelled or nobody reads the output.</summary>
    /// <returns>The process's exit code.</returns>
    /// <exception cref="AgentException">The first connection failed, or the agent refuses.</exception>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        bool wasConnected = false;
        int pauseMs = FirstPauseMs;
        try
        {
            while (true)
            {
                string trouble;
                try
                {
                    using HttpResponseMessage response = await ConnectAsync(stop).ConfigureAwait(false);
                    if (wasConnected)
                    {
                        _tell($"connected to {Agent} again");
                    }
                    wasConnected = true;
                    pauseMs = FirstPauseMs;
                    if (!await CopyAsync(response, stop).ConfigureAwait(false))
                    {
                        return ExitCode.Fine;
                    }
                    trouble = "the agent ended the stream";
                }
                catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException && !stop.IsCancellationRequested)
                {
                    trouble = Reason(e);
                }
                if (!wasConnected)
                {
                    throw new AgentException($"no agent answers at {Agent} ({trouble}); start one with: sudo kubebpfbox run, or name another with --server");
                }
                if (pauseMs == FirstPauseMs)
                {
                    _tell($"lost {Agent} ({trouble}); trying again until it is back");
                }
                await Task.Delay(pauseMs, stop).ConfigureAwait(false);
                pauseMs = Math.Min(MaxPauseMs, pauseMs * 2);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Fine;
        }
    }

    public void Dispose() => _http.Dispose();

    private static string Reason(Exception e) => e.GetBaseException() is SocketException socket
        ? socket.SocketErrorCode == SocketError.ConnectionRefused ? "connection refused" : socket.Message
        : e is OperationCanceledException ? "timed out" : e.GetBaseException().Message;

    private async Task<HttpResponseMessage> ConnectAsync(CancellationToken stop)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, _url);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.OK)
        {
            return response;
        }
        using (response)
        {
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                throw new HttpRequestException("the agent has too many watchers or is stopping");
            }
            throw new AgentException(response.StatusCode == HttpStatusCode.Unauthorized
                ? $"{Agent} asks for a token; give it with --token (api.token of the agent, or the one it printed at its start)"
                : $"{Agent} answers {(int)response.StatusCode} to {_url.AbsolutePath}; is that a kubebpfbox agent of this version?");
        }
    }

    /// <summary>Prints events; false when nobody reads any more.</summary>
    private async Task<bool> CopyAsync(HttpResponseMessage response, CancellationToken stop)
    {
        await using Stream stream = await response.Content.ReadAsStreamAsync(stop).ConfigureAwait(false);
        SseParser<bool> parser = SseParser.Create(stream, (type, data) => TakeEvent(type, data));
        await foreach (SseItem<bool> item in parser.EnumerateAsync(stop).ConfigureAwait(false))
        {
            if (!item.Data)
            {
                return false;
            }
        }
        return true;
    }

    private bool TakeEvent(string type, ReadOnlySpan<byte> data)
    {
        if (type == "missed")
        {
            _tell($"{Encoding.ASCII.GetString(data)} transactions were not shown: this reader is too slow");
            return true;
        }
        // One write a line: a reader such as head sees whole lines.
        _line.ResetWrittenCount();
        _line.Write(data);
        _line.Write("\n"u8);
        return _write(_line.WrittenSpan);
    }
}
