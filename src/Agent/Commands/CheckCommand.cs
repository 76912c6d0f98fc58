using System.CommandLine;
using KubeBpfBox.Agent.Pipeline;

namespace KubeBpfBox.Agent.Commands;

/// <summary><c>kubebpfbox check</c>: what this kernel allows.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        Option<string> output = CommandLine.Output("text", "json", "text");
        Command command = new("check", "Tell what this kernel allows, and which hook each plugin would take.") { output };
        command.SetAction(parsed => Check.Run(parsed.GetValue(output)!));
        return command;
    }
}
