namespace KubeBpfBox.Fuzz;

/// <summary>Changes an input in a few places, by a seeded choice: the same seed gives the same inputs.</summary>
public sealed class Mutator(int seed)
{
    private const int MaxBytes = 256 * 1024;

    private static readonly byte[][] s_words =
    [
        .. new[]
        {
            "HTTP/1.1 200 OK\r\n", "HTTP/1.0 ", "HTTP/1.", "\r\n\r\n", "\n\n", "\r", "GET / HTTP/1.1\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n", "HEAD /", "Content-Length: ",
            "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "Upgrade: h2c\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 101 X\r\n\r\n",
            "0\r\n\r\n", "ffffffffffffffff\r\n", "9223372036854775807", "Host: ", "traceparent: ", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", "-00f067aa0ba902b7-", ";", "%2f", "/../", "//", "\0", " ",
        }.Select(static word => System.Text.Encoding.ASCII.GetBytes(word)),
        [0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], [0x80, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0x7F], [0xC3, 0x28], [0xED, 0xA0, 0x80],
    ];

    private readonly Random _random = new(seed);

    /// <summary>Makes a new input of one, with pieces of another.</summary>
    public byte[] Mutate(byte[] input, byte[] other)
    {
        List<byte> bytes = [.. input];
        for (int changes = 1 << _random.Next(0, 5); changes > 0; changes--)
        {
            Change(bytes, other);
        }
        return bytes.Count > MaxBytes ? [.. bytes.Take(MaxBytes)] : [.. bytes];
    }

    /// <summary>One of a list.</summary>
    public T Choose<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];

    private void Change(List<byte> bytes, byte[] other)
    {
        int at = _random.Next(bytes.Count + 1);
        int length = Math.Min(_random.Next(1 << _random.Next(1, 12)), bytes.Count - at);
        switch (_random.Next(9))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4:
                bytes.InsertRange(at, Choose(s_words));
                break;
            case 5:
                Overwrite(bytes, at, Choose(s_words));
                break;
            case 6 when other.Length > 0:
                int from = _random.Next(other.Length);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(other.Length - from, _random.Next(1, 2048))).ToArray());
                break;
            case 7:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 8 when at < bytes.Count:
                bytes[at] = (byte)(bytes[at] + _random.Next(-3, 4));
                break;
        }
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] word)
    {
        for (int i = 0; i < word.Length && at + i < bytes.Count; i++)
        {
            bytes[at + i] = word[i];
        }
    }
}
