using System.Text;

namespace KubeBpfBox.Agent.Kubernetes.Connection;

/// <summary>Who we are to the API server.</summary>
/// <remarks>Threads: any.</remarks>
internal abstract class Credentials : IDisposable
{
    /// <summary>The certificate that new connections show; null for none.</summary>
    public virtual ClientCertificate? Certificate => null;

    /// <summary>The value of the header Authorization; null for none.</summary>
    /// <exception cref="AgentException">It cannot be had.</exception>
    public abstract ValueTask<string?> AuthorizationAsync(CancellationToken cancellation);

    /// <summary>The server did not accept what it was shown (401).</summary>
    /// <param name="authorization">What that was.</param>
    /// <param name="cancellation">Ends waiting.</param>
    /// <returns>True when there may be something better now.</returns>
    public virtual ValueTask<bool> RefusedAsync(string? authorization, CancellationToken cancellation) => ValueTask.FromResult(false);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}

/// <summary>A token or password that stays, or none; and perhaps a certificate.</summary>
internal sealed class FixedCredentials(string? authorization, ClientCertificate? certificate) : Credentials
{
    public override ClientCertificate? Certificate => certificate;

    public static string Bearer(string token) => "Bearer " + token;

    public static string Basic(string user, string password) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));

    public override ValueTask<string?> AuthorizationAsync(CancellationToken cancellation) => ValueTask.FromResult(authorization);
}

/// <summary>A token in a file that is renewed: read for each request, of which there are few.</summary>
internal sealed class TokenFile(string path, string where, ClientCertificate? certificate) : Credentials
{
    public override ClientCertificate? Certificate => certificate;

    /// <summary>The token.</summary>
    /// <exception cref="AgentException">The file cannot be read, or holds none.</exception>
    public string Read()
    {
        try
        {
            string token = File.ReadAllText(path).Trim();
            return token.Length > 0 && !token.AsSpan().ContainsAnyExceptInRange('!', '~') ? token : throw new AgentException($"{where}: {path} holds no token");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException($"{where}: {path} cannot be read: {ApiException.OneLine(e.Message)}");
        }
    }

    public override ValueTask<string?> AuthorizationAsync(CancellationToken cancellation) => ValueTask.FromResult<string?>(FixedCredentials.Bearer(Read()));

    public override ValueTask<bool> RefusedAsync(string? authorization, CancellationToken cancellation) => ValueTask.FromResult(FixedCredentials.Bearer(Read()) != authorization);
}
