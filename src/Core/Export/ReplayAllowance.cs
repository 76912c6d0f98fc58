namespace KubeBpfBox.Core.Export;

/// <summary>How fast the spool may be sent: bytes a second, at most a second's worth at once or one batch.</summary>
internal sealed class ReplayAllowance(long bytesPerSecond)
{
    private double _bytes = bytesPerSecond;
    private TimeSpan _at;

    /// <summary>Time until something may be sent; zero when it may now.</summary>
    public TimeSpan Wait(TimeSpan now)
    {
        if (bytesPerSecond <= 0)
        {
            return TimeSpan.Zero;
        }
        _bytes = Math.Min(bytesPerSecond, _bytes + ((now - _at).TotalSeconds * bytesPerSecond));
        _at = now;
        return _bytes > 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((1 - _bytes) / bytesPerSecond);
    }

    /// <summary>So much was sent. A batch larger than the allowance is sent whole, and what follows waits the longer.</summary>
    public void Use(long bytes) => _bytes -= bytes;
}
