using System.CommandLine;

namespace KubeBpfBox.Agent.Commands;

/// <summary>The options of a command that asks a running agent.</summary>
internal sealed class ServerOptions
{
    private readonly Option<string> _server = new("--server") { Description = "The agent's address.", DefaultValueFactory = static _ => "http://127.0.0.1:9500", HelpName = "URL" };
    private readonly Option<string?> _token = new("--token") { Description = "The agent's token; the environment variable KUBEBPFBOX_API_TOKEN is used otherwise." };

    public ServerOptions(Command command)
    {
        _server.Validators.Add(static result =>
        {
            if (result.Tokens is [{ Value: string value }] && !IsServer(value))
            {
                result.AddError($"--server: '{value}' is not an address; allowed is http://HOST:PORT");
            }
        });
        command.Add(_server);
        command.Add(_token);
    }

    public Uri UrlOf(ParseResult parsed) => new(parsed.GetValue(_server)!);

    /// <summary>Null for none.</summary>
    public string? TokenOf(ParseResult parsed) => parsed.GetValue(_token) ?? Environment.GetEnvironmentVariable("KUBEBPFBOX_API_TOKEN");

    private static bool IsServer(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" && uri.Query.Length == 0;
}
