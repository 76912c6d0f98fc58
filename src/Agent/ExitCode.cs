namespace KubeBpfBox.Agent;

/// <summary>What the process returns.</summary>
internal static class ExitCode
{
    public const int Fine = 0;
    public const int Failed = 1;

    /// <summary>Bad usage or bad input.</summary>
    public const int Usage = 2;
}
