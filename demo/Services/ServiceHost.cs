using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace KubeBpfBox.Demo.Services;

/// <summary>Runs one service of the shop over real HTTP.</summary>
internal static class ServiceHost
{
    private const string Filler = "Sturdy, light and made to last; ships within two days, returns are free for a month. ";

    /// <summary>Serves until it is told to stop.</summary>
    /// <param name="address">Where to listen.</param>
    /// <param name="map">Adds the service's routes.</param>
    /// <param name="stop">Ends it.</param>
    public static async Task RunAsync(IPAddress address, Action<WebApplication> map, CancellationToken stop)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Listen(address, ShopWorkload.Port);
        });
        builder.Services.AddRouting();
        WebApplication app = builder.Build();
        await using (app)
        {
            app.Use((context, next) =>
            {
                Peers.Continue(context.Request.Headers["traceparent"]);
                return next(context);
            });
            map(app);
            await app.StartAsync(stop);
            await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await app.StopAsync(new CancellationToken(canceled: true));
        }
    }

    /// <summary>A page of a plausible size, without a length so that it goes out in chunks; compressed for who takes it.</summary>
    public static async Task WritePageAsync(HttpContext context, int bytes)
    {
        context.Response.ContentType = "application/json";
        bool isGzip = context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.Ordinal);
        if (isGzip)
        {
            context.Response.Headers.ContentEncoding = "gzip";
        }
        await using Stream body = isGzip ? new GZipStream(context.Response.Body, CompressionLevel.Fastest, leaveOpen: true) : context.Response.Body;
        for (int written = 0, id = 1000; written < bytes; written += Filler.Length + 40)
        {
            await body.WriteAsync(Encoding.UTF8.GetBytes($$"""{"id":{{id++}},"price":{{Random.Shared.Next(500, 90_000)}},"text":"{{Filler}}"},"""), context.RequestAborted);
        }
    }
}
