using System.Text;

namespace KubeBpfBox.Agent.Top;

/// <summary>What was pressed.</summary>
internal enum TerminalKeyKind
{
    /// <summary>Nothing that is known, such as a function key.</summary>
    None,

    /// <summary>A character, in <see cref="TerminalKey.Character"/>.</summary>
    Character,
    Enter,
    Escape,
    Backspace,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,

    /// <summary>Ctrl-C.</summary>
    Interrupt,

    /// <summary>Ctrl-Z.</summary>
    Suspend,

    /// <summary>Ctrl-L.</summary>
    Redraw,
}

/// <summary>One press of a key.</summary>
/// <remarks>
/// Shape: a byte, a character of UTF-8, or an escape sequence: ESC [ parameters final, ESC O final. A lone ESC is the Escape key; only time tells it from the start of a sequence.
/// Source: ECMA-48 section 5.4; the keys of xterm, which terminals have in common, so that no terminfo is needed.
/// </remarks>
internal readonly record struct TerminalKey(TerminalKeyKind Kind, Rune Character = default)
{
    private const byte EscapeByte = 0x1b;

    /// <summary>Reads the first key.</summary>
    /// <param name="bytes">What came, from the start of a key.</param>
    /// <param name="isAll">True when no more will come of this key: what is cut off then is what it is.</param>
    /// <param name="key">The key.</param>
    /// <param name="consumed">Bytes that it took.</param>
    /// <returns>False when more bytes are needed.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, bool isAll, out TerminalKey key, out int consumed)
    {
        key = default;
        consumed = 0;
        if (bytes.IsEmpty)
        {
            return false;
        }
        if (bytes[0] != EscapeByte)
        {
            return TryReadCharacter(bytes, isAll, out key, out consumed);
        }
        if (bytes.Length == 1)
        {
            (key, consumed) = isAll ? (new TerminalKey(TerminalKeyKind.Escape), 1) : default;
            return isAll;
        }
        if (bytes[1] is not ((byte)'[' or (byte)'O'))
        {
            // Escape, and then another key.
            (key, consumed) = (new TerminalKey(TerminalKeyKind.Escape), 1);
            return true;
        }
        int end = bytes[2..].IndexOfAnyInRange((byte)0x40, (byte)0x7e);
        if (end < 0)
        {
            consumed = isAll ? bytes.Length : 0;
            return isAll;
        }
        consumed = end + 3;
        key = new TerminalKey(bytes[1..consumed] is [(byte)'O', (byte)'M'] ? TerminalKeyKind.Enter : Sequence(bytes[2..consumed]));
        return true;
    }

    private static bool TryReadCharacter(ReadOnlySpan<byte> bytes, bool isAll, out TerminalKey key, out int consumed)
    {
        System.Buffers.OperationStatus status = Rune.DecodeFromUtf8(bytes, out Rune rune, out consumed);
        if (status == System.Buffers.OperationStatus.NeedMoreData && !isAll)
        {
            (key, consumed) = (default, 0);
            return false;
        }
        key = status != System.Buffers.OperationStatus.Done ? default : rune.Value switch
        {
            3 => new TerminalKey(TerminalKeyKind.Interrupt),
            8 or 127 => new TerminalKey(TerminalKeyKind.Backspace),
            10 or 13 => new TerminalKey(TerminalKeyKind.Enter),
            12 => new TerminalKey(TerminalKeyKind.Redraw),
            26 => new TerminalKey(TerminalKeyKind.Suspend),
            _ when Rune.IsControl(rune) => default,
            _ => new TerminalKey(TerminalKeyKind.Character, rune),
        };
        return true;
    }

    private static TerminalKeyKind Sequence(ReadOnlySpan<byte> sequence) => sequence[^1] switch
    {
        (byte)'A' => TerminalKeyKind.Up,
        (byte)'B' => TerminalKeyKind.Down,
        (byte)'C' => TerminalKeyKind.Right,
        (byte)'D' => TerminalKeyKind.Left,
        (byte)'H' => TerminalKeyKind.Home,
        (byte)'F' => TerminalKeyKind.End,
        (byte)'~' => sequence[0] switch
        {
            (byte)'1' or (byte)'7' when sequence.Length == 2 => TerminalKeyKind.Home,
            (byte)'4' or (byte)'8' when sequence.Length == 2 => TerminalKeyKind.End,
            (byte)'5' => TerminalKeyKind.PageUp,
            (byte)'6' => TerminalKeyKind.PageDown,
            _ => TerminalKeyKind.None,
        },
        _ => TerminalKeyKind.None,
    };
}
