using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>Writes one point of InfluxDB's line protocol.</summary>
/// <remarks>
/// Shape: <c>measurement,tag=value field="text",field=1i,field=0.5 nanoseconds\n</c>. A line is its tags (<see cref="Tags(ReadOnlySpan{byte})"/>), at least one field,
/// <see cref="End"/>. Fields that are empty or no finite number are left out. Whatever bytes a text holds, the line stays one line and valid UTF-8: control characters but
/// the tab, and bytes that are no UTF-8, become U+FFFD. Allocates nothing. Lifetime: nothing reaches the output before <see cref="End"/>.
/// Source: InfluxDB's documentation, "Line protocol"; ParsePoints in its models/points.go.
/// </remarks>
public ref struct LineWriter(IBufferWriter<byte> output)
{
    private const int Chunk = 512;

    // What a quoted field takes as it is. Other bytes are looked at one by one.
    private static readonly SearchValues<byte> s_plain = SearchValues.Create(
        "\t !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    private Utf8Sink _sink = new(output);
    private byte _separator;

    /// <summary>Starts a line with its measurement and tags, escaped already: what <see cref="PointTags"/> wrote.</summary>
    public void Tags(scoped ReadOnlySpan<byte> escaped)
    {
        Raw(escaped);
        _separator = (byte)' ';
    }

    /// <summary>Starts a line with its measurement and tags, escaped already.</summary>
    public void Tags(string escaped)
    {
        Text(escaped);
        _separator = (byte)' ';
    }

    /// <summary>Adds a text.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Field(scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> text)
    {
        if (!text.IsEmpty)
        {
            Name(name);
            _sink.Byte((byte)'"');
            Escaped(text);
            _sink.Byte((byte)'"');
        }
    }

    /// <summary>Adds a text.</summary>
    public void Field(scoped ReadOnlySpan<byte> name, string? text)
    {
        if (!string.IsNullOrEmpty(text))
        {
            Name(name);
            _sink.Byte((byte)'"');
            Escaped(text);
            _sink.Byte((byte)'"');
        }
    }

    /// <summary>Adds a whole number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Field(scoped ReadOnlySpan<byte> name, long value)
    {
        Name(name);
        _sink.Number(value);
        _sink.Byte((byte)'i');
    }

    /// <summary>Adds a number.</summary>
    public void Field(scoped ReadOnlySpan<byte> name, double value)
    {
        if (double.IsFinite(value))
        {
            Name(name);
            // Without an exponent: the longest double has 309 digits before its point.
            Span<byte> room = _sink.Room(Chunk);
            value.TryFormat(room, out int written, "F9", CultureInfo.InvariantCulture);
            int digits = room[..written].LastIndexOfAnyExcept((byte)'0') + 1;
            _sink.Advance(room[digits - 1] == (byte)'.' ? digits - 1 : digits);
        }
    }

    /// <summary>Adds a duration in milliseconds, exactly; a negative one is left out.</summary>
    public void Milliseconds(scoped ReadOnlySpan<byte> name, long ns)
    {
        if (ns < 0)
        {
            return;
        }
        Name(name);
        (long whole, long rest) = Math.DivRem(ns, 1_000_000);
        _sink.Number(whole);
        if (rest == 0)
        {
            return;
        }
        int digits = 6;
        for (; rest % 10 == 0; digits--)
        {
            rest /= 10;
        }
        _sink.Byte((byte)'.');
        _sink.Digits((uint)rest, digits);
    }

    /// <summary>Adds an address without its port.</summary>
    public void Address(scoped ReadOnlySpan<byte> name, Endpoint endpoint)
    {
        Name(name);
        _sink.Byte((byte)'"');
        _sink.Advance(EndpointText.FormatAddress(endpoint, _sink.Room(Endpoint.MaxTextLength)));
        _sink.Byte((byte)'"');
    }

    /// <summary>Adds fields that were escaped already, with a comma before each.</summary>
    public void Fields(scoped ReadOnlySpan<byte> escaped)
    {
        if (!escaped.IsEmpty)
        {
            _sink.Byte(_separator);
            Raw(escaped[1..]);
            _separator = (byte)',';
        }
    }

    /// <summary>Ends the line and hands it over.</summary>
    public void End(long timeNs)
    {
        _sink.Byte((byte)' ');
        _sink.Number(timeNs);
        _sink.Byte((byte)'\n');
        Flush();
    }

    /// <summary>Hands over what was written, for fields or tags without a line around them.</summary>
    public void Flush() => _sink.Flush();

    /// <summary>For fields alone, which <see cref="Fields"/> takes later: each has a comma before it.</summary>
    internal void StartFieldsAlone() => _separator = (byte)',';

    /// <summary>Adds a tag; an empty one is left out.</summary>
    /// <remarks>
    /// A tag has no quotes: comma, equals sign and space get a backslash before them. A backslash itself has no escape, so one that would escape what
    /// comes after it becomes "?". So does what later versions of InfluxDB refuse in a tag: what is not printable, and U+FFFD (models.ValidToken).
    /// </remarks>
    internal void Tag(scoped ReadOnlySpan<byte> name, string? value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return;
        }
        _sink.Byte((byte)',');
        Raw(name);
        _sink.Byte((byte)'=');
        ReadOnlySpan<char> rest = value;
        while (!rest.IsEmpty)
        {
            _ = Rune.DecodeFromUtf16(rest, out Rune rune, out int consumed);
            rest = rest[consumed..];
            if (rune.Value is ',' or '=' or ' ')
            {
                _sink.Byte((byte)'\\');
            }
            else if (!IsPrintable(rune) || (rune.Value == '\\' && (rest.IsEmpty || rest[0] is ',' or '=' or ' ' or '\\')))
            {
                rune = new Rune('?');
            }
            Write(rune);
        }
    }

    private static bool IsPrintable(Rune rune) => rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    // Inlined, as its callers are, so that copying a name becomes a few moves: 440 against 520 ns a line.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Name(scoped ReadOnlySpan<byte> name)
    {
        Span<byte> room = _sink.Room(name.Length + 2);
        room[0] = _separator;
        name.CopyTo(room[1..]);
        room[name.Length + 1] = (byte)'=';
        _sink.Advance(name.Length + 2);
        _separator = (byte)',';
    }

    private void Write(Rune rune) => _sink.Advance(rune.EncodeToUtf8(_sink.Room(4)));

    /// <summary>Bytes that need no escaping.</summary>
    internal void Raw(scoped ReadOnlySpan<byte> text) => _sink.RawInPieces(text);

    private void Text(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            int take = Utf8Sink.PieceOf(text, Chunk / 3);
            _sink.Advance(Encoding.UTF8.GetBytes(text[..take], _sink.Room(Chunk)));
            text = text[take..];
        }
    }

    private void Escaped(ReadOnlySpan<char> text)
    {
        Span<byte> utf8 = stackalloc byte[Chunk];
        while (!text.IsEmpty)
        {
            int take = Utf8Sink.PieceOf(text, Chunk / 3);
            Escaped(utf8[..Encoding.UTF8.GetBytes(text[..take], utf8)]);
            text = text[take..];
        }
    }

    private void Escaped(scoped ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            int plain = text.IndexOfAnyExcept(s_plain);
            if (plain < 0)
            {
                Raw(text);
                return;
            }
            Raw(text[..plain]);
            text = text[(plain + Special(text[plain..]))..];
        }
    }

    private int Special(scoped ReadOnlySpan<byte> text)
    {
        if (text[0] is (byte)'"' or (byte)'\\')
        {
            _sink.Byte((byte)'\\');
            _sink.Byte(text[0]);
            return 1;
        }
        // What is no UTF-8 is decoded to U+FFFD.
        _ = Rune.DecodeFromUtf8(text, out Rune rune, out int consumed);
        Write(rune.IsAscii ? Rune.ReplacementChar : rune);
        return consumed;
    }
}
