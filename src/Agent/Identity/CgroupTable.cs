using System.Text;
using KubeBpfBox.Plugins.Cgroups;

namespace KubeBpfBox.Agent.Identity;

/// <summary>From the id of a cgroup v2 to its path, as far as that names somebody.</summary>
/// <remarks>
/// An id is the inode number of the cgroup's directory (fs/kernfs, 64-bit kernels) and is not given again while the machine is up; a cgroup
/// of version 2 cannot be renamed. So what was learnt stays true, also after the cgroup has gone.
/// An unknown id is opened as a file handle, which costs a few microseconds but needs CAP_DAC_READ_SEARCH; without that the whole
/// hierarchy is walked, seldom. Where cgroups are watched as they are made, neither is needed but at the start. Any thread may call. Lifetime:
/// owns a descriptor of the mount.
/// </remarks>
internal sealed class CgroupTable : ICgroupObserver, IDisposable
{
    private const int MaxIds = 65536;
    private const int MaxDepth = 64;
    private const long MissingForMs = 1000;
    private const long Forever = long.MaxValue;

    /// <summary>What a removed cgroup's sockets sent last may still be on its way.</summary>
    private const long RemovedForMs = 300_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, (CgroupPath Path, long UntilMs)> _byId = [];
    private readonly Queue<(ulong Id, long AtMs)> _removed = new();
    private readonly ScanPace _pace;
    private readonly byte[] _entries = new byte[DirectoryReader.BufferLength];
    private readonly byte[] _mountPoint;
    private readonly bool _useHandles;
    private int _mount = -1;

    /// <param name="mountPoint">Where cgroup2 is mounted; null for nowhere.</param>
    /// <param name="useHandles">False to walk even where handles work.</param>
    /// <param name="time">Clock.</param>
    public CgroupTable(string? mountPoint, bool useHandles, TimeProvider time)
    {
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

    /// <summary>Takes what a watch has been told but not handed on yet; null without one.</summary>
    public Action? CatchUp { get; set; }

    /// <summary>The cgroup's path; <see cref="CgroupPath.Nobody"/> when it names nobody or cannot be found.</summary>
    public CgroupPath Find(ulong id)
    {
        if (id <= CgroupInode.RootId || _mount < 0)
        {
            return CgroupPath.Nobody;
        }
        if (TryFindKnown(id, out CgroupPath path))
        {
            return path;
        }
        // Outside of the lock: what is caught up with comes in through OnCreated.
        CatchUp?.Invoke();
        lock (_lock)
        {
            return IsKnown(id, out path) ? path : Look(id);
        }
    }

    /// <inheritdoc/>
    public void OnCreated(ulong id, ReadOnlySpan<byte> path)
    {
        CgroupPath parsed = CgroupPath.Parse(path);
        lock (_lock)
        {
            Remember(id, parsed, Forever);
            ForgetRemoved();
        }
    }

    /// <inheritdoc/>
    public void OnRemoved(ulong id)
    {
        lock (_lock)
        {
            _removed.Enqueue((id, _pace.NowMs));
            ForgetRemoved();
        }
    }

    public void Dispose()
    {
        Libc.Close(_mount);
        _mount = -1;
    }

    private bool TryFindKnown(ulong id, out CgroupPath path)
    {
        lock (_lock)
        {
            return IsKnown(id, out path);
        }
    }

    private bool IsKnown(ulong id, out CgroupPath path)
    {
        bool isKnown = _byId.TryGetValue(id, out (CgroupPath Path, long UntilMs) known) && (known.UntilMs == Forever || _pace.NowMs < known.UntilMs);
        path = isKnown ? known.Path : CgroupPath.Nobody;
        return isKnown;
    }

    private CgroupPath Look(ulong id)
    {
        if (_useHandles)
        {
            return FindByHandle(id);
        }
        if (!_pace.MayScan)
        {
            return CgroupPath.Nobody;
        }
        Walk();
        if (!IsKnown(id, out CgroupPath path))
        {
            Remember(id, CgroupPath.Nobody, _pace.NowMs + MissingForMs);
        }
        return path;
    }

    private void ForgetRemoved()
    {
        while (_removed.TryPeek(out (ulong Id, long AtMs) oldest) && _pace.NowMs - oldest.AtMs > RemovedForMs)
        {
            _byId.Remove(oldest.Id);
            _removed.Dequeue();
        }
    }

    private CgroupPath FindByHandle(ulong id)
    {
        int descriptor = Libc.OpenCgroup(_mount, id);
        if (descriptor < 0)
        {
            Remember(id, CgroupPath.Nobody, _pace.NowMs + MissingForMs);
            return CgroupPath.Nobody;
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
        CgroupPath parsed = CgroupPath.Parse(path);
        Remember(id, parsed, path.IsEmpty ? _pace.NowMs + MissingForMs : Forever);
        return parsed;
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
            if (!_byId.TryGetValue(entries.Inode, out (CgroupPath Path, long UntilMs) known) || known.UntilMs != Forever)
            {
                Remember(entries.Inode, CgroupPath.Parse(Encoding.UTF8.GetBytes(child)), Forever);
            }
            if (depth < MaxDepth)
            {
                folders.Push((child, depth + 1));
            }
        }
        Libc.Close(descriptor);
        return seen;
    }

    private void Remember(ulong id, CgroupPath path, long untilMs)
    {
        if (_byId.Count >= MaxIds)
        {
            _byId.Clear();
        }
        _byId[id] = (path, untilMs);
    }
}
