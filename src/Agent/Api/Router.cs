using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Agent.Api;

/// <summary>Decides who may ask, and which handler answers.</summary>
internal sealed class Router
{
    private readonly ListenAddress _listen;
    private readonly TokenGate? _gate;
    private readonly Dictionary<string, RequestDelegate> _open;
    private readonly Dictionary<string, RequestDelegate> _guarded;

    public Router(ListenAddress listen, string token, ApiSources sources, CancellationToken stopping)
    {
        _listen = listen;
        _gate = listen.IsLoopback ? null : new TokenGate(token);
        StatusHandlers status = new(sources);
        TransactionStream stream = new(sources, stopping);
        TransactionSearch search = new(sources);
        _open = new Dictionary<string, RequestDelegate>(StringComparer.Ordinal)
        {
            ["/healthz"] = context => StatusHandlers.HealthAsync(context, sources.Sickness()),
            ["/readyz"] = context => StatusHandlers.HealthAsync(context, sources.Sickness() ?? sources.Unreadiness(), sources.Degraded()),
        };
        if (sources.Metrics is not null)
        {
            _open["/metrics"] = new MetricsHandler(sources.Metrics).HandleAsync;
        }
        _guarded = new Dictionary<string, RequestDelegate>(StringComparer.Ordinal)
        {
            ["/api/status"] = status.StatusAsync,
            ["/api/ledger"] = status.LedgerAsync,
            ["/api/red"] = new RedHandler(sources.Red).HandleAsync,
            ["/api/events"] = new EventSearch(sources.Events).HandleAsync,
            ["/api/transactions"] = search.HandleAsync,
            ["/api/transactions/stream"] = stream.HandleAsync,
        };
    }

    /// <summary>Answers one request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.CacheControl = "no-store";
        // A connection from within (kubectl exec, a probe of the same pod) reached loopback, even where more is listened on.
        bool isLocal = context.Connection.LocalIpAddress is { } local && IPAddress.IsLoopback(local.IsIPv4MappedToIPv6 ? local.MapToIPv4() : local);
        if (isLocal && !_listen.AcceptsHost(context.Request.Host.Host))
        {
            await ProblemAsync(context, StatusCodes.Status421MisdirectedRequest, "this Host is not served here; ask for localhost or 127.0.0.1").ConfigureAwait(false);
            return;
        }
        string path = context.Request.Path.Value ?? "/";
        bool isOpen = _open.TryGetValue(path, out RequestDelegate? handler);
        // Whoever has no token learns nothing, not even which paths exist.
        if (!isOpen && !isLocal && _gate is not null && !_gate.Admits(context.Request.Headers.Authorization))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await ProblemAsync(context, StatusCodes.Status401Unauthorized, "a bearer token is needed: api.token, or the one that the agent printed at its start").ConfigureAwait(false);
            return;
        }
        if (!isOpen && !_guarded.TryGetValue(path, out handler))
        {
            await ProblemAsync(context, StatusCodes.Status404NotFound, "no such page").ConfigureAwait(false);
            return;
        }
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD";
            await ProblemAsync(context, StatusCodes.Status405MethodNotAllowed, "only GET is answered").ConfigureAwait(false);
            return;
        }
        await AnswerAsync(context, handler!).ConfigureAwait(false);
    }

    /// <summary>Answers with a status and {"error": …}.</summary>
    public static Task ProblemAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return StatusHandlers.WriteAsync(context, new ApiProblem(message), ApiJson.Default.ApiProblem);
    }

    private static async Task AnswerAsync(HttpContext context, RequestDelegate handler)
    {
        try
        {
            await handler(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client went away.
        }
        catch (SqliteException e) when (!context.Response.HasStarted)
        {
            await ProblemAsync(context, StatusCodes.Status503ServiceUnavailable, $"the stored log cannot be read: {e.Message}").ConfigureAwait(false);
        }
    }
}
