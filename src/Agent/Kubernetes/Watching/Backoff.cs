namespace KubeBpfBox.Agent.Kubernetes.Watching;

/// <summary>Waits that double, each a quarter shorter or longer by chance, so that not all nodes come back at once.</summary>
internal sealed class Backoff(TimeSpan min, TimeSpan max)
{
    private int _doublings;

    /// <summary>The next wait.</summary>
    public TimeSpan Next()
    {
        TimeSpan wait = min * (1 << _doublings);
        if (wait >= max)
        {
            return Jitter.Around(max * 0.75);
        }
        _doublings++;
        return Jitter.Around(wait);
    }

    /// <summary>All is well again.</summary>
    public void Reset() => _doublings = 0;
}

/// <summary>Chance in waiting times; no secret depends on it.</summary>
internal static class Jitter
{
    /// <summary>A quarter less up to a quarter more.</summary>
    public static TimeSpan Around(TimeSpan time) => time * (0.75 + (0.5 * Fraction()));

    /// <summary>As long up to twice as long.</summary>
    public static TimeSpan UpToTwice(TimeSpan time) => time * (1 + Fraction());

#pragma warning disable CA5394 // Chance spreads requests over time here.
    private static double Fraction() => Random.Shared.NextDouble();
#pragma warning restore CA5394
}
