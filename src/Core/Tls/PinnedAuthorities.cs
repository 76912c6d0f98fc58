using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KubeBpfBox.Core.Tls;

/// <summary>Believes the authorities that the user named, and no others.</summary>
public static class PinnedAuthorities
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    /// <summary>How a server's certificate is judged.</summary>
    /// <remarks>Authorities of one's own publish no revocation lists; nothing is fetched from addresses that certificates name.</remarks>
    public static X509ChainPolicy Policy(X509Certificate2Collection authorities)
    {
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }
}
