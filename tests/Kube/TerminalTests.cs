using System.Text.Json;
using KubeBpfBox.Kube.Cluster;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube;

/// <summary>In an incident: the agent's own commands by <c>kubectl exec</c>, its page by <c>kubectl port-forward</c>.</summary>
public sealed class TerminalTests(Scene scene) : IClassFixture<Scene>
{
    private const int Count = 25;

    [Fact]
    public void Top_by_exec_shows_the_deployment_once_or_live_in_a_terminal()
    {
        Assert.Equal(Count, Scene.Request(scene.Client, $"http://{scene.ClusterIp}/top", Count));

        long requests = 0;
        string said = string.Empty;
        // The open window is looked at once a second.
        Kubectl.Until(
            () =>
            {
                (int exitCode, string output, string errors) = AgentPod.Exec("top", "-o", "json", "--last", "15m", "--namespace", scene.Namespace);
                said = $"exit code {exitCode}: {errors}{output}";
                string? line = output.Split('\n').FirstOrDefault(static line => line.Contains("\"workload\":\"web-app\"", StringComparison.Ordinal));
                using JsonDocument row = JsonDocument.Parse(line ?? "{\"kind\":\"Deployment\",\"requests\":0}");
                Assert.Equal("Deployment", row.RootElement.GetProperty("kind").GetString());
                requests = row.RootElement.GetProperty("requests").GetInt64();
                return requests >= Count;
            },
            () => $"{Count} requests of web-app: {requests}; {said}",
            TimeSpan.FromSeconds(30));

        using TmuxTerminal terminal = new(columns: 120);
        terminal.Run($"{Node.Script("kubectl")} exec -it -n {AgentPod.Namespace} ds/kubebpfbox -- kubebpfbox top --last 15m --namespace {scene.Namespace}");
        terminal.WaitFor($"{scene.Namespace}/web-app");
        Assert.True(terminal.IsAlternate);
        terminal.Press("Enter");
        terminal.WaitFor("/top");
        terminal.Press("q");
        terminal.Press("q");
        terminal.WaitUntil(_ => !terminal.IsAlternate && terminal.HasCursor, "the shell again");
    }

    [Fact]
    public void Observe_by_exec_ends_when_nobody_reads_on()
    {
        using ChildProcess first = ChildProcess.Start("bash", "-c",
            $"'{Node.Script("kubectl")}' exec -n {AgentPod.Namespace} ds/kubebpfbox -- kubebpfbox observe -o json --text /first-line | head -1");
        Kubectl.Until(
            () =>
            {
                Scene.Request(scene.Client, $"http://{scene.ClusterIp}/first-line", 1);
                return first.HasExited;
            },
            () => "observe | head -1 to end");

        using JsonDocument line = JsonDocument.Parse(first.Output);
        Assert.Equal(scene.Namespace, line.RootElement.GetProperty("source").GetProperty("namespace").GetString());
    }

    [Fact]
    public void The_page_needs_no_token_through_a_port_forward_and_its_api_does_elsewhere()
    {
        Pod agent = AgentPod.Find();
        int port = TcpPort.Free();
        using ChildProcess forward = Kubectl.Start("port-forward", "-n", AgentPod.Namespace, agent.Name, $"{port}:9500");
        forward.WaitUntil(() => forward.Output.Contains("Forwarding from", StringComparison.Ordinal), "port-forward", Kubectl.Patience);

        // kubectl runs in the node's network, so there is its loopback.
        Assert.Contains("<div id=\"app\">", Node.InNetwork("curl", "-sS", "--fail", "--compressed", $"http://127.0.0.1:{port}/"), StringComparison.Ordinal);
        Assert.Contains("\"workloads\":[", Node.InNetwork("curl", "-sS", "--fail", $"http://127.0.0.1:{port}/api/workloads"), StringComparison.Ordinal);
        Assert.Contains("<div id=\"app\">", Node.InNetwork("curl", "-sS", "--fail", "--compressed", $"http://{agent.Address}:9500/"), StringComparison.Ordinal);
        Assert.Equal("401", Node.InNetwork("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", $"http://{agent.Address}:9500/api/workloads").Trim());
    }
}
