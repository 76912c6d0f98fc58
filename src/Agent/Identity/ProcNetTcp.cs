using System.Buffers.Text;
using System.Runtime.InteropServices;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>One socket of /proc/net/tcp or tcp6.</summary>
/// <param name="Local">Its own end.</param>
/// <param name="Remote">The other end; port 0 for a listener.</param>
/// <param name="IsListener">True for state TCP_LISTEN.</param>
/// <param name="Inode">Inode of the socket; 0 when no process holds it (time-wait, not accepted yet).</param>
public readonly record struct TcpSocket(Endpoint Local, Endpoint Remote, bool IsListener, ulong Inode)
{
    private const int ListenState = 10;

    /// <summary>Reads one line.</summary>
    /// <remarks>
    /// Shape: "slot: ADDRESS:PORT ADDRESS:PORT STATE tx:rx timer:when retransmits uid timeout inode …", addresses as one or four
    /// 32-bit words in hex, each in the machine's own byte order though the bytes are in network order.
    /// Errors: false for anything else, the heading too. Source: net/ipv4/tcp_ipv4.c, tcp4_seq_show; net/ipv6/tcp_ipv6.c.
    /// </remarks>
    public static bool TryParse(ReadOnlySpan<byte> line, out TcpSocket socket)
    {
        socket = default;
        _ = NextField(ref line);
        if (!TryEndpoint(NextField(ref line), out Endpoint local) || !TryEndpoint(NextField(ref line), out Endpoint remote)
            || !TryHex(NextField(ref line), out uint state))
        {
            return false;
        }
        for (int skipped = 0; skipped < 5; skipped++)
        {
            _ = NextField(ref line);
        }
        ReadOnlySpan<byte> number = NextField(ref line);
        if (!Utf8Parser.TryParse(number, out ulong inode, out int consumed) || consumed != number.Length)
        {
            return false;
        }
        socket = new TcpSocket(local, remote, state == ListenState, inode);
        return true;
    }

    private static ReadOnlySpan<byte> NextField(ref ReadOnlySpan<byte> line)
    {
        line = line.TrimStart((byte)' ');
        int end = line.IndexOf((byte)' ');
        ReadOnlySpan<byte> field = end < 0 ? line : line[..end];
        line = line[field.Length..];
        return field;
    }

    private static bool TryEndpoint(ReadOnlySpan<byte> field, out Endpoint endpoint)
    {
        endpoint = default;
        int words = field.Length switch { 13 => 1, 37 => 4, _ => 0 };
        if (words == 0 || field[words * 8] != ':' || !TryHex(field[(words * 8 + 1)..], out uint port))
        {
            return false;
        }
        Span<uint> address = stackalloc uint[4];
        for (int i = 0; i < words; i++)
        {
            if (!TryHex(field.Slice(i * 8, 8), out address[i]))
            {
                return false;
            }
        }
        endpoint = Endpoint.From(MemoryMarshal.AsBytes(address[..words]), (ushort)port);
        return true;
    }

    private static bool TryHex(ReadOnlySpan<byte> digits, out uint value) => Utf8Parser.TryParse(digits, out value, out int consumed, 'X') && consumed == digits.Length;
}
