using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using KubeBpfBox.Sinks.Otlp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace KubeBpfBox.Unit.Otlp;

/// <summary>A collector over real sockets on loopback that answers what a test tells it to.</summary>
internal sealed class ScriptedCollector : IAsyncDisposable
{
    private readonly OtlpProtocol _protocol;
    private readonly X509Certificate2? _certificate;
    private WebApplication? _app;
    private int _port;

    private ScriptedCollector(OtlpProtocol protocol, X509Certificate2? certificate) => (_protocol, _certificate) = (protocol, certificate);

    /// <summary>What came: path, headers, message.</summary>
    public ConcurrentQueue<(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Message)> Received { get; } = new();

    /// <summary>Answers; by default with an empty response of success.</summary>
    public Func<HttpContext, Task>? Answer { get; set; }

    public Uri Url => new($"{(_certificate is null ? "http" : "https")}://127.0.0.1:{_port}");

    public static async Task<ScriptedCollector> StartAsync(OtlpProtocol protocol, X509Certificate2? certificate = null)
    {
        ScriptedCollector collector = new(protocol, certificate);
        await collector.ListenAsync();
        return collector;
    }

    public async Task ListenAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, _port, listen =>
        {
            listen.Protocols = _protocol == OtlpProtocol.Grpc ? HttpProtocols.Http2 : HttpProtocols.Http1;
            if (_certificate is not null)
            {
                listen.UseHttps(_certificate);
            }
        }));
        _app = builder.Build();
        _app.Run(TakeAsync);
        await _app.StartAsync();
        _port = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
    }

    public async Task StopAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync(new CancellationToken(true));
            await _app.DisposeAsync();
            _app = null;
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>A gRPC answer: a message, and the trailers.</summary>
    public static async Task GrpcAsync(HttpContext context, int status, string message = "", byte[]? response = null, string? details = null)
    {
        context.Response.ContentType = "application/grpc";
        if (response is not null)
        {
            byte[] prefix = new byte[5];
            BinaryPrimitives.WriteInt32BigEndian(prefix.AsSpan(1), response.Length);
            await context.Response.Body.WriteAsync(prefix);
            await context.Response.Body.WriteAsync(response);
        }
        context.Response.AppendTrailer("grpc-status", status.ToString());
        context.Response.AppendTrailer("grpc-message", message);
        if (details is not null)
        {
            context.Response.AppendTrailer("grpc-status-details-bin", details);
        }
    }

    private async Task TakeAsync(HttpContext context)
    {
        MemoryStream body = new();
        await context.Request.Body.CopyToAsync(body);
        byte[] compressed = body.ToArray();
        bool isGrpc = _protocol == OtlpProtocol.Grpc;
        if (isGrpc)
        {
            Assert.Equal((1, compressed.Length - 5), (compressed[0], BinaryPrimitives.ReadInt32BigEndian(compressed.AsSpan(1))));
            compressed = compressed[5..];
        }
        MemoryStream message = new();
        await using (GZipStream gzip = new(new MemoryStream(compressed), CompressionMode.Decompress))
        {
            await gzip.CopyToAsync(message);
        }
        Received.Enqueue((context.Request.Path, context.Request.Headers.ToDictionary(static one => one.Key.ToLowerInvariant(), static one => one.Value.ToString()), message.ToArray()));
        if (Answer is not null)
        {
            await Answer(context);
        }
        else if (isGrpc)
        {
            await GrpcAsync(context, 0, response: []);
        }
    }
}
