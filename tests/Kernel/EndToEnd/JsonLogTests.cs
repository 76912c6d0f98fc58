using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>JSON lines in files and on standard output, and the agent's own log file.</summary>
[Collection(SharedAgent.Name)]
public sealed class JsonLogTests(AgentFixture fixture)
{
    [Fact]
    public void Every_request_is_a_line_in_files_that_are_rotated()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("requests.jsonl");
        const int Requests = 400;
        using (AgentProcess agent = new(fixture.CgroupPath, $"sinks.jsonlog.path={path}", "sinks.jsonlog.max_bytes=64KiB", "sinks.jsonlog.max_files=20",
                   $"App.LogSavePath={folder.PathOf("logs")}"))
        {
            using System.Net.Sockets.Socket socket = fixture.Inside(() => Traffic.Connect(fixture.Port));
            for (int i = 0; i < Requests; i++)
            {
                Traffic.Exchange(socket, $"GET /line/{i}?secret=1 HTTP/1.1\r\nHost: h\r\n\r\n");
            }
            Assert.Equal(2 * Requests, agent.LedgerAtRest()["jsonlog_log"].In);
            Assert.Equal(0, agent.Stop());
        }
        string[] files = Directory.GetFiles(Path.GetDirectoryName(path)!, "requests.jsonl*");
        Assert.True(files.Length > 2 && files.All(static file => new FileInfo(file).Length <= 64 << 10), string.Join(' ', files));
        string[] targets = [.. files.SelectMany(File.ReadAllLines).Select(static line => JsonDocument.Parse(line).RootElement.GetProperty("target").GetString()!)];
        Assert.Equal(2 * Requests, targets.Length);
        Assert.Equal(Requests, targets.Distinct().Count());
        Assert.DoesNotContain(targets, static target => target.Contains("secret", StringComparison.Ordinal));

        string log = File.ReadAllText(folder.PathOf("logs/agent.log"));
        Assert.Contains("info: kubebpfbox: traffic: cgroup_skb/egress attached", log, StringComparison.Ordinal);
    }

    [Fact]
    public void Standard_output_whose_reader_went_is_told_and_the_agent_goes_on()
    {
        int port = TcpPort.Free();
        using TemporaryFolder folder = new();
        string command = string.Join(' ', AgentProcess.Arguments(port, folder.PathOf("k.db"), fixture.CgroupPath, "sinks.jsonlog.path=-", $"App.LogSavePath={folder.FolderPath}"));
        using ChildProcess shell = ChildProcess.Start("/bin/sh", ["-c", $"sh -c 'echo $$; exec {AgentProcess.Program} {command}' | head -1; sleep 100"]);
        string log = folder.PathOf("agent.log");
        bool IsTold(string text) => File.Exists(log) && File.ReadAllText(log).Contains(text, StringComparison.Ordinal);
        shell.WaitUntil(() => IsTold("API on http"), "the agent's start", TimeSpan.FromSeconds(20));
        try
        {
            shell.WaitUntil(
                () =>
                {
                    fixture.Inside(() => Traffic.Get(fixture.Port, "/nobody-reads"));
                    return IsTold("nobody reads standard output any more");
                },
                "word of the reader that went", TimeSpan.FromSeconds(20));
            Assert.Contains("degraded: jsonlog: ", ChildProcess.Run("/usr/bin/curl", "-s", $"http://127.0.0.1:{port}/readyz"), StringComparison.Ordinal);
        }
        finally
        {
            System.Diagnostics.Process.GetProcessById(int.Parse(shell.Output.Split('\n')[0], System.Globalization.CultureInfo.InvariantCulture)).Kill();
        }
    }
}
