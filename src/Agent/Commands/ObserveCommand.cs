using System.CommandLine;
using KubeBpfBox.Agent.Live;

namespace KubeBpfBox.Agent.Commands;

/// <summary><c>kubebpfbox observe</c>: what a running agent sees, as it happens.</summary>
internal static class ObserveCommand
{
    public static Command Create()
    {
        Option<string> output = CommandLine.Output("text", "json", "text");
        Option<string> server = new("--server") { Description = "The agent's address.", DefaultValueFactory = static _ => "http://127.0.0.1:9500", HelpName = "URL" };
        Option<string?> token = new("--token") { Description = "The agent's token; the environment variable KUBEBPFBOX_API_TOKEN is used otherwise." };
        server.Validators.Add(static result =>
        {
            if (result.Tokens is [{ Value: string value }] && !IsServer(value))
            {
                result.AddError($"--server: '{value}' is not an address; allowed is http://HOST:PORT");
            }
        });
        Command command = new("observe", "Print what a running agent sees, as it happens.") { output, server, token };
        FilterOptions filter = new(command);
        command.SetAction(parsed =>
        {
            Uri url = new($"{parsed.GetValue(server)!.TrimEnd('/')}/api/transactions/stream?output={parsed.GetValue(output)}&{filter.ToQuery(parsed)}");
            using StopSignals signals = new();
            using StandardOutput standardOutput = new();
            using ObserveClient client = new(url, parsed.GetValue(token) ?? Environment.GetEnvironmentVariable("KUBEBPFBOX_API_TOKEN"), standardOutput.TryWrite, CommandLine.Tell);
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

    private static bool IsServer(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" && uri.Query.Length == 0;
}
