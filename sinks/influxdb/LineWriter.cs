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

    private Span<byte> _span = output.GetSpan(Chunk * 2);
    private int _at;
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
            Byte((byte)'"');
            Escaped(text);
            Byte((byte)'"');
        }
    }

    /// <summary>Adds a text.</summary>
    public void Field(scoped ReadOnlySpan<byte> name, string? text)
    {
        if (!string.IsNullOrEmpty(text))
        {
            Name(name);
            Byte((byte)'"');
            Escaped(text);
            Byte((byte)'"');
        }
    }

    /// <summary>Adds a whole number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Field(scoped ReadOnlySpan<byte> name, long value)
    {
        Name(name);
        Number(value);
        Byte((byte)'i');
    }

    /// <summary>Adds a number.</summary>
    public void Field(scoped ReadOnlySpan<byte> name, double value)
    {
        if (double.IsFinite(value))
        {
            Name(name);
            // Without an exponent: the longest double has 309 digits before its point.
            Reserve(Chunk);
            value.TryFormat(_span[_at..], out int written, "F9", CultureInfo.InvariantCulture);
            int digits = _span.Slice(_at, written).LastIndexOfAnyExcept((byte)'0') + 1;
            _at += _span[_at + digits - 1] == (byte)'.' ? digits - 1 : digits;
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
        Number(whole);
        if (rest == 0)
        {
            return;
        }
        int digits = 6;
        for (; rest % 10 == 0; digits--)
        {
            rest /= 10;
        }
        Reserve(digits + 1);
        _span[_at] = (byte)'.';
        for (int i = digits; i > 0; i--)
        {
            (rest, long digit) = Math.DivRem(rest, 10);
            _span[_at + i] = (byte)('0' + digit);
        }
        _at += digits + 1;
    }

    /// <summary>Adds an address without its port.</summary>
    public void Address(scoped ReadOnlySpan<byte> name, Endpoint endpoint)
    {
        Name(name);
        Byte((byte)'"');
        Span<byte> text = stackalloc byte[Endpoint.MaxTextLength];
        text = text[..EndpointText.Format(endpoint, text)];
        text = text[..text.LastIndexOf((byte)':')];
        Raw(text[0] == (byte)'[' ? text[1..^1] : text);
        Byte((byte)'"');
    }

    /// <summary>Adds fields that were escaped already, with a comma before each.</summary>
    public void Fields(scoped ReadOnlySpan<byte> escaped)
    {
        if (!escaped.IsEmpty)
        {
            Byte(_separator);
            Raw(escaped[1..]);
            _separator = (byte)',';
        }
    }

    /// <summary>Ends the line and hands it over.</summary>
    public void End(long timeNs)
    {
        Byte((byte)' ');
        Number(timeNs);
        Byte((byte)'\n');
        Flush();
    }

    /// <summary>Hands over what was written, for fields or tags without a line around them.</summary>
    public void Flush()
    {
        output.Advance(_at);
        _span = default;
        _at = 0;
    }

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
        Byte((byte)',');
        Raw(name);
        Byte((byte)'=');
        ReadOnlySpan<char> rest = value;
        while (!rest.IsEmpty)
        {
            _ = Rune.DecodeFromUtf16(rest, out Rune rune, out int consumed);
            rest = rest[consumed..];
            Reserve(8);
            if (rune.Value is ',' or '=' or ' ')
            {
                _span[_at++] = (byte)'\\';
            }
            else if (!IsPrintable(rune) || (rune.Value == '\\' && (rest.IsEmpty || rest[0] is ',' or '=' or ' ' or '\\')))
            {
                rune = new Rune('?');
            }
            _at += rune.EncodeToUtf8(_span[_at..]);
        }
    }

    private static bool IsPrintable(Rune rune) => rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    // Inlined, as its callers are, so that copying a name becomes a few moves: 440 against 520 ns a line.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Name(scoped ReadOnlySpan<byte> name)
    {
        Reserve(name.Length + 2);
        _span[_at++] = _separator;
        name.CopyTo(_span[_at..]);
        _at += name.Length;
        _span[_at++] = (byte)'=';
        _separator = (byte)',';
    }

    private void Number(long value)
    {
        Reserve(20);
        _ = value.TryFormat(_span[_at..], out int written, default, CultureInfo.InvariantCulture);
        _at += written;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Byte(byte value)
    {
        Reserve(1);
        _span[_at++] = value;
    }

    // In pieces, so that a long text does not make the output find one long span.
    internal void Raw(scoped ReadOnlySpan<byte> text)
    {
        while (text.Length > Chunk)
        {
            Reserve(Chunk);
            text[..Chunk].CopyTo(_span[_at..]);
            _at += Chunk;
            text = text[Chunk..];
        }
        Reserve(text.Length);
        text.CopyTo(_span[_at..]);
        _at += text.Length;
    }

    private void Text(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            int take = PieceOf(text);
            Reserve(Chunk);
            _at += Encoding.UTF8.GetBytes(text[..take], _span[_at..]);
            text = text[take..];
        }
    }

    private void Escaped(ReadOnlySpan<char> text)
    {
        Span<byte> utf8 = stackalloc byte[Chunk];
        while (!text.IsEmpty)
        {
            int take = PieceOf(text);
            Escaped(utf8[..Encoding.UTF8.GetBytes(text[..take], utf8)]);
            text = text[take..];
        }
    }

    /// <summary>How many characters fit into a chunk without cutting a pair of surrogates.</summary>
    private static int PieceOf(ReadOnlySpan<char> text)
    {
        int take = Math.Min(text.Length, Chunk / 3);
        return take < text.Length && char.IsHighSurrogate(text[take - 1]) ? take - 1 : take;
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
        Reserve(4);
        if (text[0] is (byte)'"' or (byte)'\\')
        {
            _span[_at++] = (byte)'\\';
            _span[_at++] = text[0];
            return 1;
        }
        // What is no UTF-8 is decoded to U+FFFD.
        _ = Rune.DecodeFromUtf8(text, out Rune rune, out int consumed);
        _at += (rune.IsAscii ? Rune.ReplacementChar : rune).EncodeToUtf8(_span[_at..]);
        return consumed;
    }

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
    }
}
