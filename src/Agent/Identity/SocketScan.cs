using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Looks through /proc once: which TCP sockets there are in each network namespace, and which process holds them.</summary>
/// <remarks>
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
    private readonly List<int> _processes = [];
    private readonly List<OwnedSocket> _sockets = [];
    private readonly HashSet<uint> _namespaces = [];
    private readonly HashSet<ulong> _listeningKeys = [];
    private readonly Dictionary<ulong, int> _unowned = [];
    private int _descriptors;

    /// <summary>True when the last scan met a bound, so that something may be missing.</summary>
    public bool IsTruncated { get; private set; }

    public SocketTable Run(long nowMs)
    {
        _processes.Clear();
        _sockets.Clear();
        _namespaces.Clear();
        _listeningKeys.Clear();
        _unowned.Clear();
        _descriptors = 0;
        IsTruncated = false;

        ListProcesses();
        foreach (int processId in _processes)
        {
            ReadNamespace(processId);
        }
        foreach (int processId in _processes)
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

    private void ListProcesses()
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
                _processes.Add(processId);
            }
        }
        Libc.Close(descriptor);
        // The lowest process id that holds a socket is its owner: a master before its workers. Init comes last: it keeps the sockets
        // that it listens on for others (socket activation).
        _processes.Sort(static (a, b) => (a == 1 ? int.MaxValue : a).CompareTo(b == 1 ? int.MaxValue : b));
    }

    /// <summary>Reads the sockets of a process's network namespace, unless that was done through another one.</summary>
    private void ReadNamespace(int processId)
    {
        Span<byte> buffer = stackalloc byte[PathBuffer.Length];
        ReadOnlySpan<byte> link = Libc.ReadLink(PathBuffer.OfProcess(buffer, _root, processId, "/ns/net"u8), stackalloc byte[64]);
        if (!TryInode(link, "net:["u8, out ulong inode) || inode > uint.MaxValue || _namespaces.Contains((uint)inode))
        {
            return;
        }
        bool read = ReadSockets(PathBuffer.OfProcess(buffer, _root, processId, "/net/tcp"u8), (uint)inode);
        read |= ReadSockets(PathBuffer.OfProcess(buffer, _root, processId, "/net/tcp6"u8), (uint)inode);
        if (read)
        {
            _namespaces.Add((uint)inode);
        }
    }

    private bool ReadSockets(ReadOnlySpan<byte> path, uint networkNamespace)
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
                AddSocket(rest[..end], networkNamespace);
                rest = rest[(end + 1)..];
            }
            // A line that fills the whole buffer is none of the kernel's: forget it.
            kept = rest.Length == _lines.Length ? 0 : rest.Length;
            rest[..kept].CopyTo(_lines);
        }
        Libc.Close(descriptor);
        return true;
    }

    private void AddSocket(ReadOnlySpan<byte> line, uint networkNamespace)
    {
        if (!TcpSocket.TryParse(line, out TcpSocket socket) || socket.Inode == 0)
        {
            return;
        }
        ulong key = SocketTable.KeyOf(networkNamespace, socket.Local.Port);
        if (socket.IsListener)
        {
            _listeningKeys.Add(key);
        }
        else if (_listeningKeys.Contains(key))
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
            _sockets.Add(new OwnedSocket { Key = key, Socket = socket });
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
