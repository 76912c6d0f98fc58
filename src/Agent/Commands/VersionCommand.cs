using System.CommandLine;

namespace KubeBpfBox.Agent.Commands;

/// <summary><c>kubebpfbox version</c>.</summary>
internal static class VersionCommand
{
    public static Command Create()
    {
        Command command = new("version", "Which build this is, and what it was built with.");
        command.SetAction(static _ =>
        {
            Console.Out.WriteLine(Describe(LinkedLibraries.Describe()));
            return ExitCode.Fine;
        });
        return command;
    }

    internal static string Describe(IEnumerable<string> libraries)
    {
        string commit = ProductVersion.Commit.Length == 0 ? string.Empty : $" (commit {ProductVersion.Commit})";
        return string.Join('\n', [$"kubebpfbox {ProductVersion.Version}{commit}", ProductVersion.Runtime, .. libraries]);
    }
}
