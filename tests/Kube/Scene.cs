using System.Globalization;
using KubeBpfBox.Kube.Cluster;

namespace KubeBpfBox.Kube;

/// <summary>A Deployment of two servers behind a Service, a client, and a server and a client in the node's own network.</summary>
public sealed class Scene : IDisposable
{
    /// <summary>Port of the servers.</summary>
    public const int Port = 8080;

    /// <summary>Port of the server in the node's network.</summary>
    public const int NodePort = 18080;

    private readonly TestNamespace _namespace;

    public Scene()
    {
        _namespace = new TestNamespace("kbb-scene");
        try
        {
            _namespace.Apply(
                Manifests.Deployment("web-app", 2, "nginx", Manifests.NginxImage, Manifests.Nginx(Port)),
                Manifests.Service("web", "web-app", 80, Port),
                Manifests.Deployment("shop", 1, "client", Manifests.ToolsImage, Manifests.Idle),
                Manifests.Pod("node-server", "httpd", Manifests.Httpd(NodePort), "hostNetwork: true"),
                Manifests.Pod("node-client", "client", Manifests.Idle, "hostNetwork: true"));
            Servers = _namespace.Ready("web-app", 2);
            Client = _namespace.Ready("shop").Single();
            NodeServer = _namespace.Ready("node-server").Single();
            NodeClient = _namespace.Ready("node-client").Single();
            ClusterIp = Kubectl.Get("service", "web", "-n", Namespace).GetProperty("spec").GetProperty("clusterIP").GetString()!;
            // The rules of kube-proxy follow a moment after the pods are ready.
            Kubectl.Until(() => Request(Client, $"http://{ClusterIp}/warm-up", 1) == 1, () => $"an answer of the Service {ClusterIp}");
        }
        catch
        {
            _namespace.Dispose();
            throw;
        }
    }

    internal string Namespace => _namespace.Name;

    internal IReadOnlyList<Pod> Servers { get; } = [];

    internal Pod Client { get; } = null!;

    internal Pod NodeServer { get; } = null!;

    internal Pod NodeClient { get; } = null!;

    internal string ClusterIp { get; } = "";

    /// <summary>Follows its requests.</summary>
    internal Observer Observe(string mark) => _namespace.Observe(mark);

    /// <summary>Makes requests from a pod, each on a connection of its own, or all on one.</summary>
    /// <returns>How many were answered with 200, as the client counted.</returns>
    internal static int Request(Pod from, string url, int count, bool onOneConnection = false)
    {
        string separator = url.Contains('?', StringComparison.Ordinal) ? "&" : "?";
        string n = count.ToString(CultureInfo.InvariantCulture);
        string curl = "curl -sS -o /dev/null --max-time 10 -w '%{http_code}\\n'";
        string script = onOneConnection
            ? $"{curl.Replace("-o /dev/null", "-o '/tmp/answer#1'", StringComparison.Ordinal)} '{url}{separator}n=[1-{n}]'"
            : $"for n in $(seq {n}); do {curl} '{url}{separator}n='$n; done";
        return from.Exec("/bin/sh", "-c", script + "; true").Split('\n').Count(static line => line == "200");
    }

    public void Dispose() => _namespace.Dispose();
}
