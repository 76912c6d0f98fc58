using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary><c>top</c> in front of a real agent: without a terminal, and in one that is driven by keys.</summary>
[Collection(SharedAgent.Name)]
public sealed class TopTests(AgentFixture fixture)
{
    private string Command => $"{AgentProcess.Program} top --interval 200ms --server {fixture.Agent.Url}";

    [Fact]
    public void Once_it_is_a_table_of_text()
    {
        Make("/top/text");
        (int exit, string output, string errors) = AgentProcess.Run("top", "--server", fixture.Agent.Url, "--last", "5m");
        Assert.Equal((0, string.Empty), (exit, errors));
        Assert.DoesNotContain('\e', output);
        string[] lines = output.Split('\n');
        Assert.StartsWith("kubebpfbox  server side, last 5m", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^WORKLOAD +REQ/S▼ +ERR % +P50 +P90 +P99 +MAX RATE", lines[3]);
        Assert.Matches(@"^nginx +[0-9.]+ +[0-9.]+ +[0-9.]+(µs|ms|s) ", lines.Single(static line => line.StartsWith("nginx ", StringComparison.Ordinal)));

        string own = File.ReadAllText("/proc/self/comm").TrimEnd();
        Assert.Contains($"\n{own} ", AgentProcess.Run("top", "--once", "--role", "client", "--server", fixture.Agent.Url).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Once_it_is_an_object_a_line()
    {
        Make("/top/json");
        (int exit, string output, _) = AgentProcess.Run("top", "-o", "json", "--server", fixture.Agent.Url);
        Assert.Equal(0, exit);
        JsonElement[] rows = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement)];
        JsonElement nginx = rows.Single(static row => row.GetProperty("workload").GetString() == "nginx");
        Assert.True(nginx.GetProperty("requests").GetInt64() >= 1);
        Assert.True(nginx.GetProperty("p99_ns").GetInt64() > 0);
    }

    [Fact]
    public void Without_an_agent_one_line_says_so()
    {
        (int exit, string output, string errors) = AgentProcess.Run("top", "--server", $"http://127.0.0.1:{TcpPort.Free()}");
        Assert.Equal((1, string.Empty), (exit, output));
        Assert.Matches(@"^kubebpfbox: no agent answers at http://127\.0\.0\.1:[0-9]+ \(connection refused\); start one with: [^\n]+\n$", errors);
    }

    [Fact]
    public void Keys_sort_filter_open_and_quit_and_the_terminal_is_as_before()
    {
        Make("/top/4711");
        using TmuxTerminal terminal = new();
        terminal.Run($"stty -a > {terminal.PathOf("before")}; echo seen before");
        terminal.WaitFor("\nseen before");
        terminal.Run($"{Command}; echo \"ended $?\"");
        terminal.WaitFor("\nnginx ");
        Assert.Equal((true, false), (terminal.IsAlternate, terminal.HasCursor));
        Assert.Equal(24, terminal.Screen.Split('\n').Length - 1);

        terminal.Type("ss");
        terminal.WaitFor("ERR %▼");
        terminal.Type("r");
        terminal.WaitFor("ERR %▲");
        terminal.Type("<<r");
        terminal.WaitFor("REQ/S▲");

        terminal.Type("/zzz");
        terminal.WaitFor("No workload matches");
        terminal.Press("BSpace", "BSpace", "BSpace");
        terminal.Type("NGI");
        terminal.WaitFor("\nFilter: NGI_");
        terminal.Press("Enter");
        terminal.WaitUntil(static screen => screen.Contains("1 workloads", StringComparison.Ordinal) && screen.Contains("\nnginx ", StringComparison.Ordinal), "nginx alone");

        terminal.Press("Enter");
        terminal.WaitFor("GET /top/{id}");
        terminal.WaitFor("CALLER");
        terminal.Press("Escape");
        terminal.WaitFor("WORKLOAD");
        terminal.Type("?");
        terminal.WaitFor("the other way round");
        terminal.Type("q");
        terminal.WaitFor("WORKLOAD");

        terminal.Resize(60, 16);
        terminal.WaitUntil(static screen => screen.Split('\n').Length == 17 && !screen.Contains("RATE", StringComparison.Ordinal) && screen.Contains("\nnginx ", StringComparison.Ordinal), "a smaller table");

        terminal.Type("q");
        terminal.WaitFor("ended 0");
        Assert.Equal((false, true), (terminal.IsAlternate, terminal.HasCursor));
        Assert.Contains("seen before", terminal.Screen, StringComparison.Ordinal);
        Assert.DoesNotContain("WORKLOAD", terminal.Screen, StringComparison.Ordinal);
        AssertRestored(terminal);
    }

    [Theory]
    [InlineData("C-c")]
    [InlineData("TERM")]
    [InlineData("HUP")]
    public void However_it_ends_the_terminal_is_given_back(string how)
    {
        using TmuxTerminal terminal = new();
        terminal.Run($"stty -a > {terminal.PathOf("before")}; {Command} & echo $! > {terminal.PathOf("pid")}; fg; echo \"ended $?\"");
        terminal.WaitUntil(_ => terminal.IsAlternate, "the table");
        if (how == "C-c")
        {
            terminal.Press("C-c");
        }
        else
        {
            ChildProcess.Run("bash", "-c", $"kill -{how} {File.ReadAllText(terminal.PathOf("pid"))}");
        }
        terminal.WaitFor("ended 0");
        Assert.Equal((false, true), (terminal.IsAlternate, terminal.HasCursor));
        AssertRestored(terminal);
    }

    [Fact]
    public void Stopped_by_a_key_it_goes_on_where_it_was()
    {
        Make("/top/stopped");
        using TmuxTerminal terminal = new();
        terminal.Run(Command);
        terminal.WaitFor("\nnginx ");
        terminal.Press("C-z");
        terminal.WaitFor("Stopped");
        Assert.Equal((false, true), (terminal.IsAlternate, terminal.HasCursor));
        terminal.Run("fg");
        terminal.WaitFor("\nnginx ");
        Assert.Equal((true, false), (terminal.IsAlternate, terminal.HasCursor));
        terminal.Type("q");
        terminal.WaitUntil(_ => !terminal.IsAlternate, "the shell");
    }

    [Fact]
    public void It_needs_no_environment_and_a_dumb_terminal_gets_text()
    {
        Make("/top/bare");
        using TmuxTerminal terminal = new();
        terminal.Run($"env -i {Command}; echo \"bare $?\"");
        terminal.WaitFor("\nnginx ");
        terminal.Type("c");
        terminal.WaitFor("client side");
        terminal.Type("q");
        terminal.WaitFor("bare 0");

        string before = terminal.Bytes;
        terminal.Run($"clear; TERM=dumb {Command}; echo \"ended $?\"");
        terminal.WaitFor("ended 0");
        Assert.Contains("\nnginx ", terminal.Screen, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[?1049h", terminal.Bytes[before.Length..], StringComparison.Ordinal);
    }

    [Fact]
    public void It_outlives_its_agent()
    {
        using TemporaryFolder folder = new();
        int port = TcpPort.Free();
        string[] arguments = [.. AgentProcess.Arguments(port, folder.PathOf("a.db"), fixture.CgroupPath)];
        ChildProcess agent = ChildProcess.Start(AgentProcess.Program, arguments);
        try
        {
            agent.WaitForText("captures", TimeSpan.FromSeconds(20));
            fixture.Inside(() => Traffic.Get(fixture.Port, "/top/before"));
            using TmuxTerminal terminal = new();
            terminal.Run($"{AgentProcess.Program} top --interval 200ms --server http://127.0.0.1:{port}");
            terminal.WaitFor("\nnginx ");
            agent.Dispose();
            terminal.WaitFor("the agent does not answer");
            Assert.Contains("\nnginx ", terminal.Screen, StringComparison.Ordinal);
            agent = ChildProcess.Start(AgentProcess.Program, arguments);
            terminal.WaitUntil(static screen => !screen.Contains("does not answer", StringComparison.Ordinal), "agent again");
            terminal.Type("q");
            terminal.WaitUntil(_ => !terminal.IsAlternate, "the shell");
        }
        finally
        {
            agent.Dispose();
        }
    }

    [Fact]
    public void Observe_on_a_terminal_has_columns_and_colours_and_ends_well_on_ctrl_c()
    {
        using TmuxTerminal terminal = new(columns: 160);
        int before = fixture.Agent.Watchers();
        string observe = $"{AgentProcess.Program} observe --role server --workload nginx --server {fixture.Agent.Url}";
        terminal.Run($"clear; {observe}; echo \"ended $?\"");
        Until(before + 1);
        fixture.Inside(() => Traffic.Get(fixture.Port, "/404"));
        terminal.WaitFor("/404");
        string[] lines = [.. terminal.Screen.Split('\n').Where(static line => line.Contains("HOST AND TARGET", StringComparison.Ordinal) || line.Contains("/404", StringComparison.Ordinal))];
        Assert.Equal(lines[0].IndexOf("METHOD", StringComparison.Ordinal), lines[1].IndexOf("GET", StringComparison.Ordinal));
        terminal.WaitForBytes("\e[33m404\e[0m");
        terminal.Press("C-c");
        terminal.WaitFor("ended 0");

        int colored = terminal.Bytes.Length;
        Until(before);
        terminal.Run($"clear; NO_COLOR=1 {observe}");
        Until(before + 1);
        fixture.Inside(() => Traffic.Get(fixture.Port, "/404"));
        terminal.WaitFor("/404");
        Assert.DoesNotContain("\e[33m", terminal.Bytes[colored..], StringComparison.Ordinal);
        terminal.Press("C-c");
        Until(before);

        void Until(int watchers) => fixture.Agent.Until(() => fixture.Agent.Watchers() == watchers, $"{watchers} watchers");
    }

    [Theory]
    [InlineData("always", true)]
    [InlineData("auto", false)]
    [InlineData("never", false)]
    public void Observe_colours_a_pipe_when_told_to(string color, bool expected)
    {
        using ChildProcess observer = fixture.Agent.Observe("--role", "server", "--color", color);
        fixture.Inside(() => Traffic.Get(fixture.Port, $"/color/{color}"));
        observer.WaitForText($"/color/{color}", TimeSpan.FromSeconds(20));
        Assert.Equal(expected, observer.Output.Contains("\e[32m200\e[0m", StringComparison.Ordinal));
        // Names of columns are for people at a terminal.
        Assert.DoesNotContain("HOST AND TARGET", observer.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Observe_as_json_into_head_ends_at_once()
    {
        int before = fixture.Agent.Watchers();
        using ChildProcess pipe = ChildProcess.Start("bash", "-c", $"{AgentProcess.Program} observe -o json --server {fixture.Agent.Url} | head -1; echo \"ended ${{PIPESTATUS[0]}}\"");
        pipe.WaitUntil(() => fixture.Agent.Watchers() > before, "a subscription", TimeSpan.FromSeconds(20));
        fixture.Inside(() => Traffic.Get(fixture.Port, "/head"));
        pipe.WaitForExit(TimeSpan.FromSeconds(20));
        string[] lines = pipe.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Equal("/head", JsonDocument.Parse(lines[0]).RootElement.GetProperty("target").GetString());
        Assert.Equal("ended 0", lines[1]);
    }

    private void Make(string target)
    {
        fixture.Inside(() => Traffic.Get(fixture.Port, target));
        fixture.Seen(target);
    }

    /// <summary>The last that was written gives the screen back and shows the cursor, and keys work as before.</summary>
    private static void AssertRestored(TmuxTerminal terminal)
    {
        terminal.Run($"stty -a > {terminal.PathOf("after")}; echo compared");
        terminal.WaitFor("\ncompared");
        Assert.Equal(WithoutSize("before"), WithoutSize("after"));
        string bytes = terminal.Bytes;
        int left = bytes.LastIndexOf("\e[?1049l\e[?25h", StringComparison.Ordinal);
        Assert.True(left > bytes.LastIndexOf("\e[?1049h", StringComparison.Ordinal) && left > bytes.LastIndexOf("\e[?25l", StringComparison.Ordinal), "the alternate screen was not left last");

        // rows and columns are the window's.
        string WithoutSize(string name) => string.Join(';', File.ReadAllText(terminal.PathOf(name)).Split(';').Where(static part => !part.Contains("rows", StringComparison.Ordinal) && !part.Contains("columns", StringComparison.Ordinal)));
    }
}
