using System.Globalization;
using System.Text.Json;

namespace KubeBpfBox.Kube.Cluster;

/// <summary>The objects that tests make. NAMESPACE is filled in by <see cref="TestNamespace.Apply"/>.</summary>
internal static class Manifests
{
    /// <summary>busybox, curl and the programs of tests/Kube/programs.</summary>
    public const string ToolsImage = "docker.io/library/kube-tools:local";

    /// <summary>nginx.</summary>
    public const string NginxImage = "docker.io/library/kube-nginx:local";

    /// <summary>A pod without an owner.</summary>
    /// <param name="name">Its name, and its label "app".</param>
    /// <param name="container">Name of its container.</param>
    /// <param name="command">What it runs.</param>
    /// <param name="extra">More of the pod's spec, as "hostNetwork: true".</param>
    /// <param name="memory">Limit of its memory; null for none.</param>
    public static string Pod(string name, string container, IEnumerable<string> command, string extra = "restartPolicy: Never", string? memory = null) => $$$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{{name}}}, namespace: NAMESPACE, labels: {app: {{{name}}}}}
        spec: {{{PodSpec(container, ToolsImage, command, extra, memory)}}}

        """;

    /// <summary>A Deployment.</summary>
    public static string Deployment(string name, int replicas, string container, string image, IEnumerable<string> command, string extra = "") => $$$"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: {{{name}}}, namespace: NAMESPACE}
        spec:
          replicas: {{{replicas.ToString(CultureInfo.InvariantCulture)}}}
          selector: {matchLabels: {app: {{{name}}}}}
          template:
            metadata: {labels: {app: {{{name}}}}}
            spec: {{{PodSpec(container, image, command, extra, null)}}}

        """;

    /// <summary>A Service with a cluster IP.</summary>
    public static string Service(string name, string app, int port, int targetPort) => $$"""
        apiVersion: v1
        kind: Service
        metadata: {name: {{name}}, namespace: NAMESPACE}
        spec: {selector: {app: {{app}}}, ports: [{port: {{port.ToString(CultureInfo.InvariantCulture)}}, targetPort: {{targetPort.ToString(CultureInfo.InvariantCulture)}}}]}

        """;

    /// <summary>nginx that answers every path with 200.</summary>
    public static IEnumerable<string> Nginx(int port) =>
    [
        "/bin/sh", "-c",
        $$"""
        echo 'daemon off; user root; worker_processes 1; pid /tmp/nginx.pid; error_log stderr; events {} http { access_log off; client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi; uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi; server { listen {{port.ToString(CultureInfo.InvariantCulture)}}; location / { return 200 "$hostname\n"; } } }' >/tmp/nginx.conf && exec nginx -c /tmp/nginx.conf -e stderr
        """,
    ];

    /// <summary>busybox's server, which closes after each answer.</summary>
    public static IEnumerable<string> Httpd(int port) => ["/bin/sh", "-c", $"echo fine >/tmp/index.html && exec httpd -f -p {port.ToString(CultureInfo.InvariantCulture)} -h /tmp"];

    /// <summary>Does nothing, until something is executed in it.</summary>
    public static IEnumerable<string> Idle => ["sleep", "1000000"];

    private static string PodSpec(string container, string image, IEnumerable<string> command, string extra, string? memory)
    {
        // A string of JSON is one of YAML, line breaks included.
        string words = JsonSerializer.Serialize(command);
        string limits = memory is null ? "" : $", resources: {{limits: {{memory: {memory}}}}}";
        return $"{{terminationGracePeriodSeconds: 0, {(extra.Length > 0 ? extra + ", " : "")}containers: [{{name: {container}, image: '{image}', imagePullPolicy: Never, command: {words}{limits}}}]}}";
    }
}
