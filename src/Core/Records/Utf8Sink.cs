using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;

namespace KubeBpfBox.Core.Records;

/// <summary>Writes UTF-8 into a buffer writer without asking it for each piece.</summary>
/// <remarks>Lifetime: nothing reaches the writer before <see cref="Flush"/>. Bytes from outside go through one of the escaping methods.</remarks>
public ref struct Utf8Sink(IBufferWriter<byte> output)
{
    private const int Chunk = 512;

    // Everything that both a JSON string and a terminal take as it is.
    private static readonly SearchValues<byte> Plain = SearchValues.Create(
        " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    private Span<byte> _span = output.GetSpan(Chunk * 2);
    private int _at;
    private int _column;

    /// <summary>Hands what was written to the writer.</summary>
    public void Flush()
    {
        output.Advance(_at);
        _span = default;
        _at = 0;
    }

    /// <summary>Writes one byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Byte(byte value)
    {
        Reserve(1);
        _span[_at++] = value;
    }

    /// <summary>Writes bytes that need no escaping.</summary>
    /// <remarks>Inlined so that copying a literal becomes a few moves.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Raw(scoped ReadOnlySpan<byte> text)
    {
        Reserve(text.Length);
        text.CopyTo(_span[_at..]);
        _at += text.Length;
    }

    /// <summary>Writes a number.</summary>
    public void Number(long value)
    {
        Reserve(20);
        _ = value.TryFormat(_span[_at..], out int written);
        _at += written;
    }

    /// <summary>Writes a number with leading zeros.</summary>
    public void Digits(uint value, int count)
    {
        Reserve(count);
        for (int i = _at + count - 1; i >= _at; i--)
        {
            (value, uint digit) = Math.DivRem(value, 10);
            _span[i] = (byte)('0' + digit);
        }
        _at += count;
    }

    /// <summary>Writes "ip:port".</summary>
    public void Endpoint(Endpoint endpoint)
    {
        Reserve(Records.Endpoint.MaxTextLength);
        _at += EndpointText.Format(endpoint, _span[_at..]);
    }

    /// <summary>Writes a quoted JSON string; bytes that are not UTF-8 become U+FFFD, control characters are escaped.</summary>
    public void JsonString(scoped ReadOnlySpan<byte> text)
    {
        Byte((byte)'"');
        Escaped(text, json: true);
        Byte((byte)'"');
    }

    /// <summary>Writes a quoted JSON string.</summary>
    public void JsonString(string text)
    {
        Byte((byte)'"');
        Escaped(text, json: true);
        Byte((byte)'"');
    }

    /// <summary>Writes text for a terminal: bytes that are not printable ASCII as \xNN, a backslash twice.</summary>
    public void TerminalText(scoped ReadOnlySpan<byte> text) => Escaped(text, json: false);

    /// <summary>Writes text for a terminal.</summary>
    public void TerminalText(string text) => Escaped(text, json: false);

    /// <summary>Remembers where a column starts, for <see cref="PadTo"/> and <see cref="AlignRight"/>.</summary>
    public void StartColumn()
    {
        // The column must stay in this span to be moved: no refill within it.
        Reserve(Chunk);
        _column = _at;
    }

    /// <summary>Fills the column up with spaces on its right. A column that outgrew the span stays as it is.</summary>
    /// <param name="width">Characters wanted.</param>
    public void PadTo(int width)
    {
        int missing = width - (_at - _column);
        if (missing > 0 && _at >= _column)
        {
            Reserve(missing);
            _span.Slice(_at, missing).Fill((byte)' ');
            _at += missing;
        }
    }

    /// <summary>Moves a short column to the right.</summary>
    /// <param name="width">Characters wanted.</param>
    /// <param name="invisible">Bytes in it that take no room, as of a two-byte character.</param>
    public void AlignRight(int width, int invisible = 0)
    {
        int length = _at - _column;
        int missing = width - (length - invisible);
        if (missing > 0 && length >= 0)
        {
            Reserve(missing);
            _span.Slice(_column, length).CopyTo(_span[(_column + missing)..]);
            _span.Slice(_column, missing).Fill((byte)' ');
            _at += missing;
        }
    }

    /// <summary>Room for so many bytes, for who formats in place; <see cref="Advance"/> says how many were used.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Room(int count)
    {
        Reserve(count);
        return _span[_at..];
    }

    /// <summary>Says how many bytes of <see cref="Room"/> were used.</summary>
    public void Advance(int count) => _at += count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Reserve(int count)
    {
        if (_span.Length - _at < count)
        {
            Refill(count);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Refill(int count)
    {
        output.Advance(_at);
        _span = output.GetSpan(Math.Max(count, Chunk * 2));
        _at = 0;
        _column = int.MaxValue;
    }

    private void Escaped(string text, bool json)
    {
        // Names of ours are short and plain: straight into place, looked at there.
        if (text.Length <= Chunk / 3)
        {
            Reserve(Chunk);
            int written = Encoding.UTF8.GetBytes(text, _span[_at..]);
            if (!_span.Slice(_at, written).ContainsAnyExcept(Plain))
            {
                _at += written;
                return;
            }
        }
        EscapedInPieces(text, json);
    }

    /// <summary>How many characters to take at most, so that no pair of surrogates is cut.</summary>
    public static int PieceOf(ReadOnlySpan<char> text, int max)
    {
        int take = Math.Min(text.Length, max);
        return take < text.Length && char.IsHighSurrogate(text[take - 1]) ? take - 1 : take;
    }

    private void EscapedInPieces(string text, bool json)
    {
        Span<byte> utf8 = stackalloc byte[128];
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            // A chunk of 42 characters always fits; a pair of surrogates must not be cut.
            int take = PieceOf(rest, 42);
            int length = Encoding.UTF8.GetBytes(rest[..take], utf8);
            Escaped(utf8[..length], json);
            rest = rest[take..];
        }
    }

    private void Escaped(scoped ReadOnlySpan<byte> text, bool json)
    {
        while (!text.IsEmpty)
        {
            int plain = text.IndexOfAnyExcept(Plain);
            if (plain < 0)
            {
                RawInPieces(text);
                return;
            }
            RawInPieces(text[..plain]);
            text = text[(plain + (json ? JsonEscape(text[plain..]) : TerminalEscape(text[plain])))..];
        }
    }

    /// <summary>Writes bytes that need no escaping, in pieces, so that a long field does not make the writer find one long span.</summary>
    public void RawInPieces(scoped ReadOnlySpan<byte> text)
    {
        while (text.Length > Chunk)
        {
            Raw(text[..Chunk]);
            text = text[Chunk..];
        }
        Raw(text);
    }

    private int JsonEscape(scoped ReadOnlySpan<byte> text)
    {
        Reserve(6);
        byte first = text[0];
        if (first < 0x80)
        {
            // RFC 8259 section 7; DEL is escaped for the terminal's sake.
            switch (first)
            {
                case (byte)'"' or (byte)'\\':
                    _span[_at++] = (byte)'\\';
                    _span[_at++] = first;
                    break;
                case (byte)'\n':
                    Raw("\\n"u8);
                    break;
                case (byte)'\r':
                    Raw("\\r"u8);
                    break;
                case (byte)'\t':
                    Raw("\\t"u8);
                    break;
                default:
                    Raw("\\u00"u8);
                    Hex(first);
                    break;
            }
            return 1;
        }
        OperationStatus status = Rune.DecodeFromUtf8(text, out Rune rune, out int consumed);
        if (status != OperationStatus.Done)
        {
            Raw("\uFFFD"u8);
        }
        else if (rune.Value < 0xA0)
        {
            // C1 control characters: some terminals obey them.
            Raw("\\u00"u8);
            Hex((byte)rune.Value);
        }
        else
        {
            Raw(text[..consumed]);
        }
        return consumed;
    }

    private int TerminalEscape(byte value)
    {
        if (value == '"')
        {
            Byte(value);
        }
        else if (value == '\\')
        {
            Raw("\\\\"u8);
        }
        else
        {
            Raw("\\x"u8);
            Hex(value);
        }
        return 1;
    }

    private void Hex(byte value)
    {
        Reserve(2);
        _span[_at++] = "0123456789abcdef"u8[value >> 4];
        _span[_at++] = "0123456789abcdef"u8[value & 15];
    }
}
