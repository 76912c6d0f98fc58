using KubeBpfBox.Agent;
using KubeBpfBox.Agent.Commands;

namespace KubeBpfBox.Unit.Commands;

[Collection("console")]
public sealed class CommandLineTests
{
    [Theory]
    [InlineData(new string[0], "a command is expected: run, observe, top, replay, check, version; see kubebpfbox --help")]
    [InlineData(new[] { "bottom" }, "'bottom' is no command or argument here; see kubebpfbox --help")]
    [InlineData(new[] { "observe", "--status", "9xx" }, "--status: '9xx' is not a status")]
    [InlineData(new[] { "observe", "--color", "blue" }, "'blue'")]
    [InlineData(new[] { "top", "--sort", "size" }, "'size'")]
    [InlineData(new[] { "top", "--last", "-1m" }, "--last: '-1m' is not allowed; allowed is a duration, such as 1m or 1h; see kubebpfbox top --help")]
    [InlineData(new[] { "top", "--interval", "1ms" }, "--interval: '1ms' is not allowed; allowed is a duration, from 100ms to 1h")]
    [InlineData(new[] { "top", "--server", "nowhere" }, "--server: 'nowhere' is not an address; allowed is http://HOST:PORT")]
    [InlineData(new[] { "run", "--bogus" }, "'--bogus' is no option here; see kubebpfbox run --help")]
    [InlineData(new[] { "observe", "-o", "xml" }, "Argument 'xml' not recognized. Must be one of:")]
    [InlineData(new[] { "observe", "--status", "20x" }, "--status: '20x' is not a status; allowed is a code from 100 to 599, or a class from 1xx to 5xx; see kubebpfbox observe --help")]
    [InlineData(new[] { "observe", "--slower-than", "5" }, "--slower-than: '5' is not a duration")]
    [InlineData(new[] { "observe", "--role", "both" }, "'both'")]
    [InlineData(new[] { "observe", "--server", "nowhere" }, "--server: 'nowhere' is not an address; allowed is http://HOST:PORT")]
    [InlineData(new[] { "replay" }, "Required argument")]
    [InlineData(new[] { "run", "--set", "streams.max_byte=1MiB" }, "--set: streams.max_byte: no such setting; did you mean streams.max_bytes")]
    [InlineData(new[] { "run", "--config", "/nowhere/config.yaml" }, "/nowhere/config.yaml: cannot be read")]
    public void Bad_usage_is_one_line_and_2(string[] args, string expected)
    {
        (int exit, string error, string output) = Run(args);
        Assert.Equal(ExitCode.Usage, exit);
        Assert.StartsWith("kubebpfbox: ", error, StringComparison.Ordinal);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Equal(error.Length - 1, error.IndexOf('\n', StringComparison.Ordinal));
        Assert.Empty(output);
    }

    [Theory]
    [InlineData("--help", "observe")]
    [InlineData("run --help", "--set")]
    [InlineData("observe --help", "--slower-than")]
    [InlineData("top --help", "--interval")]
    [InlineData("replay --help", "<FILE>")]
    [InlineData("check --help", "-o")]
    [InlineData("version", "SQLite 3.")]
    public void What_goes_well_is_0_and_on_standard_output(string args, string expected)
    {
        (int exit, string error, string output) = Run(args.Split(' '));
        Assert.Equal((ExitCode.Fine, string.Empty), (exit, error));
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_names_product_version_and_runtime()
    {
        string text = VersionCommand.Describe(["libx 1"]);
        Assert.Matches("^kubebpfbox [0-9]+\\.[0-9]+\\.[0-9]+( \\(commit [0-9a-f]+\\))?\n\\.NET 10\\.[^\n]+\nlibx 1$", text);
    }

    private static (int Exit, string Error, string Output) Run(string[] args)
    {
        (TextWriter output, TextWriter error) = (Console.Out, Console.Error);
        using StringWriter newOutput = new();
        using StringWriter newError = new();
        try
        {
            Console.SetOut(newOutput);
            Console.SetError(newError);
            return (CommandLine.Run(args), newError.ToString(), newOutput.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }
}
