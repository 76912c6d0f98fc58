using System.Buffers.Binary;
using System.Net;

namespace KubeBpfBox.Core.Records;

/// <summary>One end of a connection: an IP address and a port, without allocation.</summary>
/// <remarks>
/// Shape: 16 address bytes in network order (IPv4 as ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2) and a port in host order.
/// Lifetime: a plain value.
/// </remarks>
public readonly record struct Endpoint(ulong High, ulong Low, ushort Port)
{
    private const ulong MappedPrefix = 0x0000_FFFF_0000_0000;

    /// <summary>Longest text: "[" + 45 characters of IPv6 + "]:" + 5 digits.</summary>
    public const int MaxTextLength = 53;

    /// <summary>True for an IPv4 address (carried as an IPv4-mapped one).</summary>
    public bool IsIPv4 => High == 0 && (Low & 0xFFFF_FFFF_0000_0000) == MappedPrefix;

    /// <summary>True for 127.0.0.0/8 and ::1: an address that means something within its network namespace only.</summary>
    public bool IsLoopback => High == 0 && (Low == 1 || (IsIPv4 && (Low & 0xFF00_0000) == 0x7F00_0000));

    /// <summary>True for the address that stands for any of a socket's own.</summary>
    public bool IsAnyAddress => High == 0 && Low is 0 or MappedPrefix;

    /// <summary>Reads an address of 4 or 16 bytes in network order.</summary>
    public static Endpoint From(ReadOnlySpan<byte> address, ushort port) => address.Length == 4
        ? new Endpoint(0, MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(address), port)
        : new Endpoint(BinaryPrimitives.ReadUInt64BigEndian(address), BinaryPrimitives.ReadUInt64BigEndian(address[8..]), port);

    /// <summary>The address alone. Allocates; for messages and look-ups, not for the hot path.</summary>
    public IPAddress Address
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
            BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
            return IsIPv4 ? new IPAddress(bytes[12..]) : new IPAddress(bytes);
        }
    }

    /// <summary>Writes "10.0.0.1:80" or "[2001:db8::1]:80".</summary>
    /// <returns>False when <paramref name="destination"/> is shorter than needed (<see cref="MaxTextLength"/> always fits).</returns>
    public bool TryFormat(Span<char> destination, out int written)
    {
        written = 0;
        int at = 0;
        if (!IsIPv4)
        {
            if (destination.IsEmpty)
            {
                return false;
            }
            destination[at++] = '[';
        }
        if (!Address.TryFormat(destination[at..], out int length))
        {
            return false;
        }
        at += length;
        if (!IsIPv4)
        {
            if (at >= destination.Length)
            {
                return false;
            }
            destination[at++] = ']';
        }
        if (at >= destination.Length)
        {
            return false;
        }
        destination[at++] = ':';
        if (!Port.TryFormat(destination[at..], out length))
        {
            return false;
        }
        written = at + length;
        return true;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<char> text = stackalloc char[MaxTextLength];
        return TryFormat(text, out int written) ? new string(text[..written]) : string.Empty;
    }
}
