using KubeBpfBox.Agent;
using KubeBpfBox.Agent.Kubernetes.Connection;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Kubernetes;

public sealed class KubeconfigTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "config: is empty")]
    [InlineData("contexts: []", "config: current-context: is not set")]
    [InlineData("current-context: x\ncontexts: [{name: a}, {name: b}]", "config: contexts: has no entry named 'x'; it has a, b")]
    [InlineData("current-context: x\ncontexts: {}", "config: contexts: a list is expected")]
    [InlineData("current-context: {}", "config: current-context: a single value is expected")]
    [InlineData("a: b: c", "config:1: not YAML")]
    [InlineData("a: &x b\nc: *x", "config:2: c: a value is expected, not a reference")]
    public void Names_file_and_key(string text, string expected) => Assert.Contains(expected, Fails(text));

    [Theory]
    [InlineData("server: 10.0.0.1:6443", "", "clusters[k].cluster.server: '10.0.0.1:6443' is no address")]
    [InlineData("tls-server-name: x", "", "clusters[k].cluster.server: is not set")]
    [InlineData("server: https://a\n    proxy-url: http://p", "", "clusters[k].cluster.proxy-url: is not supported")]
    [InlineData("server: https://a\n    certificate-authority: none.crt", "", "clusters[k].cluster.certificate-authority: /")]
    [InlineData("server: https://a\n    certificate-authority-data: '%%'", "", "clusters[k].cluster.certificate-authority-data: is not base64")]
    [InlineData("server: https://a\n    certificate-authority-data: aGVsbG8=", "", "clusters[k].cluster.certificate-authority-data: holds no certificate")]
    [InlineData("server: https://a\n    insecure-skip-tls-verify: maybe", "", "clusters[k].cluster.insecure-skip-tls-verify: 'maybe' is not allowed")]
    [InlineData("server: https://a", "auth-provider: {name: gcp}", "users[u].user.auth-provider: is no longer supported")]
    [InlineData("server: https://a", "as: somebody", "users[u].user.as: is not supported")]
    [InlineData("server: https://a", "tokenFile: none", "users[u].user.tokenFile: /")]
    [InlineData("server: https://a", "token: \"a\\nb\"", "users[u].user.token: holds characters")]
    [InlineData("server: https://a", "client-key-data: aGVsbG8=", "users[u].user.client-certificate: is not set")]
    [InlineData("server: https://a", "exec: {command: x}", "users[u].user.exec.apiVersion: is not set")]
    [InlineData("server: https://a", "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}", "users[u].user.exec.apiVersion: 'client.authentication.k8s.io/v1alpha1' is not supported")]
    [InlineData("server: https://a", "exec: {apiVersion: client.authentication.k8s.io/v1}", "users[u].user.exec.command: is not set")]
    [InlineData("server: https://a", "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}", "users[u].user.exec.interactiveMode: 'Always'")]
    [InlineData("server: https://a", "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, env: [{value: y}]}", "users[u].user.exec.env[0].name: is not set")]
    public void Names_what_is_wrong_with_cluster_and_user(string cluster, string user, string expected) => Assert.Contains(expected, Fails(Config(cluster, user)));

    [Fact]
    public void Reads_the_current_context_and_resolves_paths_beside_the_file()
    {
        File.WriteAllText(_folder.File("ca.crt"), new TestAuthority().Pem);
        File.WriteAllText(_folder.File("config"), Config("server: https://host.example/k8s/clusters/c-1\n    certificate-authority: ca.crt\n    tls-server-name: other", "token: t"));
        ApiServer server = Kubeconfig.Open(_folder.File("config"), TimeProvider.System);
        Assert.Equal("https://host.example/k8s/clusters/c-1", server.Url.ToString());
        Assert.Equal("other", server.TlsServerName);
        Assert.False(server.SkipsVerification);
        Assert.Single(server.Authority!.ReadCertificates());
    }

    [Fact]
    public void Reads_json()
    {
        File.WriteAllText(_folder.File("config"), """
            {"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
             "clusters": [{"name": "k", "cluster": {"server": "http://127.0.0.1:8080"}}], "users": [{"name": "u", "user": {}}]}
            """);
        Assert.Equal(8080, Kubeconfig.Open(_folder.File("config"), TimeProvider.System).Url.Port);
    }

    private string Fails(string text)
    {
        File.WriteAllText(_folder.File("config"), text);
        string message = Assert.Throws<AgentException>(() => Kubeconfig.Open(_folder.File("config"), TimeProvider.System)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private static string Config(string cluster, string user) => $"""
        current-context: c
        contexts:
        - name: c
          context: {"{cluster: k, user: u}"}
        clusters:
        - name: other
          cluster: {"{server: https://other}"}
        - name: k
          cluster:
            {cluster}
        users:
        - name: u
          user:
            {user}
        """;
}
