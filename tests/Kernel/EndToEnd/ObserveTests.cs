using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

[Collection(SharedAgent.Name)]
public sealed class ObserveTests(AgentFixture fixture)
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void A_request_is_told_from_both_ends(string address)
    {
        IPAddress ip = IPAddress.Parse(address);
        string target = $"/both/{(ip.GetAddressBytes().Length == 4 ? 4 : 6)}";
        Answer answer = fixture.Inside(() => Traffic.Get(fixture.Port, target, address: ip));
        Assert.Equal(200, answer.Status);
        IReadOnlyList<JsonElement> both = fixture.Seen(target);
        Assert.Equal(["client", "server"], both.Select(static one => one.GetProperty("role").GetString()).Order());
        foreach (JsonElement one in both)
        {
            Assert.Equal("http", one.GetProperty("protocol").GetString());
            Assert.Equal("GET", one.GetProperty("method").GetString());
            Assert.Equal("test", one.GetProperty("host").GetString());
            Assert.Equal(200, one.GetProperty("status").GetInt32());
            Assert.Equal(answer.RequestBytes, one.GetProperty("request_bytes").GetInt64());
            Assert.Equal(answer.ResponseBytes, one.GetProperty("response_bytes").GetInt64());
            Assert.Equal(NginxServer.PageBytes, one.GetProperty("response_body_bytes").GetInt64());
            Assert.Equal(new IPEndPoint(ip, fixture.Port), IPEndPoint.Parse(one.GetProperty("server").GetString()!));
            Assert.Equal(ip, IPEndPoint.Parse(one.GetProperty("client").GetString()!).Address);
            Assert.InRange(one.GetProperty("duration_ns").GetInt64(), 1, 20_000_000_000);
        }
        Assert.Equal("nginx", fixture.Seen(target, "server").GetProperty("destination").GetProperty("workload").GetString());
        string own = File.ReadAllText("/proc/self/comm").TrimEnd();
        Assert.Equal(own, fixture.Seen(target, "client").GetProperty("source").GetProperty("workload").GetString());
    }

    [Fact]
    public void Curl_is_named()
    {
        AptPackages.Require("curl", "curl");
        fixture.Inside(() => ChildProcess.Run("curl", "-s", "--noproxy", "*", $"http://127.0.0.1:{fixture.Port}/by-curl"));
        Assert.Equal("curl", fixture.Seen("/by-curl", "client").GetProperty("source").GetProperty("process").GetString());
    }

    [Fact]
    public void A_server_started_just_now_is_named_at_its_first_request()
    {
        string python = AptPackages.Require("python3", "python3");
        string? name = null;
        // A machine that is busy with other things may make one look through /proc too slow; not all.
        for (int i = 0; i < 3 && name is null or "unknown"; i++)
        {
            int port = TcpPort.Free();
            // Says when it listens: nothing may connect before the one request that counts.
            using ChildProcess server = fixture.Inside(() => ChildProcess.Start(python, "-c",
                $"import http.server as h\ns = h.HTTPServer(('127.0.0.1', {port}), h.SimpleHTTPRequestHandler)\nprint('listening', flush=True)\ns.serve_forever()"));
            server.WaitForText("listening", TimeSpan.FromSeconds(20));
            string target = $"/first/{i}";
            fixture.Inside(() => Traffic.Get(port, target));
            name = fixture.Seen(target, "server").GetProperty("destination").GetProperty("workload").GetString();
        }
        Assert.StartsWith("python", name, StringComparison.Ordinal);
    }

    [Fact]
    public void A_container_is_named_by_its_cgroup()
    {
        const string Id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        string python = AptPackages.Require("python3", "python3");
        string folder = Path.Combine(fixture.CgroupPath, "docker", Id);
        Directory.CreateDirectory(folder);
        try
        {
            int port = TcpPort.Free();
            using (ChildProcess server = ChildProcess.Start("sh", "-c", $"echo $$ > {folder}/cgroup.procs; exec {python} -m http.server --bind 127.0.0.1 {port}"))
            {
                server.WaitForPort(new IPEndPoint(IPAddress.Loopback, port), TimeSpan.FromSeconds(20));
                fixture.Inside(() => Traffic.Get(port, "/in-container"));
                JsonElement destination = fixture.Seen("/in-container", "server").GetProperty("destination");
                Assert.Equal(Id, destination.GetProperty("container_id").GetString());
                Assert.Equal(Id[..12], destination.GetProperty("workload").GetString());
            }
        }
        finally
        {
            RemoveCgroup(folder);
            RemoveCgroup(Path.GetDirectoryName(folder)!);
        }
    }

    [Fact]
    public void Filters_pass_what_they_name_and_nothing_else()
    {
        (string[] Filter, string[] Expected)[] cases =
        [
            (["--status", "5xx"], ["GET /500 client", "GET /500 server"]),
            (["--slower-than", "200ms"], ["GET /slow client", "GET /slow server"]),
            (["--method", "HEAD"], ["HEAD /filter client", "HEAD /filter server"]),
            (["--role", "server", "--status", "404"], ["GET /404 server"]),
            (["--workload", "nginx", "--status", "204"], ["GET /204 server"]),
        ];
        ChildProcess[] observers = [.. cases.Select(one => fixture.Agent.Observe([.. one.Filter, "-o", "json"]))];
        try
        {
            fixture.Inside(() => (string[])["/500", "/404", "/204", "/slow", "/filter"]).ToList()
                .ForEach(target => fixture.Inside(() => Traffic.Get(fixture.Port, target)));
            fixture.Inside(() => Traffic.Get(fixture.Port, "/filter", "HEAD"));
            fixture.Seen("/filter", count: 4);
            foreach ((ChildProcess observer, string[] expected) in observers.Zip(cases.Select(static one => one.Expected)))
            {
                observer.WaitUntil(() => Lines(observer).Length >= expected.Length, string.Join(", ", expected), TimeSpan.FromSeconds(20));
                Assert.Equal(expected, Lines(observer).Order());
            }
        }
        finally
        {
            Array.ForEach(observers, static observer => observer.Dispose());
        }

        static string[] Lines(ChildProcess observer) => [.. observer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line =>
        {
            using JsonDocument one = JsonDocument.Parse(line);
            return $"{one.RootElement.GetProperty("method")} {one.RootElement.GetProperty("target")} {one.RootElement.GetProperty("role")}";
        })];
    }

    [Fact]
    public void A_reader_that_goes_away_ends_the_observer()
    {
        int before = fixture.Agent.Watchers();
        using ChildProcess pipe = ChildProcess.Start("bash", "-c", $"{AgentProcess.Program} observe --server {fixture.Agent.Url} | head -1; echo \"ended ${{PIPESTATUS[0]}}\"");
        pipe.WaitUntil(() => fixture.Agent.Watchers() > before, "a subscription", TimeSpan.FromSeconds(20));
        fixture.Inside(() => Traffic.Get(fixture.Port, "/piped"));
        // No further request: the observer notices by itself.
        pipe.WaitForExit(TimeSpan.FromSeconds(20));
        Assert.Contains("GET", pipe.Output, StringComparison.Ordinal);
        Assert.EndsWith("ended 0\n", pipe.Output, StringComparison.Ordinal);
        Assert.Empty(pipe.Errors);
    }

    [Fact]
    public void Bytes_that_would_command_a_terminal_do_not_reach_it()
    {
        using SocketServer server = new(static socket =>
        {
            Traffic.ReadHead(socket);
            socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8);
        });
        using ChildProcess observer = fixture.Agent.Observe();
        fixture.Inside(() =>
        {
            // A control sequence introducer of one byte, one in UTF-8, and an escape where a detector does not look.
            using Socket socket = Traffic.Connect(server.Port);
            return Traffic.Exchange(socket, "GET /esc\u009b31m\u00c2\u009b32m\u00ffend HTTP/1.1\r\nHost: a\u001b]0;owned\u0007b\r\n\r\n");
        });
        observer.WaitForText("end", TimeSpan.FromSeconds(20));
        string line = observer.Output.Split('\n').First(static line => line.Contains("end", StringComparison.Ordinal));
        Assert.Contains(@"a\x1b]0;owned\x07b/esc\x9b31m\xc2\x9b32m\xffend", line, StringComparison.Ordinal);
        Assert.DoesNotContain(line, char.IsControl);
    }

    [Fact]
    public void An_observer_outlives_its_agent_and_goes_on_with_the_next()
    {
        using TemporaryFolder folder = new();
        int port = TcpPort.Free();
        string[] arguments = [.. AgentProcess.Arguments(port, folder.PathOf("a.db"), fixture.CgroupPath)];
        ChildProcess agent = ChildProcess.Start(AgentProcess.Program, arguments);
        agent.WaitForText("captures", TimeSpan.FromSeconds(20));
        using ChildProcess observer = ChildProcess.Start(AgentProcess.Program, "observe", "--server", $"http://127.0.0.1:{port}");
        try
        {
            observer.WaitUntil(() => Saw("/before"), "the first request", TimeSpan.FromSeconds(20));
            agent.Dispose();
            observer.WaitForText("trying again", TimeSpan.FromSeconds(20));
            agent = ChildProcess.Start(AgentProcess.Program, arguments);
            observer.WaitForText("connected", TimeSpan.FromSeconds(30));
            observer.WaitUntil(() => Saw("/after"), "the second request", TimeSpan.FromSeconds(20));
            Assert.Equal(2, observer.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        }
        finally
        {
            agent.Dispose();
        }

        bool Saw(string target)
        {
            fixture.Inside(() => Traffic.Get(fixture.Port, target));
            return observer.Output.Contains(target, StringComparison.Ordinal);
        }
    }

    private static void RemoveCgroup(string folder)
    {
        for (int attempt = 0; attempt < 200 && Directory.Exists(folder); attempt++)
        {
            try
            {
                Directory.Delete(folder);
            }
            catch (IOException)
            {
                Thread.Sleep(10);
            }
        }
    }
}
