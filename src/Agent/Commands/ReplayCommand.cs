using System.CommandLine;
using KubeBpfBox.Agent.Pipeline;

namespace KubeBpfBox.Agent.Commands;

/// <summary><c>kubebpfbox replay</c>: transactions of capture files.</summary>
internal static class ReplayCommand
{
    public static Command Create()
    {
        Argument<string[]> files = new("FILE") { Description = "Capture files, pcap or pcapng, in any order; - is standard input.", Arity = ArgumentArity.OneOrMore };
        Option<string> output = CommandLine.Output("text", "json", "text", "summary");
        Command command = new("replay", "Print the transactions of capture files.") { files, output };
        command.SetAction(parsed => Replay.Run(parsed.GetValue(files)!, parsed.GetValue(output)!));
        return command;
    }
}
