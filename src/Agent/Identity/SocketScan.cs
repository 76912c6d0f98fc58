using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Looks through /proc once: which TCP sockets there are in a network namespace, and which process holds them.</summary>
/// <remarks>
/// One namespace at a time, since the kernel walks its whole hash table of connections for each /proc/net/tcp, whoever they belong to:
/// 3.5 ms on a machine that has hardly any.
/// Errors: processes that vanish and files that may not be read are passed over. Bounds: <see cref="MaxSockets"/>,
/// <see cref="MaxDescriptors"/> and <see cref="MaxProcesses"/>; <see cref="IsTruncated"/> says when one was met. One scan at a time; buffers are kept for the next.
/// </remarks>
internal sealed class SocketScan(string procRoot)
{
    public const int MaxSockets = 16384;
    public const int MaxDescriptors = 1 << 20;
    public const int MaxProcesses = 1 << 16;

    private readonly byte[] _root = PathBuffer.Root(procRoot);
    private readonly byte[] _entries = new byte[DirectoryReader.BufferLength];
    private readonly byte[] _lines = new byte[64 * 1024];
    private readonly List<(int ProcessId, bool IsInside)> _processes = [];
    private readonly List<OwnedSocket> _sockets = [];
    private readonly HashSet<uint> _namespaces = [];
    private readonly HashSet<ushort> _listeningPorts = [];
    private readonly Dictionary<ulong, int> _unowned = [];
    private int _descriptors;

    /// <summary>True when the last scan met a bound, so that something may be missing.</summary>
    public bool IsTruncated { get; private set; }

    /// <summary>Network namespaces of all processes, as of the last scan.</summary>
    public IReadOnlySet<uint> Namespaces => _namespaces;

    public SocketTable Run(uint networkNamespace, long nowMs)
    {
        _processes.Clear();
        _sockets.Clear();
        _namespaces.Clear();
        _listeningPorts.Clear();
        _unowned.Clear();
        _descriptors = 0;
        IsTruncated = false;

        ListProcesses(networkNamespace);
        ReadNamespace();
        foreach ((int processId, _) in _processes)
        {
            if (_unowned.Count == 0 || IsTruncatedAt(_descriptors, MaxDescriptors))
            {
                break;
            }
            ReadDescriptors(processId, nowMs);
        }
        _sockets.RemoveAll(static socket => socket.ProcessId == 0);
        return new SocketTable([.. _sockets]);
    }

    /// <summary>Network namespace of a process ("self" too); 0 when it may not be read.</summary>
    public static uint NamespaceOf(byte[] root, ReadOnlySpan<byte> process)
    {
        PathBuffer path = new(stackalloc byte[PathBuffer.Length]);
        path.Append(root);
        path.Append("/"u8);
        path.Append(process);
        path.Append("/ns/net"u8);
        return TryInode(Libc.ReadLink(path.Terminated, stackalloc byte[64]), "net:["u8, out ulong inode) && inode <= uint.MaxValue ? (uint)inode : 0;
    }

    /// <summary>True when the process still holds that socket under that descriptor.</summary>
    public static bool IsHeld(byte[] root, in OwnedSocket socket)
    {
        PathBuffer path = new(stackalloc byte[PathBuffer.Length]);
        path.Append(root);
        path.Append("/"u8);
        path.Append(socket.ProcessId);
        path.Append("/fd/"u8);
        path.Append(socket.Descriptor);
        return TryInode(Libc.ReadLink(path.Terminated, stackalloc byte[64]), "socket:["u8, out ulong inode) && inode == socket.Socket.Inode;
    }

    private bool IsTruncatedAt(int count, int max)
    {
        IsTruncated |= count >= max;
        return count >= max;
    }

    private void ListProcesses(uint networkNamespace)
    {
        PathBuffer path = new(stackalloc byte[PathBuffer.Length]);
        path.Append(_root);
        int descriptor = Libc.Open(path.Terminated);
        if (descriptor < 0)
        {
            return;
        }
        DirectoryReader entries = new(descriptor, _entries);
        while (entries.TryRead() && !IsTruncatedAt(_processes.Count, MaxProcesses))
        {
            if (entries.TryGetNumber(out int processId) && processId > 0)
            {
                uint found = NamespaceOf(_root, entries.Name);
                _namespaces.Add(found);
                _processes.Add((processId, found == networkNamespace));
            }
        }
        Libc.Close(descriptor);
        // The lowest process id that holds a socket is its owner: a master before its workers. Init comes last: it keeps the sockets
        // that it listens on for others (socket activation). Processes of other namespaces are looked at when a socket is left over.
        _processes.Sort(static (a, b) => a.IsInside != b.IsInside ? b.IsInside.CompareTo(a.IsInside) : Order(a.ProcessId).CompareTo(Order(b.ProcessId)));

        static int Order(int processId) => processId == 1 ? int.MaxValue : processId;
    }

    /// <summary>Reads the sockets of the namespace through the first process inside it that lets us.</summary>
    private void ReadNamespace()
    {
        Span<byte> buffer = stackalloc byte[PathBuffer.Length];
        bool read = false;
        for (int i = 0; i < _processes.Count && _processes[i].IsInside && !read; i++)
        {
            read = ReadSockets(PathBuffer.OfProcess(buffer, _root, _processes[i].ProcessId, "/net/tcp"u8));
            read |= ReadSockets(PathBuffer.OfProcess(buffer, _root, _processes[i].ProcessId, "/net/tcp6"u8));
        }
    }

    private bool ReadSockets(ReadOnlySpan<byte> path)
    {
        int descriptor = Libc.Open(path);
        if (descriptor < 0)
        {
            return false;
        }
        int kept = 0;
        int count;
        while ((count = Libc.Read(descriptor, _lines.AsSpan(kept))) > 0)
        {
            ReadOnlySpan<byte> rest = _lines.AsSpan(0, kept + count);
            int end;
            while ((end = rest.IndexOf((byte)'\n')) >= 0)
            {
                AddSocket(rest[..end]);
                rest = rest[(end + 1)..];
            }
            // A line that fills the whole buffer is none of the kernel's: forget it.
            kept = rest.Length == _lines.Length ? 0 : rest.Length;
            rest[..kept].CopyTo(_lines);
        }
        Libc.Close(descriptor);
        return true;
    }

    private void AddSocket(ReadOnlySpan<byte> line)
    {
        if (!TcpSocket.TryParse(line, out TcpSocket socket) || socket.Inode == 0)
        {
            return;
        }
        if (socket.IsListener)
        {
            _listeningPorts.Add(socket.Local.Port);
        }
        else if (_listeningPorts.Contains(socket.Local.Port))
        {
            // Accepted: found by its listener, which the kernel lists first.
            return;
        }
        if (IsTruncatedAt(_sockets.Count, MaxSockets))
        {
            return;
        }
        if (_unowned.TryAdd(socket.Inode, _sockets.Count))
        {
            _sockets.Add(new OwnedSocket { Socket = socket });
        }
    }

    private void ReadDescriptors(int processId, long nowMs)
    {
        Span<byte> buffer = stackalloc byte[PathBuffer.Length];
        int directory = Libc.Open(PathBuffer.OfProcess(buffer, _root, processId, "/fd"u8));
        if (directory < 0)
        {
            return;
        }
        Span<byte> link = stackalloc byte[64];
        Span<byte> comm = stackalloc byte[32];
        CommName name = default;
        DirectoryReader entries = new(directory, _entries);
        while (entries.TryRead() && !IsTruncatedAt(_descriptors, MaxDescriptors))
        {
            _descriptors++;
            if (!TryInode(Libc.ReadLinkAt(directory, entries.TerminatedName, link), "socket:["u8, out ulong inode)
                || !_unowned.Remove(inode, out int index) || !entries.TryGetNumber(out int descriptor))
            {
                continue;
            }
            if (name.IsEmpty)
            {
                name = CommName.From(Libc.ReadFile(PathBuffer.OfProcess(buffer, _root, processId, "/comm"u8), comm));
            }
            ref OwnedSocket socket = ref CollectionsMarshal.AsSpan(_sockets)[index];
            socket.ProcessId = processId;
            socket.Descriptor = descriptor;
            socket.Name = name;
            socket.VerifiedMs = nowMs;
        }
        Libc.Close(directory);
    }

    private static bool TryInode(ReadOnlySpan<byte> link, ReadOnlySpan<byte> prefix, out ulong inode)
    {
        inode = 0;
        return link.StartsWith(prefix) && Utf8Parser.TryParse(link[prefix.Length..], out inode, out int consumed) && link[(prefix.Length + consumed)..].SequenceEqual("]"u8);
    }
}
