using System.IO.Compression;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Tls;

namespace KubeBpfBox.Core.Export;

/// <summary>What transports over HTTP have in common.</summary>
public static class ExportHttp
{
    private const int MaxReasonChars = 300;

    // A server that asks for more than this is asked again anyway: the answer may have been a mistake.
    private static readonly TimeSpan s_longestRetryAfter = TimeSpan.FromHours(1);

    /// <summary>A handler with one connection that is kept. Redirects are not followed: credentials go to the server that was named.</summary>
    /// <param name="caFile">PEM file of the authorities to believe instead of the system's; empty for the system's.</param>
    /// <param name="timeout">How long connecting may take.</param>
    /// <exception cref="InvalidDataException">The file holds no certificate. The message names it.</exception>
    public static SocketsHttpHandler CreateHandler(string caFile, TimeSpan timeout)
    {
        // A request that is given up leaves its HTTP/2 connection open for the next one: a peer that is gone without a word is found out by pings within the timeout.
        TimeSpan silence = TimeSpan.FromSeconds(Math.Max(1, timeout.TotalSeconds / 4));
        SocketsHttpHandler handler = new()
        {
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            KeepAlivePingDelay = silence,
            KeepAlivePingTimeout = silence,
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = timeout,
            MaxConnectionsPerServer = 1,
            // Now and then anew, so that a name that points elsewhere is followed.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        if (caFile.Length > 0)
        {
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = TrustOnly(caFile) };
        }
        return handler;
    }

    /// <summary>Bytes compressed with gzip, behind a prefix that is not.</summary>
    public static MemoryStream Compress(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> prefix = default)
    {
        MemoryStream compressed = new(bytes.Length / 4);
        compressed.Write(prefix);
        using (GZipStream gzip = new(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(bytes);
        }
        return compressed;
    }

    /// <summary>Reads a body up to a limit; what is beyond is left.</summary>
    public static async Task<byte[]> ReadAsync(HttpContent content, int maxBytes, CancellationToken cancel)
    {
        Stream body = await content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        byte[] bytes = new byte[1024];
        int length = 0;
        while (length < maxBytes)
        {
            if (length == bytes.Length)
            {
                Array.Resize(ref bytes, Math.Min(length * 2, maxBytes));
            }
            int read = await body.ReadAsync(bytes.AsMemory(length), cancel).ConfigureAwait(false);
            if (read == 0)
            {
                break;
            }
            length += read;
        }
        return bytes[..length];
    }

    /// <summary>How long the server asked to be left alone; null when it did not.</summary>
    public static TimeSpan? RetryAfterOf(HttpResponseMessage response, TimeProvider time)
    {
        RetryConditionHeaderValue? header = response.Headers.RetryAfter;
        return Bounded(header?.Delta ?? (header?.Date - time.GetUtcNow()));
    }

    /// <summary>A time to wait that a server asked for, if it makes sense.</summary>
    public static TimeSpan? Bounded(TimeSpan? asked) =>
        asked is not { } wait || wait <= TimeSpan.Zero ? null : wait < s_longestRetryAfter ? wait : s_longestRetryAfter;

    /// <summary>Why a request had no answer, in one line.</summary>
    /// <param name="failure">What HttpClient threw.</param>
    /// <param name="caFileKey">The setting that a certificate that is not believed calls for.</param>
    public static string Explain(Exception failure, string caFileKey)
    {
        Exception cause = failure.InnerException is AuthenticationException or IOException ? failure.InnerException : failure;
        string text = OneLine(System.Text.Encoding.UTF8.GetBytes(cause.Message));
        return cause is AuthenticationException ? $"{text}; name the server's authority in {caFileKey}" : text;
    }

    /// <summary>What a server said, as one printable line of bounded length.</summary>
    public static string OneLine(ReadOnlySpan<byte> said)
    {
        said = said.Trim(" \t\r\n"u8);
        string text = PrintableText.Decode(said[..Math.Min(said.Length, MaxReasonChars * 4)]);
        return text.Length <= MaxReasonChars ? text : text[..MaxReasonChars] + "…";
    }

    private static X509ChainPolicy TrustOnly(string path)
    {
        X509Certificate2Collection authorities = [];
        try
        {
            authorities.ImportFromPemFile(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InvalidDataException($"{path}: {e.Message.ReplaceLineEndings(" ")}");
        }
        if (authorities.Count == 0)
        {
            throw new InvalidDataException($"{path}: has no certificate; name a PEM file");
        }
        return PinnedAuthorities.Policy(authorities);
    }
}
