using System.CommandLine;
using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Agent.Pipeline;

namespace KubeBpfBox.Agent.Commands;

/// <summary><c>kubebpfbox check</c>: what this kernel allows.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        Option<string> output = CommandLine.Output("text", "json", "text");
        Option<string?> config = new("--config") { Description = "Configuration file (YAML) that the agent would run with." };
        Option<string[]> set = new("--set") { Description = "Set one key, over the file and the environment; may be given several times.", HelpName = "KEY=VALUE" };
        Command command = new("check", "Tell what this kernel allows, and which hook each plugin would take.") { output, config, set };
        command.SetAction(parsed => Check.Run(ConfigurationLoader.Load(parsed.GetValue(config), parsed.GetValue(set) ?? [], Environment.GetEnvironmentVariables()), parsed.GetValue(output)!));
        return command;
    }
}
