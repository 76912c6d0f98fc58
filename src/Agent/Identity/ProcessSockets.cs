using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Finds the process behind a socket whose connect() was not seen: a server's by its listener, others by their own entry in /proc/net.</summary>
/// <remarks>
/// A socket that the last scan does not know starts another, at the pace of <see cref="ScanPace"/>. While scans are quick they run on the
/// calling thread and the answer is there at once; after one of more than <see cref="MaxInlineCostMs"/> the next runs beside it, and
/// the answer is no until it is done. An entry older than <see cref="FreshForMs"/> is checked with one readlink before it is told, so
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
    private SocketTable _table = new([]);
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

    /// <summary>Sockets that the last scan found with their process.</summary>
    public int Count => Volatile.Read(ref _table).Count;

    /// <summary>True when the last scan met a bound, so that some sockets were not looked at.</summary>
    public bool IsTruncated => _scan.IsTruncated;

    /// <summary>Scans now, on this thread: for start-up, so that the first connections find a table and the cost of a scan is known.</summary>
    public void Prepare()
    {
        if (Interlocked.Exchange(ref _isScanning, 1) == 0)
        {
            Scan();
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
        ulong key = SocketTable.KeyOf(networkNamespace, local.Port);
        long nowMs = _pace.NowMs;
        bool isMissing = _missingUntilMs.TryGetValue(key, out long untilMs) && nowMs < untilMs;
        if (isMissing || !_pace.MayScan || Interlocked.Exchange(ref _isScanning, 1) != 0)
        {
            return false;
        }
        if (_pace.CostMs > MaxInlineCostMs)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static sockets => sockets.Scan(), this, preferLocal: false);
            return false;
        }
        Scan();
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
        SocketTable table = Volatile.Read(ref _table);
        int index = table.Find(networkNamespace, in local, in remote);
        if (index < 0)
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
    private void Scan()
    {
        try
        {
            _pace.Begin();
            Volatile.Write(ref _table, _scan.Run(_pace.NowMs));
            Interlocked.Increment(ref _scansDone);
        }
        finally
        {
            _pace.End();
            Volatile.Write(ref _isScanning, 0);
        }
    }
}
