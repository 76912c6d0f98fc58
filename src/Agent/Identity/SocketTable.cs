using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>A socket and the process that holds it.</summary>
internal struct OwnedSocket
{
    public TcpSocket Socket;
    public int ProcessId;
    public int Descriptor;
    public CommName Name;

    /// <summary>When the process was last seen to hold it.</summary>
    public long VerifiedMs;
}

/// <summary>The sockets of one network namespace as one scan found them, by local port.</summary>
/// <remarks>Lifetime: made by the scanning thread, then the finder's alone.</remarks>
internal sealed class SocketTable
{
    private readonly OwnedSocket[] _sockets;

    /// <param name="sockets">Sockets with an owner; sorted here.</param>
    public SocketTable(OwnedSocket[] sockets)
    {
        // Several sockets can listen on one port (SO_REUSEPORT): the lowest process id comes first, always the same.
        Array.Sort(sockets, static (a, b) => PortOf(in a) != PortOf(in b) ? PortOf(in a).CompareTo(PortOf(in b)) : a.ProcessId.CompareTo(b.ProcessId));
        _sockets = sockets;
    }

    public int Count => _sockets.Length;

    public ref OwnedSocket this[int index] => ref _sockets[index];

    /// <summary>Index of the socket's own entry, else of its listener, else of any when all on that port are of one name; -1 for none.</summary>
    /// <remarks>The last is for addresses that were translated (DNAT, SNAT) between the socket and the tap.</remarks>
    public int Find(in Endpoint local, in Endpoint remote)
    {
        int first = LowerBound(local.Port);
        int best = -1;
        int bestRank = 0;
        bool oneName = true;
        for (int i = first; i < _sockets.Length && PortOf(in _sockets[i]) == local.Port; i++)
        {
            int rank = Rank(in _sockets[i].Socket, in local, in remote);
            if (rank > bestRank)
            {
                best = i;
                bestRank = rank;
            }
            oneName &= _sockets[i].Name == _sockets[first].Name;
        }
        bool any = first < _sockets.Length && PortOf(in _sockets[first]) == local.Port;
        return best >= 0 ? best : any && oneName ? first : -1;
    }

    private static ushort PortOf(in OwnedSocket socket) => socket.Socket.Local.Port;

    private static int Rank(in TcpSocket socket, in Endpoint local, in Endpoint remote)
    {
        if (!socket.IsListener)
        {
            return socket.Local == local && socket.Remote == remote ? 4 : 0;
        }
        if (socket.Local == local)
        {
            return 3;
        }
        // The IPv4 wildcard takes IPv4 only, the one of IPv6 (all zero) both, unless IPV6_V6ONLY, which /proc does not tell.
        if (socket.Local.IsIPv4)
        {
            return local.IsIPv4 && (uint)socket.Local.Low == 0 ? 2 : 0;
        }
        return socket.Local.High == 0 && socket.Local.Low == 0 ? 1 : 0;
    }

    private int LowerBound(ushort port)
    {
        int low = 0;
        int high = _sockets.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (PortOf(in _sockets[middle]) < port)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }
}
