using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace KubeBpfBox.Unit.Kubernetes;

/// <summary>Lists and watches as an API server does, over real HTTP on loopback; with faults on demand.</summary>
internal sealed class FakeApiServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, FakeCollection> _collections = new();
    private CancellationTokenSource _stopping = new();
    private WebApplication? _app;
    private int _port;

    /// <summary>Paths, with their queries, in the order asked.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Versions of HTTP, certificates and names that were shown.</summary>
    public ConcurrentQueue<(string Protocol, string? ClientCertificate)> Connections { get; } = new();

    /// <summary>Answers in place of the server when it is not null; 0 for as usual.</summary>
    public Func<HttpRequest, int>? Status { get; set; }

    /// <summary>Sent with each failure as Retry-After; 0 for none.</summary>
    public int RetryAfterSeconds { get; set; }

    /// <summary>Takes requests and never answers.</summary>
    public bool IsSilent { get; set; }

    /// <summary>The only Authorization that is accepted; null for any.</summary>
    public volatile string? Authorization;

    /// <summary>Serves HTTPS.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Asks clients for certificates of any kind.</summary>
    public bool WantsClientCertificate { get; init; }

    /// <summary>Objects on a page of a list at most, whatever limit is asked for.</summary>
    public int PageSize { get; set; } = int.MaxValue;

    /// <summary>Answers "410 Gone" to this many continued lists.</summary>
    public int ExpiredPages;

    public string Url => $"{(Certificate is null ? "http" : "https")}://127.0.0.1:{_port}";

    public int Port => _port;

    public FakeCollection Pods => Of("/api/v1/pods");

    public FakeCollection Services => Of("/api/v1/services");

    public FakeCollection Nodes => Of("/api/v1/nodes");

    public FakeCollection Slices => Of("/apis/discovery.k8s.io/v1/endpointslices");

    public FakeCollection Of(string path) => _collections.GetOrAdd(path, static _ => new FakeCollection());

    /// <summary>Makes the usual collections, and listens.</summary>
    public static async Task<FakeApiServer> StartAsync(X509Certificate2? certificate = null, bool wantsClientCertificate = false)
    {
        FakeApiServer server = new() { Certificate = certificate, WantsClientCertificate = wantsClientCertificate };
        _ = (server.Pods, server.Services, server.Nodes, server.Slices);
        await server.ListenAsync();
        return server;
    }

    /// <summary>Forgets a collection: it does not exist in this version.</summary>
    public void Lack(string path) => _collections.TryRemove(path, out _);

    public async Task ListenAsync()
    {
        _stopping = new CancellationTokenSource();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, _port, listen =>
        {
            if (Certificate is not null)
            {
                listen.UseHttps(new HttpsConnectionAdapterOptions
                {
                    ServerCertificate = Certificate,
                    ClientCertificateMode = WantsClientCertificate ? ClientCertificateMode.AllowCertificate : ClientCertificateMode.NoCertificate,
                    ClientCertificateValidation = static (_, _, _) => true,
                });
            }
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
        _port = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
    }

    /// <summary>Breaks all connections off and no longer listens.</summary>
    public async Task StopAsync()
    {
        if (_app is not null)
        {
            await _stopping.CancelAsync();
            await _app.StopAsync(new CancellationToken(true));
            await _app.DisposeAsync();
            _app = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
        foreach (FakeCollection collection in _collections.Values)
        {
            collection.Dispose();
        }
    }

    /// <summary>How often a path was asked for, with a query that holds the text.</summary>
    public int Count(string path, string text = "") => Requests.Count(request => request.Split('?')[0] == path && request.Contains(text, StringComparison.Ordinal));

    private async Task AnswerAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        Requests.Enqueue(request.Path + request.QueryString);
        Connections.Enqueue((request.Protocol, context.Connection.ClientCertificate?.Subject));
        if (IsSilent)
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }
        if (Authorization is { } authorization && request.Headers.Authorization != authorization)
        {
            await FailAsync(context, 401, "Unauthorized");
            return;
        }
        if (Status?.Invoke(request) is > 0 and int status)
        {
            await FailAsync(context, status, $"{request.Path} is not for you");
            return;
        }
        if (!_collections.TryGetValue(request.Path, out FakeCollection? collection))
        {
            await (Find(request.Path) is { } found ? WriteAsync(context, found.ToJsonString()) : FailAsync(context, 404, "the server could not find the requested resource"));
            return;
        }
        await (request.Query.ContainsKey("watch") ? WatchAsync(context, collection) : ListAsync(context, collection));
    }

    private JsonObject? Find(string path)
    {
        string[] parts = path.Split('/');
        string parent = string.Join('/', parts[..^4].Append(parts[^2]));
        return parts.Length > 5 && _collections.TryGetValue(parent, out FakeCollection? collection) ? collection.Find(parts[^3], parts[^1]) : null;
    }

    private async Task ListAsync(HttpContext context, FakeCollection collection)
    {
        IQueryCollection query = context.Request.Query;
        int offset = query.TryGetValue("continue", out var token) ? int.Parse(token!) : 0;
        if (offset > 0 && ExpiredPages > 0)
        {
            ExpiredPages--;
            await FailAsync(context, 410, "The provided continue parameter is too old");
            return;
        }
        await WriteAsync(context, collection.List(offset, Math.Min(PageSize, int.Parse(query["limit"]!)), query["fieldSelector"]).ToJsonString());
    }

    private async Task WatchAsync(HttpContext context, FakeCollection collection)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token, collection.EndOfWatches);
        long version = long.Parse(context.Request.Query["resourceVersion"]!);
        if (collection.RefusesOldWatches && version < collection.Oldest)
        {
            await FailAsync(context, 410, "too old resource version");
            return;
        }
        // As the API server: the head does not wait for the first event.
        await context.Response.Body.FlushAsync();
        if (version < collection.Oldest)
        {
            await context.Response.WriteAsync("""{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}""" + "\n");
            return;
        }
        collection.CountWatcher(1);
        try
        {
            await foreach (byte[] line in collection.FollowAsync(version, ending.Token))
            {
                await context.Response.Body.WriteAsync(line, ending.Token);
                await context.Response.Body.FlushAsync(ending.Token);
                collection.CountTold();
            }
        }
        catch (OperationCanceledException)
        {
            if (_stopping.IsCancellationRequested)
            {
                context.Abort();
            }
        }
        finally
        {
            collection.CountWatcher(-1);
        }
    }

    private Task FailAsync(HttpContext context, int status, string message)
    {
        if (RetryAfterSeconds > 0)
        {
            context.Response.Headers.RetryAfter = RetryAfterSeconds.ToString();
        }
        context.Response.StatusCode = status;
        return WriteAsync(context, new JsonObject { ["kind"] = "Status", ["status"] = "Failure", ["message"] = message, ["code"] = status, ["metadata"] = new JsonObject() }.ToJsonString());
    }

    private static async Task WriteAsync(HttpContext context, string text)
    {
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text));
    }
}
