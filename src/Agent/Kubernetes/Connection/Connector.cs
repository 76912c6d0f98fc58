using System.Net.Security;
using System.Net.Sockets;
using KubeBpfBox.Core.Tls;

namespace KubeBpfBox.Agent.Kubernetes.Connection;

/// <summary>Connects to the API server.</summary>
/// <remarks>
/// TLS is made here and not by the handler, so that a renewed authority or certificate counts from the next connection on, and the name to
/// check can differ from the address. A given authority is the only one: the system's are not asked then.
/// </remarks>
internal sealed class Connector(ApiServer server, TimeSpan keepAliveInterval)
{
    /// <summary>For <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            NoticeDeath(socket);
            await socket.ConnectAsync(context.DnsEndPoint, cancellation).ConfigureAwait(false);
            NetworkStream stream = new(socket, ownsSocket: true);
            return server.Url.Scheme == Uri.UriSchemeHttps ? await SecureAsync(stream, cancellation).ConfigureAwait(false) : stream;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A watch may be silent for minutes: only the kernel's own questions tell whether anyone is there.</summary>
    private void NoticeDeath(Socket socket)
    {
        int seconds = Math.Max(1, (int)keepAliveInterval.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, Math.Max(1, seconds / 3));
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
    }

    private async Task<SslStream> SecureAsync(NetworkStream stream, CancellationToken cancellation)
    {
        SslStream secured = new(stream, leaveInnerStreamOpen: false);
        try
        {
            await secured.AuthenticateAsClientAsync(Options(), cancellation).ConfigureAwait(false);
            return secured;
        }
        catch
        {
            await secured.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private SslClientAuthenticationOptions Options()
    {
        SslClientAuthenticationOptions options = new()
        {
            TargetHost = server.TlsServerName ?? server.Url.IdnHost,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        };
        if (server.SkipsVerification)
        {
#pragma warning disable CA5359 // Asked for by the user.
            options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (server.Authority is { } authority)
        {
            options.CertificateChainPolicy = PinnedAuthorities.Policy(authority.ReadCertificates());
        }
        if (server.Credentials.Certificate is { } certificate)
        {
            options.ClientCertificateContext = SslStreamCertificateContext.Create(certificate.Load(), certificate.Certificate.ReadCertificates(), offline: true);
        }
        return options;
    }
}
