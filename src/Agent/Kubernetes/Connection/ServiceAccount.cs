namespace KubeBpfBox.Agent.Kubernetes.Connection;

/// <summary>What the kubelet gives each pod to talk to the API server with.</summary>
internal static class ServiceAccount
{
    /// <summary>Finds it.</summary>
    /// <exception cref="AgentException">There is none.</exception>
    public static ApiServer Open(KubernetesOptions options)
    {
        string host = options.ServiceHost ?? Variable("KUBERNETES_SERVICE_HOST");
        string port = options.ServicePort ?? Variable("KUBERNETES_SERVICE_PORT");
        if (!Uri.TryCreate($"https://{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}", UriKind.Absolute, out Uri? url))
        {
            throw new AgentException($"KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT: '{host}' and '{port}' are no address of an API server");
        }
        string tokenPath = Path.Combine(options.ServiceAccountPath, "token");
        string authorityPath = Path.Combine(options.ServiceAccountPath, "ca.crt");
        TokenFile token = new(tokenPath, "service account", null);
        PemSource authority = PemSource.OfFile(authorityPath, "service account");
        // Once now, so that what is missing is said at the start.
        token.Read();
        authority.ReadCertificates();
        return new ApiServer { Url = url, Origin = $"service account {options.ServiceAccountPath}", Authority = authority, Credentials = token };
    }

    private static string Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
        ? value
        : throw new AgentException($"{name}: is not set, so this is no pod of a cluster; give a kubeconfig to watch Kubernetes from outside");
}
