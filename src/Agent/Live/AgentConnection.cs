using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using KubeBpfBox.Agent.Api;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Live;

/// <summary>How <c>observe</c> and <c>top</c> reach an agent, and how they tell what is wrong with it.</summary>
internal sealed class AgentConnection : IDisposable
{
    private readonly Uri _agent;
    private readonly HttpClient _http;

    /// <summary>Connects to nothing yet.</summary>
    /// <param name="agent">Scheme, host and port; a path is kept, for agents behind a proxy.</param>
    /// <param name="token">Bearer token; null for none.</param>
    public AgentConnection(Uri agent, string? token)
    {
        _agent = agent;
        // Proxies of the environment are for the outside world; an agent is reached directly.
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5), AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
        if (!string.IsNullOrEmpty(token))
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    /// <summary>Scheme, host and port, for messages.</summary>
    public string Agent => _agent.GetLeftPart(UriPartial.Authority);

    /// <summary>Asks; the answer's body is still to be read.</summary>
    /// <param name="pathAndQuery">Such as "/api/status".</param>
    /// <param name="accept">Media type.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="AgentException">The agent refuses, and will refuse again.</exception>
    /// <exception cref="HttpRequestException">It cannot be reached, or not now.</exception>
    public async Task<HttpResponseMessage> GetAsync(string pathAndQuery, string accept, CancellationToken stop)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(_agent.AbsoluteUri.TrimEnd('/') + pathAndQuery));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.OK)
        {
            return response;
        }
        using (response)
        {
            throw response.StatusCode switch
            {
                HttpStatusCode.BadRequest => new AgentException($"{Agent} refuses: {await ProblemAsync(response, stop).ConfigureAwait(false)}"),
                HttpStatusCode.ServiceUnavailable => new HttpRequestException("the agent is busy, has too many watchers or is stopping"),
                HttpStatusCode.Unauthorized => new AgentException($"{Agent} asks for a token; give it with --token (api.token of the agent, or the one it printed at its start)"),
                _ => new AgentException($"{Agent} answers {(int)response.StatusCode} to {pathAndQuery.Split('?')[0]}; is that a kubebpfbox agent of this version?"),
            };
        }
    }

    /// <summary>What to say when there is no agent from the start.</summary>
    public AgentException NoAnswer(string trouble) => new($"no agent answers at {Agent} ({trouble}); start one with: sudo kubebpfbox run, or name another with --server");

    /// <summary>True for what may be over at the next attempt.</summary>
    public static bool IsPassing(Exception e, CancellationToken stop) => e is HttpRequestException or IOException || (e is OperationCanceledException && !stop.IsCancellationRequested);

    /// <summary>The cause in a few words.</summary>
    public static string Reason(Exception e) => e.GetBaseException() is SocketException socket
        ? socket.SocketErrorCode == SocketError.ConnectionRefused ? "connection refused" : socket.Message
        : e is OperationCanceledException ? "timed out" : e.GetBaseException().Message;

    public void Dispose() => _http.Dispose();

    /// <summary>The API's {"error": …}, or the text as it is.</summary>
    private static async Task<string> ProblemAsync(HttpResponseMessage response, CancellationToken stop)
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync(stop).ConfigureAwait(false);
        try
        {
            return PrintableText.Decode(Encoding.UTF8.GetBytes(JsonSerializer.Deserialize(body, ApiJson.Default.ApiProblem)?.Error ?? string.Empty));
        }
        catch (JsonException)
        {
            return PrintableText.Decode(body.AsSpan(0, Math.Min(body.Length, 200)));
        }
    }
}
