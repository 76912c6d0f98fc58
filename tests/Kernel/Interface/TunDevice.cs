using System.Runtime.InteropServices;
using System.Text;
using KubeBpfBox.Support;
using Microsoft.Win32.SafeHandles;

namespace KubeBpfBox.Kernel.Interface;

/// <summary>An interface whose packets come from the test: what is written to it arrives on it.</summary>
internal sealed unsafe partial class TunDevice : IDisposable
{
    public const string Name = "tun0";
    private const nuint SetInterface = 0x400454CA; // TUNSETIFF
    private const short Tun = 1, Tap = 2, NoPacketInfo = 0x1000;
    private readonly SafeFileHandle _file;

    /// <param name="network">Where it is.</param>
    /// <param name="withEthernet">True for frames, false for bare IP packets.</param>
    public TunDevice(NetworkNamespace network, bool withEthernet)
    {
        _file = network.Enter(() =>
        {
            SafeFileHandle file = File.OpenHandle("/dev/net/tun", FileMode.Open, FileAccess.ReadWrite);
            Request request = new() { Flags = (short)((withEthernet ? Tap : Tun) | NoPacketInfo) };
            Encoding.ASCII.GetBytes(Name, new Span<byte>(request.Name, 16));
            return ioctl(file, SetInterface, &request) == 0 ? file : throw new InvalidOperationException($"make {Name}: {Marshal.GetLastPInvokeErrorMessage()}");
        });
        network.Ip("link", "set", Name, "up");
    }

    /// <summary>Makes a packet arrive.</summary>
    public void Write(params ReadOnlySpan<byte> packet)
    {
        fixed (byte* bytes = packet)
        {
            Assert.Equal(packet.Length, write(_file, bytes, (nuint)packet.Length));
        }
    }

    public void Dispose() => _file.Dispose();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeHandle file, nuint request, void* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeHandle file, void* bytes, nuint length);

    /// <summary>struct ifreq with its flags.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    private struct Request
    {
        public fixed byte Name[16];
        public short Flags;
    }
}
