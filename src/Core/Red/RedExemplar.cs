using System.Runtime.CompilerServices;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>One request among those that a series counted, with the trace that shows what became of it.</summary>
/// <param name="Trace">Its trace, and the span of whoever sent it. Always sampled: another leads to nothing.</param>
/// <param name="DurationNs">How long it took.</param>
/// <param name="EndNs">When its response was complete, nanoseconds since the Unix epoch.</param>
public readonly record struct RedExemplar(TraceContext Trace, long DurationNs, long EndNs);

/// <summary>A few requests of one series: the latest that took under a millisecond, under ten, a hundred, under a second, and longer.</summary>
/// <remarks>
/// Each place takes one a second at most, so that a busy series does not read identifiers all the time. Memory: fixed, and only for series
/// that had such a request. Not thread-safe.
/// </remarks>
internal sealed class RedExemplars
{
    /// <summary>Exemplars of one series at most.</summary>
    public const int Capacity = 5;

    private const long PaceNs = 1_000_000_000;

    private Places _places;
    private int _newOnes;

    /// <summary>Keeps a request if it has a trace that is sampled, and its place is due.</summary>
    /// <param name="kept">What the series has; made when it is needed.</param>
    /// <param name="transaction">An answered request.</param>
    public static void Offer(ref RedExemplars? kept, in Transaction transaction)
    {
        int place = PlaceOf(transaction.DurationNs);
        long endNs = transaction.StartNs + transaction.DurationNs;
        bool isDue = kept is null || endNs - kept._places[place].EndNs >= PaceNs;
        if (isDue && TraceContext.TryRead(in transaction, out TraceContext trace) && trace.IsSampled)
        {
            kept ??= new RedExemplars();
            kept._places[place] = new RedExemplar(trace, transaction.DurationNs, endNs);
            kept._newOnes |= 1 << place;
        }
    }

    /// <summary>Copies what there is, shortest first.</summary>
    /// <returns>How many.</returns>
    public int CopyTo(Span<RedExemplar> into)
    {
        int count = 0;
        foreach (RedExemplar one in (ReadOnlySpan<RedExemplar>)_places)
        {
            if (one.EndNs != 0)
            {
                into[count++] = one;
            }
        }
        return count;
    }

    /// <summary>All there are.</summary>
    public IReadOnlyList<RedExemplar> All()
    {
        RedExemplar[] all = new RedExemplar[Capacity];
        return all[..CopyTo(all)];
    }

    /// <summary>Those that came since the last call.</summary>
    public IReadOnlyList<RedExemplar> TakeNew()
    {
        RedExemplar[] taken = new RedExemplar[System.Numerics.BitOperations.PopCount((uint)_newOnes)];
        for (int place = 0, at = 0; at < taken.Length; place++)
        {
            if ((_newOnes & (1 << place)) != 0)
            {
                taken[at++] = _places[place];
            }
        }
        _newOnes = 0;
        return taken;
    }

    private static int PlaceOf(long durationNs) => durationNs switch
    {
        <= 1_000_000 => 0,
        <= 10_000_000 => 1,
        <= 100_000_000 => 2,
        <= 1_000_000_000 => 3,
        _ => 4,
    };

    [InlineArray(Capacity)]
    private struct Places
    {
        private RedExemplar _first;
    }
}
