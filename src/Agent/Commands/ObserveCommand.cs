using System.CommandLine;
using KubeBpfBox.Agent.Live;

namespace KubeBpfBox.Agent.Commands;

/// <summary><c>kubebpfbox observe</c>: what a running agent sees, as it happens.</summary>
internal static class ObserveCommand
{
    public static Command Create()
    {
        Option<string> output = CommandLine.Output("text", "json", "text");
        Option<string> color = CommandLine.Choice("--color", "Colours in text; auto: on a terminal that has them, unless NO_COLOR is set.", "auto", "auto", "always", "never");
        Command command = new("observe", "Print what a running agent sees, as it happens.") { output, color };
        ServerOptions server = new(command);
        FilterOptions filter = new(command);
        command.SetAction(parsed =>
        {
            string form = parsed.GetValue(output) == "json" ? "json" : HasColors(parsed.GetValue(color)!) ? "terminal" : "text";
            using StopSignals signals = new();
            using StandardOutput standardOutput = new();
            using ObserveClient client = new(server.UrlOf(parsed), server.TokenOf(parsed), $"output={form}&{filter.ToQuery(parsed)}", standardOutput.TryWrite, CommandLine.Tell, showsHead: TerminalTraits.IsTerminal);
            return RunAsync(client, signals.Token).GetAwaiter().GetResult();
        });
        return command;
    }

    private static bool HasColors(string color) => color == "always" || (color == "auto" && TerminalTraits.HasColors);

    private static async Task<int> RunAsync(ObserveClient client, CancellationToken stop)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        // Notices a reader that goes away while there is nothing to write.
        Thread watch = new(() =>
        {
            while (!ended.IsCancellationRequested)
            {
                if (StandardOutput.WaitUntilClosed(500))
                {
                    ended.Cancel();
                }
            }
        }) { IsBackground = true, Name = "stdout-watch" };
        watch.Start();
        try
        {
            return await client.RunAsync(ended.Token).ConfigureAwait(false);
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            watch.Join();
        }
    }
}
