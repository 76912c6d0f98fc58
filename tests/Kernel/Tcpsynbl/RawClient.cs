using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Tcpsynbl;

/// <summary>TCP by hand, from an address that no kernel answers for: each segment of a handshake is sent when the test says so.</summary>
internal sealed class RawClient : IDisposable
{
    public const byte Fin = 1, Syn = 2, Rst = 4, Ack = 16;

    private const int EthernetBytes = 14, TcpBytes = 20;
    private const ushort IPv4 = 0x0800, IPv6 = 0x86DD;

    private readonly QueueFixture _fixture;
    private readonly Socket _socket;
    private readonly IPAddress _from;
    private readonly IPAddress _to;
    private readonly byte[] _fromMac;
    private readonly byte[] _toMac;
    private ushort _nextPort = 20_000;

    public RawClient(QueueFixture fixture, bool ipv6)
    {
        _fixture = fixture;
        _from = IPAddress.Parse(ipv6 ? "fd00:200::77" : "10.200.0.77");
        _to = ipv6 ? BridgeTopology.ServerIPv6 : BridgeTopology.ServerIPv4;
        (int index, _fromMac) = Link(fixture.Net.Client);
        (_, _toMac) = Link(fixture.Net.Server);
        // Nobody answers who has that address: the server is told.
        string text = string.Join(':', _fromMac.Select(static b => b.ToString("x2", CultureInfo.InvariantCulture)));
        fixture.Net.Server.Ip("neigh", "add", _from.ToString(), "lladdr", text, "dev", "eth0", "nud", "permanent");
        _socket = fixture.Net.Client.Enter(() =>
        {
            ushort protocol = BinaryPrimitives.ReverseEndianness(ipv6 ? IPv6 : IPv4);
            Socket socket = new(AddressFamily.Packet, SocketType.Raw, (ProtocolType)protocol);
            socket.Bind(new PacketEndPoint(protocol, index));
            return socket;
        });
    }

    public IPAddress Address => _from;

    /// <summary>A connection as the client sees it.</summary>
    /// <param name="Port">Of the client.</param>
    /// <param name="ServerPort">Of the listener.</param>
    /// <param name="Sequence">Of the client's SYN.</param>
    /// <param name="ServerSequence">Of the server's SYN; null when it did not answer.</param>
    public sealed record Handshake(ushort Port, ushort ServerPort, uint Sequence, uint? ServerSequence);

    /// <summary>Sends a SYN and takes the answer.</summary>
    /// <param name="serverPort">Of the listener.</param>
    /// <param name="answered">False when none is expected.</param>
    public Handshake Begin(int serverPort, bool answered = true)
    {
        Handshake begun = new(_nextPort++, (ushort)serverPort, (uint)Random.Shared.Next(), null);
        Send(begun, Syn, 0, acknowledgment: 0);
        uint? answer = ReceiveSynAck(begun.Port, TimeSpan.FromMilliseconds(answered ? 20_000 : 300));
        Assert.Equal(answered, answer is not null);
        return begun with { ServerSequence = answer };
    }

    /// <summary>Sends a segment and waits until the server's kernel has worked on it.</summary>
    /// <param name="shake">The connection.</param>
    /// <param name="flags">Of TCP.</param>
    /// <param name="offset">Distance from the SYN's sequence number.</param>
    /// <param name="payload">What is sent.</param>
    /// <param name="acknowledgment">The one that is right when null.</param>
    public void Send(Handshake shake, byte flags, uint offset = 1, string payload = "", uint? acknowledgment = null)
    {
        long before = Received();
        _socket.Send(Frame(shake, flags, shake.Sequence + offset, acknowledgment ?? shake.ServerSequence!.Value + 1, System.Text.Encoding.ASCII.GetBytes(payload)));
        _fixture.Until(() => Received() > before, "the segment at the server");
        Thread.Sleep(20); // it was counted on arrival, and is worked on in the same softirq
    }

    public void Dispose() => _socket.Dispose();

    private long Received() => _fixture.ReadServer("snmp", "Tcp:", "InSegs");

    private uint? ReceiveSynAck(ushort port, TimeSpan patience)
    {
        byte[] frame = new byte[2048];
        int tcp = EthernetBytes + IpBytes;
        for (Stopwatch watch = Stopwatch.StartNew(); watch.Elapsed < patience;)
        {
            if (!_socket.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectRead))
            {
                continue;
            }
            int length = _socket.Receive(frame);
            if (length >= tcp + TcpBytes && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(tcp + 2)) == port && frame[tcp + 13] == (Syn | Ack))
            {
                return BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(tcp + 4));
            }
        }
        return null;
    }

    private bool IsIPv6 => _from.AddressFamily == AddressFamily.InterNetworkV6;

    private int IpBytes => IsIPv6 ? 40 : 20;

    private byte[] Frame(Handshake shake, byte flags, uint sequence, uint acknowledgment, byte[] payload)
    {
        byte[] frame = new byte[EthernetBytes + IpBytes + TcpBytes + payload.Length];
        _toMac.CopyTo(frame, 0);
        _fromMac.CopyTo(frame, 6);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), IsIPv6 ? IPv6 : IPv4);
        Span<byte> ip = frame.AsSpan(EthernetBytes), tcp = ip[IpBytes..];
        if (IsIPv6)
        {
            ip[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)tcp.Length);
            ip[6] = 6;
            ip[7] = 64;
        }
        else
        {
            ip[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
            ip[8] = 64;
            ip[9] = 6;
        }
        int addresses = IsIPv6 ? 8 : 12, size = IsIPv6 ? 16 : 4;
        _from.GetAddressBytes().CopyTo(ip[addresses..]);
        _to.GetAddressBytes().CopyTo(ip[(addresses + size)..]);
        if (!IsIPv6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum(ip[..20], 0));
        }
        BinaryPrimitives.WriteUInt16BigEndian(tcp, shake.Port);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[2..], shake.ServerPort);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], acknowledgment);
        tcp[12] = TcpBytes / 4 << 4;
        tcp[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[14..], 0xFFFF);
        payload.CopyTo(tcp[TcpBytes..]);
        // RFC 9293 section 3.1: the pseudo header is both addresses, the protocol and the length.
        uint pseudo = 6u + (uint)tcp.Length;
        for (int i = addresses; i < addresses + 2 * size; i += 2)
        {
            pseudo += BinaryPrimitives.ReadUInt16BigEndian(ip[i..]);
        }
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], Checksum(tcp, pseudo));
        return frame;
    }

    /// <summary>RFC 1071.</summary>
    private static ushort Checksum(ReadOnlySpan<byte> bytes, uint sum)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            sum += i % 2 == 0 ? (uint)bytes[i] << 8 : bytes[i];
        }
        while (sum >> 16 != 0)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        return (ushort)~sum;
    }

    /// <summary>Index and hardware address of eth0, of a line such as "2: eth0@if3: … link/ether 12:34:56:78:9a:bc brd …".</summary>
    private static (int Index, byte[] Mac) Link(NetworkNamespace host)
    {
        string[] words = host.Run("ip", "-o", "link", "show", "eth0").Split([' ', '\\'], StringSplitOptions.RemoveEmptyEntries);
        string mac = words[Array.IndexOf(words, "link/ether") + 1];
        return (int.Parse(words[0].TrimEnd(':'), CultureInfo.InvariantCulture), Convert.FromHexString(mac.Replace(":", "", StringComparison.Ordinal)));
    }

    /// <summary>struct sockaddr_ll (packet(7)).</summary>
    private sealed class PacketEndPoint(ushort protocol, int index) : EndPoint
    {
        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            SocketAddress address = new(AddressFamily.Packet, 20);
            BitConverter.TryWriteBytes(address.Buffer.Span[2..], protocol);
            BitConverter.TryWriteBytes(address.Buffer.Span[4..], index);
            return address;
        }
    }
}
