using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace KubeBpfBox.Agent.Api;

/// <summary>Checks bearer tokens (RFC 6750 section 2.1).</summary>
internal sealed class TokenGate(string token)
{
    private const string Scheme = "Bearer ";

    // Hashes of one length: the comparison tells nothing, not even the token's length.
    private readonly byte[] _hash = SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Makes a token of 192 bits.</summary>
    public static string MakeToken() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));

    /// <summary>Whether an Authorization header carries the token.</summary>
    public bool Admits(string? authorization) =>
        authorization is not null && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(_hash, SHA256.HashData(Encoding.UTF8.GetBytes(authorization[Scheme.Length..].Trim())));
}
