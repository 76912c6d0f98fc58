using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

[Collection(SharedAgent.Name)]
public sealed class ApiTests(AgentFixture fixture)
{
    [Fact]
    public void Metrics_are_what_Prometheus_wants()
    {
        AptPackages.Require("promtool", "prometheus");
        fixture.Inside(() => Traffic.Get(fixture.Port, "/for-metrics"));
        fixture.Seen("/for-metrics");
        using ChildProcess check = ChildProcess.Start("bash", "-o", "pipefail", "-c", $"curl -sf --noproxy '*' {fixture.Agent.Url}/metrics | tee /dev/stderr | promtool check metrics");
        check.WaitForExit(TimeSpan.FromSeconds(20));
        Assert.True(check.ExitCode == 0, check.Output + check.Errors);
        Assert.Contains("http_route=\"/for-metrics\"", check.Errors, StringComparison.Ordinal);
        Assert.Contains("http_server_request_duration_seconds_bucket", check.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/healthz", 200)]
    [InlineData("GET", "/readyz", 200)]
    [InlineData("GET", "/api/status", 200)]
    [InlineData("HEAD", "/metrics", 200)]
    [InlineData("HEAD", "/api/ledger", 200)]
    [InlineData("HEAD", "/api/transactions/stream", 200)]
    [InlineData("POST", "/metrics", 405)]
    [InlineData("DELETE", "/api/red", 405)]
    [InlineData("GET", "/nowhere", 404)]
    [InlineData("GET", "/api/nowhere", 404)]
    [InlineData("GET", "/../etc/passwd", 404)]
    [InlineData("GET", "/api/transactions?limit=0", 400)]
    public void A_page_answers(string method, string target, int status) =>
        Assert.Equal(status, Ask(fixture.Agent.Port, IPAddress.Loopback, method, target, "localhost").Status);

    [Theory]
    [InlineData("evil.example", 421)]
    [InlineData("127.0.0.1.evil.example", 421)]
    [InlineData("localhost", 200)]
    [InlineData("127.0.0.1:1234", 200)]
    public void A_name_that_is_not_this_machine_s_is_not_served(string host, int status) =>
        Assert.Equal(status, Ask(fixture.Agent.Port, IPAddress.Loopback, "GET", "/metrics", host).Status);

    [Fact]
    public void Beyond_loopback_a_token_is_needed()
    {
        const string Token = "0123456789abcdef0123";
        using NetworkNamespace network = new();
        network.Ip("address", "add", "10.9.9.9/32", "dev", "lo");
        using TemporaryFolder folder = new();
        // Not ip netns exec: that hides /sys/fs/cgroup behind a /sys of its own.
        using ChildProcess agent = ChildProcess.Start("nsenter", $"--net={network.FilePath}", AgentProcess.Program, "run", "--set", "api.listen=0.0.0.0:9500", "--set", $"api.token={Token}",
            "--set", $"sinks.sqlite.path={folder.PathOf("a.db")}", "--set", $"plugins.traffic.cgroup_path={fixture.CgroupPath}");
        agent.WaitForText("captures", TimeSpan.FromSeconds(20));
        network.Enter(() =>
        {
            IPAddress address = IPAddress.Parse("10.9.9.9");
            Assert.Equal(200, Ask(9500, address, "GET", "/metrics", "10.9.9.9").Status);
            Assert.Equal(200, Ask(9500, address, "GET", "/healthz", "anything").Status);
            Assert.Equal(401, Ask(9500, address, "GET", "/api/status", "10.9.9.9").Status);
            Assert.Equal(401, Ask(9500, address, "GET", "/nowhere", "10.9.9.9").Status);
            Assert.Equal(401, Ask(9500, address, "GET", "/api/status", "10.9.9.9", "Authorization: Bearer wrong\r\n").Status);
            Assert.Equal(200, Ask(9500, address, "GET", "/api/status", "10.9.9.9", $"Authorization: Bearer {Token}\r\n").Status);
            // From within none is needed, as where it listens on loopback only; but not by another name.
            Assert.Equal(200, Ask(9500, IPAddress.Loopback, "GET", "/api/status", "localhost").Status);
            Assert.Equal(421, Ask(9500, IPAddress.Loopback, "GET", "/api/status", "evil.example").Status);
        });
    }

    private static Answer Ask(int port, IPAddress address, string method, string target, string host, string headers = "")
    {
        using Socket socket = Traffic.Connect(port, address);
        return Traffic.Exchange(socket, $"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n");
    }
}
