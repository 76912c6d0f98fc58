namespace KubeBpfBox.Unit.Support;

/// <summary>Says what a piece of code allocates once it is warm: the least of some rounds on this thread, since the runtime itself allocates now and then.</summary>
/// <remarks>Use: <c>while (rounds.Next()) { … }</c>, then <see cref="Least"/>, which is 0 as soon as one round allocated nothing.</remarks>
internal sealed class AllocationRounds
{
    private const int Most = 5;

    private int _rounds;
    private long _before;

    /// <summary>Bytes of the round that allocated least.</summary>
    public long Least { get; private set; } = long.MaxValue;

    /// <summary>Ends a round and begins the next one, if there is need of it.</summary>
    public bool Next()
    {
        if (_rounds > 0)
        {
            Least = Math.Min(Least, GC.GetAllocatedBytesForCurrentThread() - _before);
        }
        bool isMore = _rounds++ < Most && Least != 0;
        _before = GC.GetAllocatedBytesForCurrentThread();
        return isMore;
    }
}
