using KubeBpfBox.Sinks.JsonLog;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>Standard output for the JSON log. Whoever reads it may go away; the agent goes on.</summary>
internal sealed class StandardOutputLines : ILineOutput
{
    private readonly StandardOutput _output = new();

    public string Name => "standard output";

    public bool TryWrite(ReadOnlySpan<byte> lines, out string? trouble)
    {
        try
        {
            trouble = _output.TryWrite(lines) ? null : "sinks.jsonlog.path is -, and nobody reads standard output any more: set it to a file, or start the agent anew";
        }
        catch (AgentException e)
        {
            trouble = e.Message;
        }
        return trouble is null;
    }

    public void Dispose() => _output.Dispose();
}
