namespace KubeBpfBox.Plugins.OomKill;

/// <summary>Who was killed of late. The kernel marks each thread of a victim that asks for memory before it has ended.</summary>
/// <remarks>Bounded: beyond <see cref="MaxVictims"/> the oldest is forgotten.</remarks>
internal sealed class RecentVictims
{
    /// <summary>How long a process is remembered.</summary>
    public const long MemoryNs = 10_000_000_000;

    /// <summary>How many processes are remembered.</summary>
    public const int MaxVictims = 4096;

    private readonly HashSet<(uint Tgid, ulong StartTimeNs)> _known = [];
    private readonly Queue<(uint Tgid, ulong StartTimeNs, long SeenNs)> _oldestFirst = [];

    /// <summary>Remembers a process.</summary>
    /// <returns>False when it is known already.</returns>
    public bool TryAdd(uint tgid, ulong startTimeNs, long nowNs)
    {
        while (_oldestFirst.TryPeek(out var oldest) && nowNs - oldest.SeenNs > MemoryNs)
        {
            ForgetOldest();
        }
        if (!_known.Add((tgid, startTimeNs)))
        {
            return false;
        }
        if (_known.Count > MaxVictims)
        {
            ForgetOldest();
        }
        _oldestFirst.Enqueue((tgid, startTimeNs, nowNs));
        return true;
    }

    private void ForgetOldest()
    {
        (uint tgid, ulong startTimeNs, _) = _oldestFirst.Dequeue();
        _known.Remove((tgid, startTimeNs));
    }
}
