using System.Buffers.Binary;

namespace KubeBpfBox.Unit.Capture;

/// <summary>Builds packets and files byte by byte, independently of the code under test.</summary>
internal static class Bytes
{
    public static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(part => part)];

    public static byte[] U16(int value) => [(byte)(value >> 8), (byte)value];

    public static byte[] U32(uint value, bool big = true)
    {
        byte[] bytes = new byte[4];
        if (big)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        }
        return bytes;
    }

    public static byte[] U16(int value, bool big) => big ? U16(value) : [(byte)value, (byte)(value >> 8)];

    /// <summary>Port 1000 to 80, sequence 0x01020304, acknowledgment 0x0A0B0C0D, PSH and ACK.</summary>
    public static byte[] Tcp(string payload, string options = "") =>
        Join(Hex("03e8 0050 01020304 0a0b0c0d"), [(byte)((20 + (options.Length / 2)) / 4 << 4), 0x18], Hex("1000 0000 0000"), Hex(options), Ascii(payload));

    public static byte[] Udp(int destination, byte[] payload, int source = 1000) =>
        Join(U16(source), U16(destination), U16(8 + payload.Length), U16(0), payload);

    /// <summary>10.0.0.1 to 10.0.0.2.</summary>
    public static byte[] IPv4(int protocol, byte[] payload, string options = "", int fragment = 0, int id = 7, int total = -1)
    {
        int header = 20 + (options.Length / 2);
        return Join([(byte)(0x40 | (header / 4)), 0], U16(total < 0 ? header + payload.Length : total), U16(id), U16(fragment), [64, (byte)protocol], U16(0), Hex("0a000001 0a000002"), Hex(options), payload);
    }

    /// <summary>2001:db8::1 to 2001:db8::2.</summary>
    public static byte[] IPv6(int next, byte[] payload, int length = -1) =>
        Join(Hex("60000000"), U16(length < 0 ? payload.Length : length), [(byte)next, 64], Hex("20010db8000000000000000000000001 20010db8000000000000000000000002"), payload);

    public static byte[] Ethernet(int type, byte[] payload) => Join(Hex("020000000002 020000000001"), U16(type), payload);

    public static byte[] Ascii(string text) => System.Text.Encoding.Latin1.GetBytes(text);

    public static byte[] PcapHeader(uint magic, bool big, uint linkType, int major = 2) =>
        Join(U32(magic, big), U16(major, big), U16(4, big), U32(0, big), U32(0, big), U32(65535, big), U32(linkType, big));

    public static byte[] PcapRecord(bool big, uint seconds, uint fraction, byte[] data, int original = -1, uint captured = uint.MaxValue) =>
        Join(U32(seconds, big), U32(fraction, big), U32(captured == uint.MaxValue ? (uint)data.Length : captured, big), U32((uint)(original < 0 ? data.Length : original), big), data);

    public static byte[] Block(bool big, uint type, params byte[][] body)
    {
        byte[] joined = Pad(Join(body));
        uint total = (uint)joined.Length + 12;
        return Join(U32(type, big), U32(total, big), joined, U32(total, big));
    }

    public static byte[] Section(bool big) => Block(big, 0x0A0D0D0A, U32(0x1A2B3C4D, big), U16(1, big), U16(0, big), U32(uint.MaxValue, big), U32(uint.MaxValue, big));

    public static byte[] Interface(bool big, int linkType, uint snapLength = 0, params byte[][] options) =>
        Block(big, 1, U16(linkType, big), U16(0, big), U32(snapLength, big), Join(options));

    public static byte[] Option(bool big, int code, byte[] value) => Join(U16(code, big), U16(value.Length, big), Pad(value));

    public static byte[] Enhanced(bool big, uint number, ulong ticks, byte[] data, int original = -1) =>
        Block(big, 6, U32(number, big), U32((uint)(ticks >> 32), big), U32((uint)ticks, big), U32((uint)data.Length, big), U32((uint)(original < 0 ? data.Length : original), big), Pad(data));

    public static byte[] Pad(byte[] bytes) => [.. bytes, .. new byte[-bytes.Length & 3]];
}
