using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Agent.Api;

/// <summary>Decides who may ask, and who answers.</summary>
internal sealed class Router
{
    private readonly ListenAddress _listen;
    private readonly TokenGate? _gate;
    private readonly Dictionary<string, Operation> _operations;
    private readonly PageFiles _page;

    public Router(ListenAddress listen, string token, ApiSources sources, CancellationToken stopping)
    {
        _listen = listen;
        _gate = listen.IsLoopback ? null : new TokenGate(token);
        _operations = Operations.All(sources, stopping).ToDictionary(static operation => operation.Path, StringComparer.Ordinal);
        _page = sources.Page;
    }

    /// <summary>Answers one request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        SetHeaders(context.Response.Headers);
        // A connection from within (kubectl exec, a probe of the same pod) reached loopback, even where more is listened on.
        bool isLocal = context.Connection.LocalIpAddress is { } local && IPAddress.IsLoopback(local.IsIPv4MappedToIPv6 ? local.MapToIPv4() : local);
        if (isLocal && !_listen.AcceptsHost(context.Request.Host.Host))
        {
            await ProblemAsync(context, StatusCodes.Status421MisdirectedRequest, "this Host is not served here; ask for localhost or 127.0.0.1").ConfigureAwait(false);
            return;
        }
        string path = context.Request.Path.Value ?? "/";
        _operations.TryGetValue(path, out Operation? operation);
        RequestDelegate? handler = operation is null ? _page.Find(path) : operation.Handler;
        bool isOpen = operation?.IsOpen ?? handler is not null;
        if (!isOpen && IsForeign(context.Request.Headers["Sec-Fetch-Site"]))
        {
            await ProblemAsync(context, StatusCodes.Status403Forbidden, "pages of other sites may not ask here; open the agent's own page, or ask without a browser").ConfigureAwait(false);
            return;
        }
        // Whoever has no token learns nothing, not even which paths exist.
        if (!isOpen && !isLocal && _gate is not null && !_gate.Admits(context.Request.Headers.Authorization))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await ProblemAsync(context, StatusCodes.Status401Unauthorized, "a bearer token is needed: api.token, or the one that the agent printed at its start").ConfigureAwait(false);
            return;
        }
        if (handler is null)
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
        if (operation?.ProblemWith(context.Request.Query) is { } problem)
        {
            await ProblemAsync(context, StatusCodes.Status400BadRequest, problem).ConfigureAwait(false);
            return;
        }
        await AnswerAsync(context, handler).ConfigureAwait(false);
    }

    /// <summary>Answers with a status and {"error": …}.</summary>
    public static Task ProblemAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return StatusHandlers.WriteAsync(context, new ApiProblem(message), ApiJson.Default.ApiProblem);
    }

    /// <summary>Answers are for who asked, and no page of another site may frame, embed or learn of them.</summary>
    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    /// <summary>Whether a browser says that another site's page asks. Source: W3C Fetch Metadata Request Headers; "none" is a person who typed the address.</summary>
    private static bool IsForeign(string? site) => site is not (null or "" or "same-origin" or "none");

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
