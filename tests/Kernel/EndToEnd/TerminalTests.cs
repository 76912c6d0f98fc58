using System.Globalization;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary><c>run</c> on a terminal, which script(1) makes.</summary>
[Collection(SharedAgent.Name)]
public sealed class TerminalTests(AgentFixture fixture)
{
    [Fact]
    public void Requests_are_shown_as_they_come_and_a_flood_is_summed_up()
    {
        using Island island = new();
        using Run run = new(island.CgroupPath);
        island.Inside(() => Traffic.Get(island.Port, "/live"));
        run.Terminal.WaitForText("/live", TimeSpan.FromSeconds(20));
        string line = run.Terminal.Output.Split('\n').First(static line => line.Contains("/live", StringComparison.Ordinal));
        Assert.Contains("\e[32m", line, StringComparison.Ordinal);
        Assert.Contains("nginx", run.Terminal.Output, StringComparison.Ordinal);

        int before = run.Terminal.Output.Length;
        island.Flood("/flood", connections: 16, seconds: 2);
        run.Terminal.WaitForText("more were not shown", TimeSpan.FromSeconds(20));
        string output = run.Terminal.Output[before..];
        // Two seconds, with as many again for a slow machine and the open second: a flood would be thousands.
        Assert.InRange(output.Split('\n').Count(static line => line.Contains("/flood", StringComparison.Ordinal)), 1, 6 * 200);
    }

    [Fact]
    public void Quiet_shows_none()
    {
        using Run run = new(fixture.CgroupPath, "--quiet");
        fixture.Inside(() => Traffic.Get(fixture.Port, "/unseen"));
        fixture.Seen("/unseen");
        run.Stop();
        Assert.DoesNotContain("/unseen", run.Terminal.Output, StringComparison.Ordinal);
    }

    private sealed class Run : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public Run(string cgroup, params IEnumerable<string> options)
        {
            string arguments = string.Join(' ', [.. AgentProcess.Arguments(TcpPort.Free(), _folder.PathOf("a.db"), cgroup), .. options]);
            // A runner of tests may have set NO_COLOR for itself.
            Terminal = ChildProcess.Start(AptPackages.Require("script", "bsdutils"), "-qefc", $"echo $$ > {_folder.PathOf("pid")}; exec env -u NO_COLOR {AgentProcess.Program} {arguments}", "/dev/null");
            Terminal.WaitForText("captures", TimeSpan.FromSeconds(20));
        }

        public ChildProcess Terminal { get; }

        public void Stop()
        {
            int pid = int.Parse(File.ReadAllText(_folder.PathOf("pid")), CultureInfo.InvariantCulture);
            ChildProcess.Run("bash", "-c", $"kill -TERM {pid}");
            Terminal.WaitForExit(TimeSpan.FromSeconds(20));
            Assert.Equal(0, Terminal.ExitCode);
        }

        public void Dispose()
        {
            if (!Terminal.HasExited)
            {
                Stop();
            }
            Terminal.Dispose();
            _folder.Dispose();
        }
    }
}
