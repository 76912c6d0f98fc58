using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace KubeBpfBox.Unit.InfluxDb;

/// <summary>Answers each write as it is told, over real HTTP on loopback.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ScriptedServer(X509Certificate2? certificate)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
            {
                listen.UseHttps(certificate);
            }
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        Scheme = certificate is null ? "http" : "https";
    }

    /// <summary>What is answered.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = static context =>
    {
        context.Response.StatusCode = 204;
        return Task.CompletedTask;
    };

    /// <summary>What was asked: path with query, headers, body without its compression, connection.</summary>
    public ConcurrentQueue<(string Path, IReadOnlyDictionary<string, string> Headers, string Body, string Connection)> Requests { get; } = new();

    public string Url { get; private set; } = string.Empty;

    private string Scheme { get; }

    public static async Task<ScriptedServer> StartAsync(X509Certificate2? certificate = null)
    {
        ScriptedServer server = new(certificate);
        await server._app.StartAsync();
        int port = new Uri(server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        server.Url = $"{server.Scheme}://127.0.0.1:{port}";
        return server;
    }

    /// <summary>Answers with a status and a body from now on.</summary>
    public void Say(int status, string body = "", params (string Name, string Value)[] headers) => Answer = async context =>
    {
        context.Response.StatusCode = status;
        foreach ((string name, string value) in headers)
        {
            context.Response.Headers[name] = value;
        }
        await context.Response.WriteAsync(body);
    };

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(true));
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using GZipStream gzip = new(context.Request.Body, CompressionMode.Decompress);
        using StreamReader reader = new(gzip, Encoding.UTF8);
        string body = await reader.ReadToEndAsync();
        Dictionary<string, string> headers = context.Request.Headers.ToDictionary(static header => header.Key, static header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        Requests.Enqueue((context.Request.Path + context.Request.QueryString, headers, body, context.Connection.Id));
        await Answer(context);
    }
}
