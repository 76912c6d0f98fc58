using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace KubeBpfBox.Agent.Kubernetes.Connection;

/// <summary>A certificate or key: inline, or in a file that is read again each time, since it may be renewed.</summary>
/// <remarks>Errors: <see cref="AgentException"/> that names <see cref="Where"/>.</remarks>
internal sealed class PemSource
{
    private readonly string? _path;
    private readonly string? _text;

    private PemSource(string? path, string? text, string where) => (_path, _text, Where) = (path, text, where);

    /// <summary>File and key that it was set with, for messages.</summary>
    public string Where { get; }

    public static PemSource OfFile(string path, string where) => new(path, null, where);

    public static PemSource OfText(string text, string where) => new(null, text, where);

    /// <summary>As in a kubeconfig's "-data" keys.</summary>
    public static PemSource OfBase64(string text, string where)
    {
        try
        {
            return new PemSource(null, Encoding.UTF8.GetString(Convert.FromBase64String(text)), where);
        }
        catch (FormatException)
        {
            throw new AgentException($"{where}: is not base64; write the PEM file's bytes in base64, without line breaks");
        }
    }

    /// <summary>The PEM text.</summary>
    public string Read()
    {
        try
        {
            return _text ?? File.ReadAllText(_path!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException($"{Where}: {_path} cannot be read: {ApiException.OneLine(e.Message)}");
        }
    }

    /// <summary>All certificates in it, at least one.</summary>
    public X509Certificate2Collection ReadCertificates()
    {
        X509Certificate2Collection certificates = [];
        try
        {
            certificates.ImportFromPem(Read());
        }
        catch (CryptographicException e)
        {
            throw new AgentException($"{Where}: a certificate cannot be read: {ApiException.OneLine(e.Message)}");
        }
        return certificates.Count > 0 ? certificates : throw new AgentException($"{Where}: holds no certificate; a PEM file with BEGIN CERTIFICATE is expected");
    }
}

/// <summary>The certificate that shows who we are, with its key.</summary>
internal sealed record ClientCertificate(PemSource Certificate, PemSource Key)
{
    /// <summary>Reads both.</summary>
    /// <exception cref="AgentException">They cannot be read, or do not fit each other.</exception>
    public X509Certificate2 Load()
    {
        Certificate.ReadCertificates();
        try
        {
            return X509Certificate2.CreateFromPem(Certificate.Read(), Key.Read());
        }
        catch (CryptographicException e)
        {
            throw new AgentException($"{Key.Where}: is no unencrypted PEM key of the certificate {Certificate.Where}: {ApiException.OneLine(e.Message)}");
        }
        catch (ArgumentException e)
        {
            throw new AgentException($"{Key.Where}: is no unencrypted PEM key of the certificate {Certificate.Where}: {ApiException.OneLine(e.Message)}");
        }
    }
}
