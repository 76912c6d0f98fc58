using System.CommandLine;
using KubeBpfBox.Agent.Live;

namespace KubeBpfBox.Agent.Commands;

/// <summary><c>kubebpfbox observe</c>: what a running agent sees, as it happens.</summary>
internal static class ObserveCommand
{
    public static Command Create()
    {
        Option<string> output = CommandLine.Output("text", "json", "text");
        Command command = new("observe", "Print what a running agent sees, as it happens.") { output };
        ServerOptions server = new(command);
        FilterOptions filter = new(command);
        command.SetAction(parsed =>
        {
            using StopSignals signals = new();
            using StandardOutput standardOutput = new();
            using ObserveClient client = new(server.UrlOf(parsed), server.TokenOf(parsed), $"output={parsed.GetValue(output)}&{filter.ToQuery(parsed)}", standardOutput.TryWrite, CommandLine.Tell);
            return RunAsync(client, signals.Token).GetAwaiter().GetResult();
        });
        return command;
    }

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
