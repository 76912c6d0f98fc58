using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent.Api;

/// <summary>The agent's HTTP server.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly CancellationTokenSource _stopping;

    private ApiHost(WebApplication app, CancellationTokenSource stopping)
    {
        _app = app;
        _stopping = stopping;
    }

    /// <summary>Where it listens: the port is the real one when port 0 was asked for.</summary>
    public required IPEndPoint EndPoint { get; init; }

    /// <summary>Starts listening.</summary>
    /// <param name="listen">Where.</param>
    /// <param name="token">Bearer token that the API asks for beyond loopback.</param>
    /// <param name="sources">What is shown.</param>
    /// <param name="loggers">Where Kestrel's messages go.</param>
    /// <exception cref="AgentException">The address cannot be listened on.</exception>
    public static async Task<ApiHost> StartAsync(ListenAddress listen, string token, ApiSources sources, ILoggerFactory loggers)
    {
        // The empty builder: no configuration files, no environment of ASP.NET's own that could change what was configured here.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "kubebpfbox" });
        builder.Services.AddSingleton(loggers);
        builder.Services.Configure<HostOptions>(static options => options.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = 0;
            options.Limits.MaxConcurrentConnections = 256;
            options.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            options.Listen(listen.EndPoint);
        });
        WebApplication app = builder.Build();
        CancellationTokenSource stopping = new();
        app.Run(new Router(listen, token, sources, stopping.Token).HandleAsync);
        try
        {
            await app.StartAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            stopping.Dispose();
            await app.DisposeAsync().ConfigureAwait(false);
            throw new AgentException($"api.listen: {listen.EndPoint} cannot be listened on: {Reason(e)}");
        }
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new ApiHost(app, stopping) { EndPoint = new IPEndPoint(listen.EndPoint.Address, new Uri(address).Port) };
    }

    public async ValueTask DisposeAsync()
    {
        // Streams end by themselves once they are told; only then does stopping not wait for them.
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _app.StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private static string Reason(Exception e) => (e as SocketException ?? e.GetBaseException() as SocketException)?.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "another program uses the port; stop it (is another kubebpfbox running?) or set api.listen to another one",
        SocketError.AddressNotAvailable => "no interface has this address; set api.listen to one of this machine's",
        SocketError.AccessDenied => "not permitted; ports below 1024 need root or CAP_NET_BIND_SERVICE",
        _ => e.Message,
    };
}
