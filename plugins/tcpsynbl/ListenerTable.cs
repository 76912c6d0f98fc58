using System.Diagnostics;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Plugins.Tcpsynbl;

/// <summary>What user space knows of each listener in the kernel's map: who it is, and how much of its count was reported.</summary>
/// <remarks>Memory: an element for each of the map's, no more. Threads: for one at a time.</remarks>
internal sealed class ListenerTable(TcpSynBacklogTap tap, TcpSynBacklogOptions options, IWorkloadResolver resolver, INodeEventObserver observer)
{
    private readonly Dictionary<ulong, Listener> _listeners = [];
    private readonly List<ulong> _gone = [];

    /// <summary>Refusals that were reported.</summary>
    public long Reported { get; private set; }

    // On Linux the stopwatch counts CLOCK_MONOTONIC in nanoseconds, as bpf_ktime_get_ns does.
    private static ulong MonotonicNowNs => (ulong)Stopwatch.GetTimestamp();

    /// <summary>Reads the map, reports what has grown, and forgets listeners that are gone.</summary>
    public void Poll()
    {
        ulong now = MonotonicNowNs;
        _gone.Clear();
        tap.Reader.Restart();
        while (tap.Reader.Next(out ReadOnlySpan<ulong> cookies, out ReadOnlySpan<ListenerEntry> entries))
        {
            for (int i = 0; i < cookies.Length; i++)
            {
                if (Update(cookies[i], in entries[i], now))
                {
                    _gone.Add(cookies[i]);
                }
            }
        }
        foreach (ulong cookie in _gone)
        {
            Forget(cookie, now);
        }
    }

    /// <summary>Refusals in the map that were not reported yet.</summary>
    public long CountHeld()
    {
        long held = 0;
        tap.Reader.Restart();
        while (tap.Reader.Next(out ReadOnlySpan<ulong> cookies, out ReadOnlySpan<ListenerEntry> entries))
        {
            for (int i = 0; i < cookies.Length; i++)
            {
                held += (long)entries[i].Overflows - (_listeners.TryGetValue(cookies[i], out Listener? listener) ? listener.Overflows : 0);
            }
        }
        return held;
    }

    /// <summary>The listeners that were not closed, as of the last poll.</summary>
    public IReadOnlyList<ListenerQueue> Snapshot()
    {
        ulong window = MonotonicNowNs / (ulong)options.Window.TotalNanoseconds;
        return [.. _listeners.Values.Where(static listener => !listener.IsClosed).Select(listener => listener.ToQueue(window))];
    }

    /// <returns>True when nothing is to be expected of it any more.</returns>
    private bool Update(ulong cookie, in ListenerEntry entry, ulong now)
    {
        if (!_listeners.TryGetValue(cookie, out Listener? listener))
        {
            listener = new Listener { Local = Endpoint.From(entry.LocalAddress, entry.LocalPort) };
            _listeners.Add(cookie, listener);
        }
        // A closed one is seen once more: packets that were on their way when it closed are then counted, too.
        bool isGone = listener.IsClosed;
        listener.IsClosed = entry.Closed != 0;
        bool isMet = listener.Entry.Packets != entry.Packets;
        if (isMet)
        {
            listener.ChangedNs = now;
        }
        else if (now - listener.ChangedNs > (ulong)options.QuietAfter.TotalNanoseconds)
        {
            isGone = true;
        }
        Name(listener, in entry, isMet);
        Report(listener, in entry, now);
        return isGone;
    }

    /// <summary>Asks who it is until that is known, with each second that has packets; and again whenever more may be known.</summary>
    private void Name(Listener listener, in ListenerEntry entry, bool isMet)
    {
        int generation = resolver.Generation;
        if (ReferenceEquals(listener.Workload, Workload.Unknown) && (isMet || generation != listener.Generation))
        {
            listener.Workload = resolver.Resolve(new OwnerHint { CgroupId = entry.CgroupId, NetworkNamespace = entry.Netns, Local = listener.Local });
        }
        else if (generation != listener.Generation)
        {
            listener.Workload = resolver.Refresh(listener.Workload);
        }
        listener.Generation = generation;
    }

    private void Report(Listener listener, in ListenerEntry entry, ulong now)
    {
        long count = (long)entry.Overflows - listener.Overflows, synCount = (long)(entry.SynOverflows - listener.Entry.SynOverflows);
        listener.Entry = entry;
        if (count == 0)
        {
            return;
        }
        Endpoint client = Endpoint.From(entry.ClientAddress, entry.ClientPort);
        Reported += count;
        observer.OnEvent(new AcceptQueueOverflowEvent
        {
            TimeNs = UnixNowNs() - (long)(now - entry.OverflowKtimeNs),
            Workload = listener.Workload,
            Listener = listener.Local,
            NetworkNamespace = entry.Netns,
            QueueLength = entry.OverflowLength,
            QueueLimit = entry.OverflowLimit,
            Client = client,
            ClientWorkload = resolver.ResolveAddress(client, entry.Netns),
            Count = count,
            SynCount = synCount,
        });
    }

    private void Forget(ulong cookie, ulong now)
    {
        if (tap.Listeners.TryTake(cookie, out ListenerEntry last))
        {
            Report(_listeners[cookie], in last, now);
        }
        _listeners.Remove(cookie);
    }

    private static long UnixNowNs() => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;

    private sealed class Listener
    {
        /// <summary>As last read.</summary>
        public ListenerEntry Entry;

        public required Endpoint Local { get; init; }

        public Workload Workload { get; set; } = Workload.Unknown;

        /// <summary>The resolver's, when the workload was asked for.</summary>
        public int Generation { get; set; }

        public ulong ChangedNs { get; set; }

        public bool IsClosed { get; set; }

        public long Overflows => (long)Entry.Overflows;

        public ListenerQueue ToQueue(ulong window)
        {
            uint highest = window == Entry.Window ? Math.Max(Entry.Highest, Entry.HighestBefore) : window == Entry.Window + 1 ? Entry.Highest : 0;
            return new ListenerQueue(Workload, Local, Entry.Netns, highest, Entry.Limit, Overflows);
        }
    }
}
