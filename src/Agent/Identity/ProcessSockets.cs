using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Finds the process behind a socket whose connect() was not seen: a server's by its listener, others by their own entry in /proc/net.</summary>
/// <remarks>
/// A socket that the last scan of its network namespace does not know starts another, at the pace of <see cref="ScanPace"/>. While scans are quick, or the
/// credit of a quiet time covers one, they run on the calling thread and the answer is there at once; otherwise after one of more than
/// <see cref="MaxInlineCostMs"/> the next runs beside it, and the answer is no until it is done. An entry older than <see cref="FreshForMs"/> is checked with one readlink before it is told, so
/// that a port which another process took over is not told wrongly for long. One caller's thread.
/// </remarks>
public sealed class ProcessSockets
{
    internal const long MaxInlineCostMs = 20;
    internal const long FreshForMs = 1000;
    private const long MissingForMs = 1000;
    private const int MaxMissing = 4096;

    private readonly SocketScan _scan;
    private readonly ScanPace _pace;
    private readonly byte[] _root;
    private readonly Dictionary<ulong, long> _missingUntilMs = [];
    private Dictionary<uint, SocketTable> _tables = [];
    private int _scansDone;
    private int _isScanning;

    /// <param name="procRoot">Where the proc file system is, or what looks like one.</param>
    /// <param name="time">Clock; the system's when not given.</param>
    public ProcessSockets(string procRoot = "/proc", TimeProvider? time = null)
    {
        _scan = new SocketScan(procRoot);
        _pace = new ScanPace(time ?? TimeProvider.System);
        _root = PathBuffer.Root(procRoot);
    }

    /// <summary>Scans done so far.</summary>
    public int Scans => Volatile.Read(ref _scansDone);

    /// <summary>Sockets known with their process.</summary>
    public int Count => Volatile.Read(ref _tables).Values.Sum(static table => table.Count);

    /// <summary>True when the last scan met a bound, so that some sockets were not looked at.</summary>
    public bool IsTruncated => _scan.IsTruncated;

    /// <summary>Scans the machine's own network namespace now, for start-up: the first connections find a table and the cost of a scan is known.</summary>
    public void Prepare()
    {
        uint own = SocketScan.NamespaceOf(_root, "1"u8);
        own = own == 0 ? SocketScan.NamespaceOf(_root, "self"u8) : own;
        // The first scan also pays for cold caches and code; what the next will cost is asked once more.
        for (int i = 0; i < 2 && own != 0 && (i == 0 || _pace.CostMs > MaxInlineCostMs) && Interlocked.Exchange(ref _isScanning, 1) == 0; i++)
        {
            Scan(own);
        }
    }

    /// <summary>The process that holds the socket, the lowest when several share it.</summary>
    /// <param name="networkNamespace">Inode of the socket's network namespace; 0 finds nothing.</param>
    /// <param name="local">The socket's own end.</param>
    /// <param name="remote">The other end.</param>
    /// <param name="processId">Process id, as the given /proc counts.</param>
    /// <param name="name">Its name at the time of the scan; empty when it could not be read.</param>
    public bool TryFind(uint networkNamespace, in Endpoint local, in Endpoint remote, out int processId, out CommName name)
    {
        processId = 0;
        name = default;
        if (networkNamespace == 0 || local.Port == 0)
        {
            return false;
        }
        if (TryTable(networkNamespace, in local, in remote, out processId, out name))
        {
            return true;
        }
        ulong key = (ulong)networkNamespace << 16 | local.Port;
        long nowMs = _pace.NowMs;
        bool isMissing = _missingUntilMs.TryGetValue(key, out long untilMs) && nowMs < untilMs;
        if (isMissing || !_pace.MayScan || Interlocked.Exchange(ref _isScanning, 1) != 0)
        {
            return false;
        }
        if (_pace.CostMs > Math.Max(MaxInlineCostMs, _pace.CreditMs))
        {
            ThreadPool.UnsafeQueueUserWorkItem(static work => work.Sockets.Scan(work.Namespace), (Sockets: this, Namespace: networkNamespace), preferLocal: false);
            return false;
        }
        Scan(networkNamespace);
        if (TryTable(networkNamespace, in local, in remote, out processId, out name))
        {
            return true;
        }
        if (_missingUntilMs.Count >= MaxMissing)
        {
            _missingUntilMs.Clear();
        }
        _missingUntilMs[key] = _pace.NowMs + MissingForMs;
        return false;
    }

    private bool TryTable(uint networkNamespace, in Endpoint local, in Endpoint remote, out int processId, out CommName name)
    {
        processId = 0;
        name = default;
        int index = -1;
        if (Volatile.Read(ref _tables).TryGetValue(networkNamespace, out SocketTable? table))
        {
            index = table.Find(in local, in remote);
        }
        if (table is null || index < 0)
        {
            return false;
        }
        ref OwnedSocket socket = ref table[index];
        long nowMs = _pace.NowMs;
        if (nowMs - socket.VerifiedMs >= FreshForMs)
        {
            if (!SocketScan.IsHeld(_root, in socket))
            {
                return false;
            }
            socket.VerifiedMs = nowMs;
        }
        processId = socket.ProcessId;
        name = socket.Name;
        return true;
    }

    /// <summary>Whoever set <see cref="_isScanning"/> calls this; it is cleared here.</summary>
    private void Scan(uint networkNamespace)
    {
        try
        {
            _pace.Begin();
            SocketTable found = _scan.Run(networkNamespace, _pace.NowMs);
            // A new dictionary each time, so that the finder may read the old one meanwhile; without namespaces that are no more.
            Dictionary<uint, SocketTable> tables = new() { [networkNamespace] = found };
            foreach ((uint other, SocketTable table) in _tables)
            {
                if (_scan.Namespaces.Contains(other))
                {
                    tables.TryAdd(other, table);
                }
            }
            Volatile.Write(ref _tables, tables);
            Interlocked.Increment(ref _scansDone);
        }
        finally
        {
            _pace.End();
            Volatile.Write(ref _isScanning, 0);
        }
    }
}
