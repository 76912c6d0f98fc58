using System.Collections;
using System.CommandLine;
using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Agent.Pipeline;

namespace KubeBpfBox.Agent.Commands;

/// <summary><c>kubebpfbox run</c>: the agent.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        Option<string?> config = new("--config") { Description = "Configuration file (YAML)." };
        Option<string[]> set = new("--set") { Description = "Set one key, over the file and the environment; may be given several times.", HelpName = "KEY=VALUE" };
        Option<bool> quiet = new("--quiet", "-q") { Description = "Print no requests, even on a terminal." };
        Command command = new("run", "Run the agent: capture, store, and serve the API and /metrics.") { config, set, quiet };
        command.SetAction(parsed => Run(parsed.GetValue(config), parsed.GetValue(set) ?? [], parsed.GetValue(quiet)));
        return command;
    }

    internal static int Run(string? file, IReadOnlyList<string> sets, bool quiet)
    {
        IDictionary environment = Environment.GetEnvironmentVariables();
        AgentOptions options = ConfigurationLoader.Load(file, sets, environment);
        using StopSignals signals = new();
        bool showsLive = !quiet && !Console.IsOutputRedirected && options.JsonLogPath != "-";
        return AgentRun.RunAsync(options, showsLive, signals.Token).GetAwaiter().GetResult();
    }
}
