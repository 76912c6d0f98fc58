using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Capture;
using Microsoft.Win32.SafeHandles;

namespace KubeBpfBox.Plugins.Interface;

/// <summary>A packet socket on one interface with a receive ring that the kernel fills block by block (packet(7), TPACKET_V3).</summary>
/// <remarks>
/// Lifetime: spans handed out alias the ring and end with the call. One thread. The kernel releases everything with the socket, also by SIGKILL.
/// Source: net/packet/af_packet.c, Documentation/networking/packet_mmap.rst.
/// </remarks>
internal sealed unsafe class PacketRing : IDisposable
{
    /// <summary>Holds the longest packet (64 KiB with its headers); most packets are shorter, so a block holds many.</summary>
    private const int BlockBytes = 128 * 1024;

    /// <summary>A block with packets is handed over after this time though it is not full.</summary>
    private const int RetireBlockMs = 8;
    private const int FrameBytes = 2048; // of no meaning to this version, but it must divide the block
    private const uint BlockIsOurs = 1;

    private readonly SafeFileHandle _socket;
    private readonly BpfLink _filter;
    private readonly int _blocks;
    private readonly byte* _memory;
    private int _next;
    private long _refused;

    private PacketRing(SafeFileHandle socket, BpfLink filter, int blocks, byte* memory, int interfaceIndex)
    {
        _socket = socket;
        _filter = filter;
        _blocks = blocks;
        _memory = memory;
        InterfaceIndex = interfaceIndex;
    }

    /// <summary>The interface it is bound to.</summary>
    public int InterfaceIndex { get; }

    /// <summary>Takes packets one by one.</summary>
    internal interface IConsumer
    {
        /// <summary>Gets one.</summary>
        void OnPacket(in CapturedPacket packet);
    }

    /// <summary>Opens a socket on an interface; no packet reaches it that the filter has not seen.</summary>
    /// <param name="interfaceIndex">The interface.</param>
    /// <param name="program">The loaded socket filter.</param>
    /// <param name="ringBytes">Size of the ring.</param>
    /// <exception cref="BpfException">The kernel refused.</exception>
    public static PacketRing Open(int interfaceIndex, BpfProgram program, int ringBytes)
    {
        // Without a protocol nothing arrives before bind(), and then the filter is there.
        int fd = Native.socket(Native.AfPacket, Native.SockRaw | Native.SockCloseOnExec, 0);
        Require(fd, "open a packet socket");
        SafeFileHandle socket = new(fd, ownsHandle: true);
        BpfLink? filter = null;
        byte* memory = null;
        int blocks = Math.Max(2, ringBytes / BlockBytes);
        try
        {
            filter = program.AttachSocketFilter(socket);
            memory = MapRing(socket, blocks);
            // Frames between two ports of a bridge concern its own device only when it is promiscuous.
            Native.Membership membership = new() { InterfaceIndex = interfaceIndex, Type = Native.PacketMrPromisc };
            Require(Native.setsockopt(socket, Native.SolPacket, Native.PacketAddMembership, &membership, sizeof(Native.Membership)), "make the interface promiscuous");
            Native.LinkAddress address = new() { Family = Native.AfPacket, ProtocolBe = BinaryPrimitives.ReverseEndianness(Native.EthPAll), InterfaceIndex = interfaceIndex };
            Require(Native.bind(socket, &address, sizeof(Native.LinkAddress)), "bind the packet socket to the interface");
            return new PacketRing(socket, filter, blocks, memory, interfaceIndex);
        }
        catch
        {
            Release(socket, filter, memory, blocks);
            throw;
        }
    }

    /// <summary>Hands out the packets of the blocks that the kernel has filled, and gives the blocks back.</summary>
    /// <param name="consumer">Gets them.</param>
    /// <param name="maxBlocks">So that others get their turn.</param>
    /// <returns>How many blocks there were.</returns>
    public int Drain<TConsumer>(ref TConsumer consumer, int maxBlocks)
        where TConsumer : IConsumer, allows ref struct
    {
        int drained = 0;
        for (; drained < maxBlocks; drained++)
        {
            byte* start = _memory + ((long)_next * BlockBytes);
            ref Native.Block block = ref *(Native.Block*)start;
            if ((Volatile.Read(ref block.Status) & BlockIsOurs) == 0)
            {
                break;
            }
            byte* at = start + block.FirstPacketOffset;
            for (uint i = 0; i < block.Packets; i++)
            {
                consumer.OnPacket(PacketAt(at));
                at += ((Native.PacketHeader*)at)->NextOffset;
            }
            Volatile.Write(ref block.Status, 0);
            _next = (_next + 1) % _blocks;
        }
        return drained;
    }

    /// <summary>Waits for a block.</summary>
    /// <returns>False when the interface is down or gone.</returns>
    public bool Wait(int timeoutMs)
    {
        bool referenced = false;
        _socket.DangerousAddRef(ref referenced);
        Native.PollFd poll = new() { Fd = (int)_socket.DangerousGetHandle(), Events = Native.PollIn };
        _ = Native.poll(&poll, 1, timeoutMs);
        _socket.DangerousRelease();
        if ((poll.Result & Native.PollErr) == 0)
        {
            return true;
        }
        int error, length = sizeof(int);
        _ = Native.getsockopt(_socket, Native.SolSocket, Native.SoError, &error, &length); // which clears it
        return error == 0;
    }

    /// <summary>Whether the interface of this name is up.</summary>
    public bool IsUp(string name)
    {
        Native.InterfaceRequest request = default;
        _ = Encoding.UTF8.GetBytes(name, new Span<byte>(request.Name, Native.InterfaceNameBytes - 1));
        return Native.ioctl(_socket, Native.GetInterfaceFlags, &request) == 0 && (request.Flags & Native.InterfaceUp) != 0;
    }

    /// <summary>Packets that found the ring full since it was opened.</summary>
    public long ReadRefused()
    {
        Native.RingStatistics statistics;
        int length = sizeof(Native.RingStatistics);
        // The kernel's count starts anew with each reading.
        if (Native.getsockopt(_socket, Native.SolPacket, Native.PacketStatistics, &statistics, &length) == 0)
        {
            _refused += statistics.Drops;
        }
        return _refused;
    }

    /// <inheritdoc/>
    public void Dispose() => Release(_socket, _filter, _memory, _blocks);

    private static CapturedPacket PacketAt(byte* at)
    {
        ref readonly Native.PacketHeader header = ref *(Native.PacketHeader*)at;
        ref readonly Native.LinkAddress link = ref *(Native.LinkAddress*)(at + sizeof(Native.PacketHeader));
        // Where the device's own header ends the kernel has found out, whatever kind of device it is. Only tags are left to be walked over.
        bool isIp = BinaryPrimitives.ReverseEndianness(link.ProtocolBe) is Native.EthPIp or Native.EthPIpv6;
        int skipped = isIp ? header.NetworkOffset - header.LinkOffset : 0;
        return new CapturedPacket
        {
            TimestampNs = (header.Seconds * 1_000_000_000L) + header.Nanoseconds,
            LinkType = isIp ? LinkType.Raw : LinkType.Ethernet,
            Data = new ReadOnlySpan<byte>(at + header.LinkOffset + skipped, (int)header.CapturedLength - skipped),
            OriginalLength = (int)header.Length - skipped,
        };
    }

    private static byte* MapRing(SafeFileHandle socket, int blocks)
    {
        int version = Native.TpacketV3;
        Require(Native.setsockopt(socket, Native.SolPacket, Native.PacketVersion, &version, sizeof(int)), "choose the ring's version");
        Native.RingRequest ring = new()
        {
            BlockBytes = BlockBytes,
            Blocks = (uint)blocks,
            FrameBytes = FrameBytes,
            Frames = (uint)(BlockBytes / FrameBytes * blocks),
            RetireBlockMs = RetireBlockMs,
        };
        Require(Native.setsockopt(socket, Native.SolPacket, Native.PacketRxRing, &ring, sizeof(Native.RingRequest)), $"make a ring of {blocks} blocks of {BlockBytes} bytes");
        nint memory = Native.mmap(0, (nuint)blocks * BlockBytes, Native.ProtRead | Native.ProtWrite, Native.MapShared, socket, 0);
        Require(memory == Native.MapFailed ? -1 : 0, "map the ring");
        return (byte*)memory;
    }

    private static void Require(int result, string what)
    {
        if (result < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            Capability missing = errno == Native.NotPermitted ? Capabilities.Current.Missing(Capability.NetRaw) : Capability.None;
            throw new BpfException($"{what}: {Marshal.GetPInvokeErrorMessage(errno)}{(missing == Capability.None ? string.Empty : $": this process lacks {missing.ToText()}")}", errno);
        }
    }

    private static void Release(SafeFileHandle socket, BpfLink? filter, byte* memory, int blocks)
    {
        if (memory is not null)
        {
            _ = Native.munmap((nint)memory, (nuint)blocks * BlockBytes);
        }
        filter?.Dispose();
        socket.Dispose();
    }
}
