using System.CommandLine;
using KubeBpfBox.Agent.Configuration;

namespace KubeBpfBox.Agent.Commands;

/// <summary>The command line: what is accepted, and one clear line for what is not.</summary>
internal static class CommandLine
{
    /// <summary>Parses and runs.</summary>
    /// <returns>The process's exit code.</returns>
    public static int Run(string[] args)
    {
        RootCommand root = new("kubebpfbox shows every HTTP request of every process of this machine, captured in the kernel with eBPF.")
        {
            RunCommand.Create(),
            ObserveCommand.Create(),
            TopCommand.Create(),
            ReplayCommand.Create(),
            CheckCommand.Create(),
            VersionCommand.Create(),
        };
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            Tell(Problem(parsed));
            return ExitCode.Usage;
        }
        return Guard(() => parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }));
    }

    /// <summary>Writes one line to standard error.</summary>
    public static void Tell(string message) => Console.Error.WriteLine("kubebpfbox: " + message.ReplaceLineEndings(" "));

    /// <summary>An option that accepts one of a few words.</summary>
    public static Option<string> Choice(string name, string description, string defaultValue, params string[] choices)
    {
        Option<string> option = new(name) { Description = description, DefaultValueFactory = _ => defaultValue };
        option.AcceptOnlyFromAmong(choices);
        return option;
    }

    /// <summary>The option -o.</summary>
    public static Option<string> Output(string defaultValue, params string[] choices)
    {
        Option<string> option = Choice("-o", "Form of the output.", defaultValue, choices);
        option.Aliases.Add("--output");
        return option;
    }

    private static string Problem(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string name = command is RootCommand ? "kubebpfbox" : "kubebpfbox " + command.Name;
        // A word that fits nowhere explains the rest: what is missing is missing because of it.
        string problem = parsed.UnmatchedTokens is [string word, ..] ? $"'{word}' is no {(word.StartsWith('-') ? "option" : "command or argument")} here"
            : command is RootCommand ? "a command is expected: " + string.Join(", ", command.Subcommands.Select(static sub => sub.Name))
            : parsed.Errors[0].Message.Replace("\t", "", StringComparison.Ordinal).TrimEnd('.', '\n');
        return $"{problem}; see {name} --help";
    }

    private static int Guard(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (ConfigurationException e)
        {
            Tell(e.Message);
            return ExitCode.Usage;
        }
        catch (AgentException e)
        {
            Tell(e.Message);
            return ExitCode.Failed;
        }
    }
}
