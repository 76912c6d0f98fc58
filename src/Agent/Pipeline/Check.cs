namespace KubeBpfBox.Agent.Pipeline;

/// <summary>Probes the kernel.</summary>
internal static class Check
{
    /// <summary>Prints what was found.</summary>
    /// <returns>The process's exit code.</returns>
    public static int Run(string output) => throw new AgentException($"check -o {output}: this build has no plugins");
}
