namespace KubeBpfBox.Core.Export;

/// <summary>A warning that may come thousands of times: the first is told, then one a minute with how many there were.</summary>
/// <remarks>Threads: one at a time.</remarks>
internal sealed class RareWarning(Action<string> warn)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);

    private TimeSpan? _next;
    private long _suppressed;

    /// <summary>Tells it, or counts it.</summary>
    /// <param name="now">Time since any start.</param>
    /// <param name="count">How many it stands for.</param>
    /// <param name="message">Makes the message.</param>
    /// <returns>True when it was told.</returns>
    public bool Tell(TimeSpan now, long count, Func<string> message)
    {
        if (now < _next)
        {
            _suppressed += count;
            return false;
        }
        warn(_suppressed == 0 ? message() : $"{message()} (and {_suppressed} more since the last message)");
        _suppressed = 0;
        _next = now + s_pause;
        return true;
    }
}
