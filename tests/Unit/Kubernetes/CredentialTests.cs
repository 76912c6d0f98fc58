using System.Text;
using System.Text.Json.Nodes;
using KubeBpfBox.Agent;
using KubeBpfBox.Agent.Kubernetes;
using KubeBpfBox.Unit.Support;
using static KubeBpfBox.Unit.Kubernetes.KubeObjects;
using static KubeBpfBox.Unit.Kubernetes.WatchFixture;

namespace KubeBpfBox.Unit.Kubernetes;

/// <summary>Who we are and whom we trust, over real TLS.</summary>
public sealed class CredentialTests : IDisposable
{
    private static readonly TestAuthority s_authority = new();

    private readonly TemporaryDirectory _folder = new();
    private readonly ListLogger _log = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_service_account_s_token_is_read_again_when_it_was_refused()
    {
        await using FakeApiServer server = await FakeApiServer.StartAsync(s_authority.Server());
        server.Authorization = "Bearer first";
        server.Pods.Add(Pod("a"));
        Write("token", "first\n");
        Write("ca.crt", s_authority.Pem);
        await using ClusterWatch watch = ClusterWatch.Create(InCluster(server), _log);
        watch.Start();
        Assert.True(await watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)));
        Assert.All(server.Connections, static connection => Assert.Equal("HTTP/2", connection.Protocol));

        // The first token is no longer good, and the kubelet has not written another one yet.
        await UntilAsync(() => server.Pods.Watchers == 1);
        server.Authorization = "Bearer second";
        server.Pods.EndWatches();
        await UntilAsync(() => watch.Trouble?.Contains("Unauthorized (401); renew the token", StringComparison.Ordinal) == true);
        Write("token", "second\n");
        server.Pods.Add(Pod("b"));
        await UntilAsync(() => watch.State.PodByUid("uid-of-b") is not null && watch.PodTrouble is null);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_authority_is_refused(bool isGiven)
    {
        await using FakeApiServer server = await FakeApiServer.StartAsync(s_authority.Server());
        Write("ca.crt", new TestAuthority("other-ca").Pem);
        await using ClusterWatch watch = Open(server, isGiven ? "certificate-authority: ca.crt" : "", "token: t");
        watch.Start();
        await UntilAsync(() => watch.Trouble is not null);
        Assert.Matches("is not trusted: .*; " + (isGiven ? "see whether .*clusters\\[k\\].cluster.certificate-authority is the authority that signed" : "give its certificate-authority in .*config"), watch.Trouble);
        Assert.Empty(server.Requests);
        Assert.False(watch.HasSynced);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused_unless_that_name_is_asked_for()
    {
        await using FakeApiServer server = await FakeApiServer.StartAsync(s_authority.Server("kube.example"));
        string authority = "certificate-authority-data: " + Convert.ToBase64String(Encoding.ASCII.GetBytes(s_authority.Pem));
        await using (ClusterWatch refused = Open(server, authority, ""))
        {
            refused.Start();
            await UntilAsync(() => refused.Trouble?.Contains("is not trusted", StringComparison.Ordinal) == true);
        }
        await using ClusterWatch watch = Open(server, authority + "\n    tls-server-name: kube.example", "");
        watch.Start();
        Assert.True(await watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)));
    }

    [Theory]
    [InlineData("token: abc", "Bearer abc")]
    [InlineData("tokenFile: token", "Bearer from-file")]
    [InlineData("{username: u, password: p}", "Basic dTpw")]
    public async Task Shows_what_the_user_has(string user, string expected)
    {
        await using FakeApiServer server = await FakeApiServer.StartAsync(s_authority.Server());
        server.Authorization = expected;
        Write("token", "from-file");
        await using ClusterWatch watch = Open(server, "insecure-skip-tls-verify: true", user);
        watch.Start();
        Assert.True(await watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)), watch.Trouble);
    }

    [Fact]
    public async Task Shows_a_client_certificate_and_a_renewed_one_when_it_was_refused()
    {
        await using FakeApiServer server = await FakeApiServer.StartAsync(s_authority.Server(), wantsClientCertificate: true);
        string accepted = "CN=first";
        server.Status = request => request.HttpContext.Connection.ClientCertificate?.Subject == Volatile.Read(ref accepted) ? 0 : 401;
        WriteClient("first");
        Write("ca.crt", s_authority.Pem);
        await using ClusterWatch watch = Open(server, "certificate-authority: ca.crt", "{client-certificate: client.crt, client-key: client.key}");
        watch.Start();
        Assert.True(await watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)), watch.Trouble);

        WriteClient("second");
        Volatile.Write(ref accepted, "CN=second");
        server.Pods.Add(Pod("a"));
        await UntilAsync(() => watch.State.PodByUid("uid-of-a") is not null);
        server.Pods.EndWatches();
        await UntilAsync(() => server.Connections.Any(static connection => connection.ClientCertificate == "CN=second"));
        server.Pods.Add(Pod("b"));
        await UntilAsync(() => watch.State.PodByUid("uid-of-b") is not null && watch.PodTrouble is null);
    }

    [Theory]
    [InlineData("client.authentication.k8s.io/v1")]
    [InlineData("client.authentication.k8s.io/v1beta1")]
    public async Task Runs_a_plugin_again_when_its_token_has_expired_or_was_refused(string version)
    {
        await using FakeApiServer server = await FakeApiServer.StartAsync(s_authority.Server());
        ManualTime time = new();
        string expires = time.GetUtcNow().AddMinutes(10).ToString("yyyy-MM-ddTHH:mm:ssZ");
        WriteProgram("plugin", $$$"""
            echo run >> "$RUNS"
            echo "$KUBERNETES_EXEC_INFO" > "$RUNS.info"
            echo noise >&2
            echo '{"apiVersion":"{{{version}}}","kind":"ExecCredential","status":{"expirationTimestamp":"{{{expires}}}","token":"'$1-$(wc -l < "$RUNS")'"} }'
            """);
        server.Authorization = "Bearer t-1";
        server.Pods.Add(Pod("a"));
        await using ClusterWatch watch = Open(server, "insecure-skip-tls-verify: true", $$"""
            exec: {apiVersion: {{version}}, command: ./plugin, args: [t], interactiveMode: IfAvailable, provideClusterInfo: true,
                env: [{name: RUNS, value: "{{_folder.File("runs")}}"}] }
            """, time);
        watch.Start();
        Assert.True(await watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)), watch.Trouble);
        await UntilAsync(() => server.Pods.Watchers == 1);
        Assert.Single(Runs());
        Assert.Equal($$$$"""{"apiVersion":"{{{{version}}}}","kind":"ExecCredential","spec":{"interactive":false,"cluster":{"server":"{{{{server.Url}}}}","insecure-skip-tls-verify":true}}}""", Read("runs.info").Trim());

        server.Authorization = "Bearer t-2";
        server.Pods.EndWatches();
        await UntilAsync(() => Runs().Length == 2 && server.Pods.Watchers == 1 && watch.PodTrouble is null, () => $"{watch.Trouble} after {Runs().Length} runs");

        // It has expired, so it is not even shown.
        time.Advance(600);
        server.Authorization = "Bearer t-3";
        int asked = server.Requests.Count;
        await UntilAsync(() => server.Services.Watchers == 1);
        server.Services.EndWatches();
        await UntilAsync(() => server.Requests.Count > asked && Runs().Length == 3);
    }

    [Fact]
    public async Task Uses_the_certificate_of_a_plugin()
    {
        await using FakeApiServer server = await FakeApiServer.StartAsync(s_authority.Server(), wantsClientCertificate: true);
        server.Status = static request => request.HttpContext.Connection.ClientCertificate?.Subject == "CN=from-plugin" ? 0 : 401;
        (string certificate, string key) = s_authority.Client("from-plugin");
        JsonObject credential = new()
        {
            ["apiVersion"] = "client.authentication.k8s.io/v1",
            ["kind"] = "ExecCredential",
            ["status"] = new JsonObject { ["clientCertificateData"] = certificate, ["clientKeyData"] = key },
        };
        Write("answer", credential.ToJsonString());
        WriteProgram("plugin", $"cat {_folder.File("answer")}");
        await using ClusterWatch watch = Open(server, "insecure-skip-tls-verify: true", "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin}");
        watch.Start();
        Assert.True(await watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)), watch.Trouble);
    }

    [Theory]
    [InlineData("echo secret; echo lost >&2; exit 3", "exec: .*/plugin failed with exit code 3: lost; install it")]
    [InlineData("echo secret", "exec: .*/plugin printed no ExecCredential in JSON")]
    [InlineData("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}'", "gave neither a token nor a client certificate")]
    [InlineData("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"x\"}}'", "printed no ExecCredential of client.authentication.k8s.io/v1 with")]
    public async Task Says_what_is_wrong_with_a_plugin_and_not_what_it_printed(string script, string expected)
    {
        await using FakeApiServer server = await FakeApiServer.StartAsync();
        WriteProgram("plugin", script);
        await using ClusterWatch watch = Open(server, "", "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, installHint: install it}");
        watch.Start();
        await UntilAsync(() => watch.Trouble is not null);
        Assert.Matches(expected, watch.Trouble);
        Assert.DoesNotContain("secret", watch.Trouble);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public void Names_what_a_service_account_lacks()
    {
        KubernetesOptions options = Quick with { InCluster = true, ServiceAccountPath = _folder.File("none"), ServiceHost = "10.96.0.1", ServicePort = "443" };
        Assert.Contains("service account: " + Path.Combine(options.ServiceAccountPath, "token") + " cannot be read", Fails(options));
        Write("token", "t");
        Write("ca.crt", "no certificate");
        Assert.Contains("service account: holds no certificate", Fails(options with { ServiceAccountPath = _folder.File(".") }));
        Assert.Contains("neither a kubeconfig", Fails(Quick));
    }

    private string Fails(KubernetesOptions options) => Assert.Throws<AgentException>(() => ClusterWatch.Create(options, _log)).Message;

    private KubernetesOptions InCluster(FakeApiServer server) => Quick with
    {
        InCluster = true,
        ServiceAccountPath = _folder.File("."),
        ServiceHost = "127.0.0.1",
        ServicePort = server.Port.ToString(),
    };

    private ClusterWatch Open(FakeApiServer server, string cluster, string user, TimeProvider? time = null)
    {
        Write("config", $"""
            apiVersion: v1
            kind: Config
            current-context: c
            contexts:
            - name: c
              context:
                cluster: k
                user: u
            clusters:
            - name: k
              cluster:
                server: {server.Url}
                {cluster}
            users:
            - name: u
              user:
                {user.ReplaceLineEndings("\n    ")}
            """);
        return ClusterWatch.Create(Quick with { ConfigPath = _folder.File("config") }, _log, time);
    }

    private string[] Runs() => File.ReadAllLines(_folder.File("runs"));

    private string Read(string name) => File.ReadAllText(_folder.File(name));

    /// <summary>Replaces a file at once, as the kubelet does.</summary>
    private void Write(string name, string text)
    {
        File.WriteAllText(_folder.File(name + ".new"), text);
        File.Move(_folder.File(name + ".new"), _folder.File(name), overwrite: true);
    }

    private void WriteClient(string name)
    {
        (string certificate, string key) = s_authority.Client(name);
        Write("client.crt", certificate);
        Write("client.key", key);
    }

    private void WriteProgram(string name, string script)
    {
        Write(name, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(_folder.File(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
