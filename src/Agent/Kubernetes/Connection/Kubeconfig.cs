namespace KubeBpfBox.Agent.Kubernetes.Connection;

/// <summary>A kubeconfig: its current context's cluster and user.</summary>
/// <remarks>
/// Errors: <see cref="AgentException"/> that names file and key, also for what is not supported: nothing that was configured is silently left out.
/// Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/.
/// </remarks>
internal sealed class Kubeconfig
{
    private readonly string _path;
    private readonly YamlTree _root;
    private readonly TimeProvider _time;

    private Kubeconfig(string path, TimeProvider time)
    {
        _path = path;
        _root = YamlTree.Read(path);
        _time = time;
    }

    /// <summary>Reads it.</summary>
    public static ApiServer Open(string path, TimeProvider time) => new Kubeconfig(Path.GetFullPath(path), time).Open();

    private ApiServer Open()
    {
        YamlTree context = _root.Field("contexts").Named(_root.Field("current-context").Required()).Field("context");
        YamlTree cluster = _root.Field("clusters").Named(context.Field("cluster").Required()).Field("cluster");
        RefuseOthers(cluster, "server", "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name", "disable-compression", "extensions");
        PemSource? authority = Pem(cluster, "certificate-authority");
        authority?.ReadCertificates();
        ApiServer server = new()
        {
            Url = UrlOf(cluster.Field("server")),
            Origin = _path,
            Authority = authority,
            TlsServerName = cluster.Field("tls-server-name").Text(),
            SkipsVerification = cluster.Field("insecure-skip-tls-verify").Flag(),
            Credentials = new FixedCredentials(null, null),
        };
        if (server.SkipsVerification && authority is not null)
        {
            cluster.Field("insecure-skip-tls-verify").Fail("is true, and there is a certificate-authority; take one of them out");
        }
        return context.Field("user").Text() is { } user ? server with { Credentials = CredentialsOf(_root.Field("users").Named(user).Field("user"), server) } : server;
    }

    private static Uri UrlOf(YamlTree server)
    {
        string text = server.Required();
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp) || url.Query.Length > 0 || url.UserInfo.Length > 0)
        {
            server.Fail($"'{text}' is no address of an API server; write https://HOST:PORT");
        }
        return url;
    }

    private Credentials CredentialsOf(YamlTree user, ApiServer server)
    {
        RefuseOthers(user, "token", "tokenFile", "client-certificate", "client-certificate-data", "client-key", "client-key-data", "username", "password", "exec", "extensions");
        PemSource? certificate = Pem(user, "client-certificate");
        PemSource? key = Pem(user, "client-key");
        if (certificate is null != key is null)
        {
            (certificate is null ? user.Field("client-certificate") : user.Field("client-key")).Fail("is not set, but its counterpart is");
        }
        ClientCertificate? shown = certificate is null ? null : new ClientCertificate(certificate, key!);
        shown?.Load().Dispose();
        // As client-go: a file is read again and so wins over a copy of its contents.
        if (user.Field("tokenFile").Text() is { } tokenPath)
        {
            TokenFile file = new(Resolve(tokenPath), user.Field("tokenFile").Where, shown);
            file.Read();
            return file;
        }
        if (user.Field("token").Text() is { } token)
        {
            return new FixedCredentials(FixedCredentials.Bearer(HeaderText(user.Field("token"), token)), shown);
        }
        if (user.Field("username").Text() is { } name)
        {
            return new FixedCredentials(FixedCredentials.Basic(name, user.Field("password").Text() ?? string.Empty), shown);
        }
        return user.Field("exec") is { IsAbsent: false } exec
            ? shown is null ? ExecPlugin.Open(exec, server, Path.GetDirectoryName(_path)!, _time) : FailBoth(exec)
            : new FixedCredentials(null, shown);
    }

    private static ExecPlugin FailBoth(YamlTree exec)
    {
        exec.Fail("there is a client-certificate, too; take one of them out");
        return null;
    }

    private static string HeaderText(YamlTree key, string text)
    {
        if (text.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            key.Fail("holds characters that no token has");
        }
        return text;
    }

    /// <summary>A certificate or key; inline wins over a file, as in client-go.</summary>
    private PemSource? Pem(YamlTree parent, string name)
    {
        YamlTree data = parent.Field(name + "-data");
        if (data.Text() is { } text)
        {
            return PemSource.OfBase64(text, data.Where);
        }
        YamlTree file = parent.Field(name);
        return file.Text() is { } path ? PemSource.OfFile(Resolve(path), file.Where) : null;
    }

    private string Resolve(string path) => Path.Combine(Path.GetDirectoryName(_path)!, path);

    /// <summary>What would change who asks whom must not be passed over: proxies, impersonation, the old authentication providers.</summary>
    private static void RefuseOthers(YamlTree parent, params ReadOnlySpan<string> known)
    {
        foreach (string name in parent.FieldNames)
        {
            if (!known.Contains(name) && !parent.Field(name).IsAbsent)
            {
                parent.Field(name).Fail(name == "auth-provider" ? "is no longer supported; use exec, a token or a client certificate" : "is not supported; take it out, or give another kubeconfig");
            }
        }
    }
}
