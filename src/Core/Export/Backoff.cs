namespace KubeBpfBox.Core.Export;

/// <summary>How long to leave a server alone after failures.</summary>
internal sealed class Backoff(TimeSpan first, TimeSpan max)
{
    // A server that asks for more than this is asked again anyway: the answer may have been a mistake.
    private static readonly TimeSpan s_longestRetryAfter = TimeSpan.FromHours(1);

    private int _failures;

    /// <summary>It failed once more.</summary>
    /// <param name="retryAfter">What the server asked for.</param>
    /// <returns>The pause, half of it chance, so that a server that comes back is not met by all nodes at once.</returns>
    public TimeSpan Fail(TimeSpan? retryAfter)
    {
        double pause = Math.Min(max.TotalSeconds, first.TotalSeconds * Math.Pow(2, Math.Min(_failures++, 30)));
        TimeSpan own = TimeSpan.FromSeconds(pause * (0.5 + (Random.Shared.NextDouble() / 2)));
        TimeSpan asked = retryAfter is { } wanted && wanted < s_longestRetryAfter ? wanted : retryAfter is null ? TimeSpan.Zero : s_longestRetryAfter;
        // The chance is added to what was asked for, never taken from it.
        return asked > TimeSpan.Zero ? asked + TimeSpan.FromTicks(own.Ticks / 4) : own;
    }

    /// <summary>It works.</summary>
    public void Succeed() => _failures = 0;
}
