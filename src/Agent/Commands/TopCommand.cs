using System.CommandLine;
using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Agent.Top;

namespace KubeBpfBox.Agent.Commands;

/// <summary><c>kubebpfbox top</c>: a live table of workloads.</summary>
internal static class TopCommand
{
    private const long LeastIntervalNs = 100_000_000;
    private const long MostIntervalNs = 3_600_000_000_000;

    public static Command Create()
    {
        Option<string> output = CommandLine.Output("text", "json", "text");
        Option<string?> @namespace = new("--namespace") { Description = "Only of this Kubernetes namespace." };
        Option<string> role = CommandLine.Choice("--role", "Requests that workloads serve, or those that they make.", "server", "server", "client");
        Option<string> last = Duration("--last", "The range that is looked at, such as 1m or 1h.", "1m", static _ => true, "such as 1m or 1h");
        Option<string> sort = CommandLine.Choice("--sort", "What comes first.", "rate", [.. TopQuery.Sorts]);
        Option<string> interval = Duration("--interval", "How often the agent is asked.", "2s", static ns => ns is >= LeastIntervalNs and <= MostIntervalNs, "from 100ms to 1h");
        Option<bool> once = new("--once") { Description = "Print the table and end; so it does without a terminal." };
        Command command = new("top", "Show the workloads with their rate, errors and durations, live.") { output, @namespace, role, last, sort, interval, once };
        ServerOptions server = new(command);
        command.SetAction(parsed =>
        {
            TopQuery query = new() { Namespace = parsed.GetValue(@namespace), Role = parsed.GetValue(role)!, Last = parsed.GetValue(last)!, Sort = parsed.GetValue(sort)! };
            using StopSignals signals = new();
            using TopClient client = new(server.UrlOf(parsed), server.TokenOf(parsed));
            TopPresenter top = new(client, query);
            return (parsed.GetValue(output) == "json" ? top.PrintJsonAsync(signals.Token)
                : parsed.GetValue(once) || !TerminalTraits.IsInteractive ? top.PrintTextAsync(signals.Token)
                : top.RunAsync(IntervalOf(parsed.GetValue(interval)!), signals.Token)).GetAwaiter().GetResult();
        });
        return command;
    }

    private static TimeSpan IntervalOf(string text) => Units.TryParseDuration(text, out long ns) ? TimeSpan.FromTicks(ns / TimeSpan.NanosecondsPerTick) : default;

    private static Option<string> Duration(string name, string description, string defaultValue, Func<long, bool> isAllowed, string allowed)
    {
        Option<string> option = new(name) { Description = description, DefaultValueFactory = _ => defaultValue, HelpName = "DURATION" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string value }] && !(Units.TryParseDuration(value, out long ns) && ns > 0 && isAllowed(ns)))
            {
                result.AddError($"{name}: '{value}' is not allowed; allowed is a duration, {allowed}");
            }
        });
        return option;
    }
}
