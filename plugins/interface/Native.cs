using System.Runtime.InteropServices;

namespace KubeBpfBox.Plugins.Interface;

/// <summary>The parts of packet(7) and netdevice(7) that the base class library does not give.</summary>
internal static unsafe partial class Native
{
    internal const int AfPacket = 17, SockRaw = 3, SockCloseOnExec = 0x80000;
    internal const ushort EthPAll = 3, EthPIp = 0x0800, EthPIpv6 = 0x86DD;
    internal const int SolPacket = 263, PacketAddMembership = 1, PacketRxRing = 5, PacketStatistics = 6, PacketVersion = 10;
    internal const int TpacketV3 = 2;
    internal const ushort PacketMrPromisc = 1;
    internal const int SolSocket = 1, SoError = 4;
    internal const int ProtRead = 1, ProtWrite = 2, MapShared = 1;
    internal const short PollIn = 1, PollErr = 8;
    internal const uint GetInterfaceFlags = 0x8913;
    internal const short InterfaceUp = 1;
    internal const int InterfaceNameBytes = 16;
    internal const int NotPermitted = 1, NoDevice = 19;
    internal const int PrioProcess = 0, CallingThread = 0;

    internal static readonly nint MapFailed = -1;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int bind(SafeHandle socket, LinkAddress* address, int length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int setsockopt(SafeHandle socket, int level, int option, void* value, int length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int getsockopt(SafeHandle socket, int level, int option, void* value, int* length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint mmap(nint address, nuint length, int protection, int flags, SafeHandle socket, long offset);

    [LibraryImport("libc")]
    internal static partial int munmap(nint address, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int poll(PollFd* fds, nuint count, int timeoutMs);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int ioctl(SafeHandle socket, nuint request, void* argument);

    /// <summary>0 when there is none.</summary>
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial uint if_nametoindex(string name);

    [LibraryImport("libc")]
    internal static partial int setpriority(int which, int who, int niceness);

    /// <summary>struct sockaddr_ll.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct LinkAddress
    {
        public ushort Family;
        public ushort ProtocolBe;
        public int InterfaceIndex;
        public ushort HardwareType;
        public byte PacketType;
        public byte AddressLength;
        public ulong Address;
    }

    /// <summary>struct packet_mreq.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Membership
    {
        public int InterfaceIndex;
        public ushort Type;
        public ushort AddressLength;
        public ulong Address;
    }

    /// <summary>struct tpacket_req3.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct RingRequest
    {
        public uint BlockBytes;
        public uint Blocks;
        public uint FrameBytes;
        public uint Frames;
        public uint RetireBlockMs;
        public uint PrivateBytes;
        public uint Features;
    }

    /// <summary>struct tpacket_stats_v3: since it was last read.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct RingStatistics
    {
        public uint Packets;
        public uint Drops;
        public uint Freezes;
    }

    /// <summary>struct tpacket_block_desc with tpacket_hdr_v1.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Block
    {
        public uint Version;
        public uint PrivateOffset;
        public uint Status;
        public uint Packets;
        public uint FirstPacketOffset;
        public uint Length;
    }

    /// <summary>struct tpacket3_hdr; struct sockaddr_ll follows behind its 48 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 48)]
    internal struct PacketHeader
    {
        public uint NextOffset;
        public uint Seconds;
        public uint Nanoseconds;
        public uint CapturedLength;
        public uint Length;
        public uint Status;
        public ushort LinkOffset;
        public ushort NetworkOffset;
    }

    /// <summary>struct ifreq with its flags.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    internal struct InterfaceRequest
    {
        public fixed byte Name[InterfaceNameBytes];
        public short Flags;
    }

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFd
    {
        public int Fd;
        public short Events;
        public short Result;
    }
}
