using System.Globalization;
using System.Text.Json;
using KubeBpfBox.Kube.Cluster;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube;

/// <summary>The API server goes away, and credentials change: the agent goes on with what it knows, and comes back by itself.</summary>
public sealed class ApiServerTests : IDisposable
{
    private const int Port = 8080;
    private const string ApiServer = "kube-apiserver";
    private const string Controllers = "kube-controller-manager";
    private static readonly TimeSpan s_outage = TimeSpan.FromSeconds(60);

    private readonly TestNamespace _namespace = new("kbb-outage");
    private readonly Pod _server;
    private bool _isDown;

    public ApiServerTests()
    {
        _namespace.Apply(Manifests.Pod("server", "httpd", Manifests.Httpd(Port)));
        _server = _namespace.Ready("server").Single();
    }

    public void Dispose()
    {
        if (_isDown)
        {
            StartApiServer();
        }
        _namespace.Dispose();
    }

    [Fact]
    public void Nothing_is_lost_while_the_api_server_is_away()
    {
        const string Mark = "/outage";
        Pod agent = AgentPod.Find();
        using Observer observer = _namespace.Observe(Mark, withoutApiServer: true);
        string script = $"n=0; while :; do n=$((n + 1)); curl -sS -o /dev/null 'http://{_server.Address}:{Port}/index.html?{Mark}&from=ticker&n='$n; sleep 0.1; done";
        _namespace.Apply(Manifests.Pod("ticker", "client", ["/bin/sh", "-c", script]));
        _namespace.Ready("ticker");

        StopApiServer();
        int atStop = Ticks(observer, Mark);
        Thread.Sleep(s_outage);
        int atStart = Ticks(observer, Mark);
        StartApiServer();

        AssertNewPodIsNamed("late", observer, Mark);
        _namespace.Delete("ticker");
        Thread.Sleep(1000);
        IReadOnlyList<Transaction> seen = observer.Transactions("from=ticker");
        int last = Ticks(observer, Mark);
        Assert.True(atStart - atStop > s_outage.TotalSeconds, $"{atStop} requests before, {atStart} at the end of the outage");
        // The last may have been cut off by the end of its pod.
        for (int n = 1; n < last; n++)
        {
            Transaction[] request = [.. seen.Where(one => one.Target.EndsWith($"&n={n}", StringComparison.Ordinal))];
            Assert.True(request.Select(static one => one.Role).Order().SequenceEqual(["client", "server"]), $"request {n} of {last}: {string.Join('\n', request)}");
        }
        seen.AssertAll(static one => one.IsBetween("ticker", "server"), "from ticker to server");
        Assert.Equal(agent.Containers.Single(), AgentPod.Find().Containers.Single());
    }

    [Fact]
    public void A_token_that_was_replaced_is_read_again()
    {
        const string Mark = "/token";
        Pod agent = AgentPod.Find();
        string tokenFile = $"/proc/{agent.FindProcess()}/root/var/run/secrets/kubernetes.io/serviceaccount/token";
        string before = File.ReadAllText(tokenFile);
        using Observer observer = _namespace.Observe(Mark, withoutApiServer: true);

        // Another signing key, so that the old token is refused; the secret that the pod has mounted is made anew with it.
        JsonElement spec = Kubectl.Get("pod", "-n", agent.Namespace, agent.Name).GetProperty("spec");
        string secret = spec.GetProperty("volumes").EnumerateArray().Where(static volume => volume.TryGetProperty("secret", out _))
            .Select(static volume => volume.GetProperty("secret").GetProperty("secretName").GetString()!).Single();
        StopApiServer();
        Node.Stop(Controllers);
        ChildProcess.Run(Node.Script("service-account-keys"));
        Node.Start(Controllers);
        StartApiServer();
        Kubectl.Run("delete", "secret", "-n", AgentPod.Namespace, secret);
        Kubectl.Apply($$$"""
            apiVersion: v1
            kind: Secret
            metadata: {name: {{{secret}}}, namespace: {{{AgentPod.Namespace}}}, annotations: {kubernetes.io/service-account.name: kubebpfbox}}
            type: kubernetes.io/service-account-token
            """);
        // kubelet looks every minute or so.
        Kubectl.Until(() => File.ReadAllText(tokenFile) != before, () => "another token in the agent's pod", TimeSpan.FromMinutes(3));

        AssertNewPodIsNamed("after-token", observer, Mark);
        Assert.Equal(agent.Containers.Single(), AgentPod.Find().Containers.Single());
    }

    /// <summary>Requests of a new pod carry its name, as soon as the agent follows the API server again.</summary>
    private void AssertNewPodIsNamed(string name, Observer observer, string mark)
    {
        _namespace.Apply(Manifests.Pod(name, "client", Manifests.Idle));
        Pod pod = _namespace.Ready(name).Single();
        int round = 0;
        Kubectl.Until(
            () =>
            {
                string target = $"{mark}&from={name}&round={++round}";
                Assert.Equal(1, Scene.Request(pod, $"http://{_server.Address}:{Port}/index.html?{target}", 1));
                Thread.Sleep(1000);
                IReadOnlyList<Transaction> seen = observer.Transactions(target + "&");
                seen.AssertAll(one => one.Source("pod") is null || one.Source("pod") == name, $"of {name}, or of a pod that is not known yet");
                return seen.Count == 2 && seen.All(one => one.IsBetween(name, "server"));
            },
            () => $"requests of {name} with its name: {string.Join('\n', observer.Transactions("from=" + name).TakeLast(2))}");
    }

    private static int Ticks(Observer observer, string mark) => observer.Transactions(mark + "&from=ticker")
        .Select(static one => int.Parse(one.Target[(one.Target.LastIndexOf('=') + 1)..], CultureInfo.InvariantCulture)).DefaultIfEmpty().Max();

    private void StopApiServer()
    {
        Node.Stop(ApiServer);
        _isDown = true;
    }

    private void StartApiServer()
    {
        Node.Start(ApiServer);
        _isDown = false;
        Kubectl.Until(
            static () =>
            {
                try
                {
                    return Kubectl.Get("nodes").GetProperty("items").EnumerateArray().Any(IsReady);
                }
                catch (InvalidOperationException)
                {
                    return false;
                }
            },
            static () => "a ready node");
    }

    private static bool IsReady(JsonElement node) => node.GetProperty("status").GetProperty("conditions").EnumerateArray()
        .Any(static condition => condition.GetProperty("type").GetString() == "Ready" && condition.GetProperty("status").GetString() == "True");
}
