namespace KubeBpfBox.Agent;

/// <summary>What the terminal at standard output can do, by the usual signs.</summary>
/// <remarks>An unset TERM is no bad sign: a container's image has none, and its terminal is that of the person. Source: no-color.org.</remarks>
internal static class TerminalTraits
{
    /// <summary>Standard output is a terminal.</summary>
    public static bool IsTerminal => !Console.IsOutputRedirected;

    /// <summary>Keys can be read, and the cursor can be moved.</summary>
    public static bool IsInteractive => IsTerminal && !Console.IsInputRedirected && !IsDumb;

    /// <summary>Bold and reversed text may be written to standard output.</summary>
    public static bool HasStyles => IsTerminal && !IsDumb;

    /// <summary>Colours may be written to standard output.</summary>
    public static bool HasColors => HasStyles && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    private static bool IsDumb => Environment.GetEnvironmentVariable("TERM") == "dumb";
}
