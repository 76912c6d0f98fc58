using System.CommandLine;
using System.CommandLine.Parsing;
using KubeBpfBox.Agent.Api;

namespace KubeBpfBox.Agent.Commands;

/// <summary>The options that say which transactions are wanted; the API's query parameters have the same names.</summary>
internal sealed class FilterOptions
{
    private readonly List<Option<string>> _options = [];

    public FilterOptions(Command command)
    {
        Add(command, "--namespace", "Only of this Kubernetes namespace.");
        Add(command, "--pod", "Only of this pod.");
        Add(command, "--workload", "Only of this workload: a Deployment or what else owns the pod; a systemd unit, a container or a process.");
        Add(command, "--protocol", "Only of this protocol, such as http.");
        Add(command, "--method", "Only with this method, such as GET.");
        Add(command, "--status", "Only with this status: 404, or 5xx for a class.");
        Add(command, "--slower-than", "Only what took longer, such as 100ms or 2s.");
        Add(command, "--role", "Only as seen by this end.").AcceptOnlyFromAmong("client", "server");
        Add(command, "--route", "Only of this route, as the series name it: /users/{id}.");
        Add(command, "--text", "Only with this in the target, the host, or a name of either end; case does not matter.");
    }

    /// <summary>The filter as the API's query: "status=5xx&amp;method=GET".</summary>
    public string ToQuery(ParseResult parsed) => string.Join('&', _options
        .Select(option => (Name: option.Name[2..], Value: parsed.GetValue(option)))
        .Where(static pair => pair.Value is not null)
        .Select(static pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value!)}"));

    private Option<string> Add(Command command, string name, string description)
    {
        Option<string> option = new(name) { Description = description };
        option.Validators.Add(result => Validate(result, name[2..]));
        _options.Add(option);
        command.Add(option);
        return option;
    }

    private static void Validate(OptionResult result, string name)
    {
        if (result.Tokens is [{ Value: string value }] && FilterQuery.Check(name, value) is { } problem)
        {
            result.AddError($"--{problem}");
        }
    }
}
