using System.Text;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>From the id of a cgroup v2 to the workload that its path names.</summary>
/// <remarks>
/// An id is the inode number of the cgroup's directory (fs/kernfs, 64-bit kernels) and is not given again while the machine is up; a cgroup
/// of version 2 cannot be renamed. So what was learnt stays true, also after the cgroup has gone.
/// An unknown id is opened as a file handle, which costs a few microseconds but needs CAP_DAC_READ_SEARCH; without that the whole
/// hierarchy is walked, seldom. Not thread-safe. Lifetime: owns a descriptor of the mount.
/// </remarks>
internal sealed class CgroupTable : IDisposable
{
    private const int MaxIds = 65536;
    private const int MaxDepth = 64;
    private const long MissingForMs = 1000;
    private const long Forever = long.MaxValue;

    private readonly WorkloadNames _names;
    private readonly Dictionary<ulong, (Workload? Workload, long UntilMs)> _byId = [];
    private readonly ScanPace _pace;
    private readonly byte[] _entries = new byte[DirectoryReader.BufferLength];
    private readonly byte[] _mountPoint;
    private readonly bool _useHandles;
    private int _mount = -1;

    /// <param name="mountPoint">Where cgroup2 is mounted; null for nowhere.</param>
    /// <param name="useHandles">False to walk even where handles work.</param>
    /// <param name="names">Where workloads are kept.</param>
    /// <param name="time">Clock.</param>
    public CgroupTable(string? mountPoint, bool useHandles, WorkloadNames names, TimeProvider time)
    {
        _names = names;
        _pace = new ScanPace(time);
        _mountPoint = PathBuffer.Root(mountPoint ?? string.Empty);
        if (mountPoint is not null)
        {
            PathBuffer path = new(stackalloc byte[PathBuffer.Length]);
            path.Append(PathBuffer.Root(mountPoint));
            _mount = Libc.Open(path.Terminated);
        }
        if (_mount >= 0)
        {
            // Whether handles work is asked with a cgroup that surely exists.
            int root = useHandles ? Libc.OpenCgroup(_mount, CgroupInode.Of(mountPoint!)) : -1;
            _useHandles = root >= 0;
            Libc.Close(root);
            if (!_useHandles)
            {
                Walk();
            }
        }
    }

    /// <summary>How many times the hierarchy was walked.</summary>
    public int Walks { get; private set; }

    /// <summary>Who the cgroup belongs to; null when its path names nobody or it cannot be found.</summary>
    public Workload? Find(ulong id)
    {
        if (id <= CgroupInode.RootId || _mount < 0)
        {
            return null;
        }
        if (_byId.TryGetValue(id, out (Workload? Workload, long UntilMs) known) && (known.UntilMs == Forever || _pace.NowMs < known.UntilMs))
        {
            return known.Workload;
        }
        if (_useHandles)
        {
            return FindByHandle(id);
        }
        if (!_pace.MayScan)
        {
            return null;
        }
        Walk();
        if (_byId.TryGetValue(id, out known) && known.UntilMs == Forever)
        {
            return known.Workload;
        }
        Remember(id, null, _pace.NowMs + MissingForMs);
        return null;
    }

    public void Dispose()
    {
        Libc.Close(_mount);
        _mount = -1;
    }

    private Workload? FindByHandle(ulong id)
    {
        int descriptor = Libc.OpenCgroup(_mount, id);
        if (descriptor < 0)
        {
            Remember(id, null, _pace.NowMs + MissingForMs);
            return null;
        }
        Span<byte> target = stackalloc byte[4096];
        PathBuffer link = new(stackalloc byte[PathBuffer.Length]);
        link.Append("/proc/self/fd/"u8);
        link.Append(descriptor);
        ReadOnlySpan<byte> path = Libc.ReadLink(link.Terminated, target);
        Libc.Close(descriptor);
        if (path.StartsWith(_mountPoint))
        {
            path = path[_mountPoint.Length..];
        }
        Workload? workload = _names.OfCgroup(CgroupPath.Parse(path));
        Remember(id, workload, path.IsEmpty ? _pace.NowMs + MissingForMs : Forever);
        return workload;
    }

    private void Walk()
    {
        _pace.Begin();
        Walks++;
        // Paths are relative to the mount; the stack holds folders still to read.
        Stack<(string Path, int Depth)> folders = new();
        folders.Push((string.Empty, 0));
        int seen = 0;
        while (folders.TryPop(out (string Path, int Depth) folder) && seen < MaxIds)
        {
            seen += WalkFolder(folder.Path, folder.Depth, folders);
        }
        _pace.End();
    }

    private int WalkFolder(string path, int depth, Stack<(string Path, int Depth)> folders)
    {
        int seen = 0;
        // A path longer than PATH_MAX cannot be opened, nor did anybody make it in one piece.
        PathBuffer full = new(stackalloc byte[4096]);
        full.Append(_mountPoint);
        full.Append(Encoding.UTF8.GetBytes(path));
        int descriptor = Libc.Open(full.Terminated);
        if (descriptor < 0)
        {
            return 0;
        }
        DirectoryReader entries = new(descriptor, _entries);
        while (entries.TryRead())
        {
            if (!entries.MayBeDirectory || entries.Name.SequenceEqual("."u8) || entries.Name.SequenceEqual(".."u8))
            {
                continue;
            }
            seen++;
            string child = path + "/" + Encoding.UTF8.GetString(entries.Name);
            if (!_byId.TryGetValue(entries.Inode, out (Workload? Workload, long UntilMs) known) || known.UntilMs != Forever)
            {
                Remember(entries.Inode, _names.OfCgroup(CgroupPath.Parse(Encoding.UTF8.GetBytes(child))), Forever);
            }
            if (depth < MaxDepth)
            {
                folders.Push((child, depth + 1));
            }
        }
        Libc.Close(descriptor);
        return seen;
    }

    private void Remember(ulong id, Workload? workload, long untilMs)
    {
        if (_byId.Count >= MaxIds)
        {
            _byId.Clear();
        }
        _byId[id] = (workload, untilMs);
    }
}
