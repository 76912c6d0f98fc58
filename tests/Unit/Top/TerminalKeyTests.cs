using System.Text;
using KubeBpfBox.Agent.Top;

namespace KubeBpfBox.Unit.Top;

public sealed class TerminalKeyTests
{
    public static TheoryData<string, string> Keys { get; } = new()
    {
        { "j", "Character:j" },
        { "é", "Character:é" },
        { "😀", "Character:😀" },
        { "\r", "Enter" },
        { "\n", "Enter" },
        { "\u007f", "Backspace" },
        { "\b", "Backspace" },
        { "\u0003", "Interrupt" },
        { "\u001a", "Suspend" },
        { "\f", "Redraw" },
        { "\u0001", "None" },
        { "\e", "Escape" },
        { "\e\e", "Escape Escape" },
        { "\eq", "Escape Character:q" },
        { "\e[A", "Up" },
        { "\eOA", "Up" },
        { "\e[1;5B", "Down" },
        { "\e[5~", "PageUp" },
        { "\e[6~", "PageDown" },
        { "\e[H", "Home" },
        { "\e[1~", "Home" },
        { "\eOF", "End" },
        { "\e[4~", "End" },
        { "\e[15~", "None" },
        { "\e[200~x", "None Character:x" },
        { "\e[M", "None" },
        { "\eOM", "Enter" },
        { "\e[Aj\e[Bk", "Up Character:j Down Character:k" },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public void Keys_are_read_however_they_come(string pressed, string expected)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(pressed);
        Assert.Equal(expected, Read(bytes, bytes.Length));
        // Byte by byte, with no more time between them than a terminal takes.
        Assert.Equal(expected, Read(bytes, 1));
    }

    [Fact]
    public void Any_bytes_are_consumed_and_none_waits_for_ever()
    {
        Random random = new(1);
        for (int round = 0; round < 2000; round++)
        {
            byte[] bytes = new byte[random.Next(1, 40)];
            random.NextBytes(bytes);
            for (int i = 0; i < bytes.Length; i += random.Next(1, 5))
            {
                bytes[i] = "\e[O;~A"u8[random.Next(6)];
            }
            Read(bytes, random.Next(1, 8));
        }
    }

    private static string Read(byte[] bytes, int pieceLength)
    {
        List<string> keys = [];
        byte[] waiting = [];
        foreach (byte[] piece in bytes.Chunk(pieceLength))
        {
            waiting = Take([.. waiting, .. piece], isAll: false, keys);
        }
        Assert.Empty(Take(waiting, isAll: true, keys));
        return string.Join(' ', keys);
    }

    private static byte[] Take(byte[] bytes, bool isAll, List<string> keys)
    {
        ReadOnlySpan<byte> rest = bytes;
        while (TerminalKey.TryRead(rest, isAll, out TerminalKey key, out int consumed))
        {
            Assert.InRange(consumed, 1, rest.Length);
            rest = rest[consumed..];
            keys.Add(key.Kind == TerminalKeyKind.Character ? $"Character:{key.Character}" : key.Kind.ToString());
        }
        return rest.ToArray();
    }
}
