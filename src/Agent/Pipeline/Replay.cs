namespace KubeBpfBox.Agent.Pipeline;

/// <summary>Runs capture files through streams, protocols and an output.</summary>
internal static class Replay
{
    /// <summary>Replays files.</summary>
    /// <returns>The process's exit code.</returns>
    public static int Run(IReadOnlyList<string> files, string output) => throw new AgentException($"replay of {files[0]} as {output}: this build has no capture reader");
}
