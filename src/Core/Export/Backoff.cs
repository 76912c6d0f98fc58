namespace KubeBpfBox.Core.Export;

/// <summary>How long to leave a server alone after failures.</summary>
internal sealed class Backoff(TimeSpan first, TimeSpan max)
{
    private int _failures;

    /// <summary>It failed once more.</summary>
    /// <param name="retryAfter">What the server asked for.</param>
    /// <returns>The pause, half of it chance, so that a server that comes back is not met by all nodes at once.</returns>
    public TimeSpan Fail(TimeSpan? retryAfter)
    {
        double pause = Math.Min(max.TotalSeconds, first.TotalSeconds * Math.Pow(2, Math.Min(_failures++, 30)));
        TimeSpan own = TimeSpan.FromSeconds(pause * (0.5 + (Random.Shared.NextDouble() / 2)));
        // The chance is added to what was asked for, never taken from it.
        return ExportHttp.Bounded(retryAfter) is { } asked ? asked + TimeSpan.FromTicks(own.Ticks / 4) : own;
    }

    /// <summary>It works.</summary>
    public void Succeed() => _failures = 0;
}
