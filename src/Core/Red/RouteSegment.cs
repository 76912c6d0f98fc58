using System.Buffers;
using System.Buffers.Text;

namespace KubeBpfBox.Core.Red;

/// <summary>Judges one segment of a path: a word of the API, or one of many values.</summary>
/// <remarks>
/// A segment is a run of parts with separators between. A value among the parts makes the whole segment {id} ("order-12345",
/// "nginx-66b6c48dd5-x7k2p"), except where the words around it tell more than they multiply: in a file name ("app.{hash}.js") and around a
/// date ("logs-{date}"). Errors: none, total.
/// </remarks>
internal static class RouteSegment
{
    private const int MaxWordBytes = 32;
    private const int MinTokenBytes = 16;
    private const int MaxTitleSeparators = 3;
    private const int MaxExtensionBytes = 5;

    private static readonly SearchValues<byte> LettersAndDigits =
        SearchValues.Create("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    private static ReadOnlySpan<byte> Id => "{id}"u8;

    /// <summary>Writes "/" and what stands for the segment.</summary>
    /// <param name="segment">Not empty, no '/', '?' or '#'.</param>
    /// <param name="sums">Of the segment's bytes, if there are at most 64.</param>
    /// <param name="isLast">Whether nothing follows: only then may it be a file.</param>
    /// <param name="writer">Where to.</param>
    /// <returns>False when there is no room.</returns>
    public static bool TryWrite(ReadOnlySpan<byte> segment, ulong sums, bool isLast, ref RouteWriter writer)
    {
        if (segment.Length > RouteTemplate.MaxSegmentBytes)
        {
            return writer.TryAppendSegment("{long}"u8);
        }
        if (!RouteBytes.NeedsCare(sums))
        {
            int digits = RouteBytes.Digits(sums);
            if (digits == segment.Length)
            {
                return writer.TryAppendSegment(Id);
            }
            if (digits == 0 && segment.Length < RoutePart.MinWordlessHexBytes)
            {
                return writer.TryAppendSegment(segment);
            }
            return TryWriteParts(segment, sums, isLast, ref writer);
        }
        return TryWriteWithCare(segment, sums, isLast, ref writer);
    }

    /// <summary>Segments with parameters, percent-encoding, '@' or bytes that are not printable.</summary>
    private static bool TryWriteWithCare(ReadOnlySpan<byte> segment, ulong sums, bool isLast, ref RouteWriter writer)
    {
        // RFC 3986 section 3.3: ";" and what follows are parameters of the segment (";jsessionid=...").
        int parameters = segment.IndexOf((byte)';');
        if (parameters >= 0)
        {
            segment = segment[..parameters];
            sums = RouteBytes.Sum(segment);
            if (segment.IsEmpty)
            {
                return true;
            }
            if (!RouteBytes.NeedsCare(sums))
            {
                return TryWrite(segment, sums, isLast, ref writer);
            }
        }
        if (IsMail(segment) || HasEncodedValue(segment))
        {
            return writer.TryAppendSegment(Id);
        }
        if (!RouteBytes.HasUnprintable(sums))
        {
            return TryWriteParts(segment, sums, isLast, ref writer);
        }
        Span<byte> printable = stackalloc byte[RouteTemplate.MaxSegmentBytes];
        printable = printable[..segment.Length];
        for (int i = 0; i < segment.Length; i++)
        {
            printable[i] = segment[i] is > (byte)' ' and < 0x7f ? segment[i] : (byte)'?';
        }
        return TryWriteParts(printable, sums, isLast, ref writer);
    }

    private static bool TryWriteParts(scoped ReadOnlySpan<byte> segment, ulong sums, bool isLast, ref RouteWriter writer)
    {
        int digits = RouteBytes.Digits(sums);
        int separators = RouteBytes.Separators(sums);
        int extensionBytes = isLast ? ExtensionBytes(segment) : 0;
        ReadOnlySpan<byte> stem = segment[..^extensionBytes];
        // The worst growth is "=1" to "={id}".
        Span<byte> buffer = stackalloc byte[RouteTemplate.MaxSegmentBytes * 4];
        int length = Replace(stem, buffer, extensionBytes > 0, out Found found);
        bool isNumbers = digits > 0 && RouteBytes.HexLetters(sums) + RouteBytes.OtherLetters(sums) == 0;
        bool isAddress = digits > 0 && RouteBytes.OtherLetters(sums) == 0 && segment.Count((byte)':') >= 2;
        bool isToken = digits > 0 && extensionBytes == 0 && segment.Length >= MinTokenBytes && RoutePart.IsShuffledCase(segment);
        bool isId = (found & Found.Date) == 0 && (isNumbers || isAddress || isToken || ((found & Found.Value) != 0 && extensionBytes == 0));
        // A file whose name is nothing but values, or a long title, keeps its extension only.
        bool isFileOfValues = extensionBytes > 0 && (found & (Found.Word | Found.Date)) == 0 && (found & Found.Value) != 0;
        bool isTitle = segment.Length > MaxWordBytes && (found & (Found.Value | Found.Date)) == 0
            && (extensionBytes == 0 ? digits > 0 || separators > MaxTitleSeparators : stem.Count((byte)'-') > MaxTitleSeparators);
        bool isDatedTitle = (found & Found.Date) != 0 && buffer[0] == (byte)'{' && buffer[..length].Count((byte)'-') > MaxTitleSeparators;
        scoped ReadOnlySpan<byte> replaced = isId || isFileOfValues || isTitle || isDatedTitle ? Id : buffer[..length];
        if (extensionBytes == 0)
        {
            return writer.TryAppendSegment(replaced);
        }
        int before = writer.Length;
        if (writer.TryAppendSegment(replaced) && writer.TryAppend(segment[^extensionBytes..]))
        {
            return true;
        }
        writer.Length = before;
        return false;
    }

    /// <summary>Copies a segment part by part with values and dates replaced.</summary>
    private static int Replace(ReadOnlySpan<byte> segment, Span<byte> buffer, bool isFile, out Found found)
    {
        found = Found.Nothing;
        RouteWriter writer = new(buffer);
        int at = 0;
        while (at < segment.Length)
        {
            int escape = EscapeBytes(segment[at..]);
            if (escape > 0 || !IsOfPart(segment[at]))
            {
                int separator = Math.Max(escape, 1);
                writer.TryAppend(segment.Slice(at, separator));
                at += separator;
                continue;
            }
            ReadOnlySpan<byte> rest = segment[at..];
            int length = RoutePart.DateBytes(rest);
            if (length > 0)
            {
                found |= Found.Date;
                writer.TryAppend("{date}"u8);
            }
            else if ((length = RoutePart.UuidBytes(rest)) > 0)
            {
                found |= Found.Value;
                writer.TryAppend(isFile ? "{hash}"u8 : Id);
            }
            else
            {
                for (length = 1; length < rest.Length && IsOfPart(rest[length]);)
                {
                    length++;
                }
                ReadOnlySpan<byte> part = rest[..length];
                bool isKeyed = at > 0 && segment[at - 1] is (byte)'(' or (byte)'=' or (byte)':';
                bool isPod = at > 0 && segment[at - 1] == (byte)'-' && length == rest.Length && RoutePart.IsPodSuffix(part);
                if (RoutePart.IsValue(part, isKeyed, out bool isNumber) || isPod)
                {
                    found |= Found.Value;
                    // A hash happens to have no letter now and then.
                    bool isHash = isFile && (!isNumber || length >= RoutePart.MinHashBytes);
                    writer.TryAppend(isHash ? "{hash}"u8 : Id);
                }
                else
                {
                    found |= isNumber ? Found.Nothing : Found.Word;
                    writer.TryAppend(part);
                }
            }
            at += length;
        }
        return writer.Length;
    }

    private static bool IsOfPart(byte b) => RouteBytes.IsHex(b) || RouteBytes.IsLetter(b);

    /// <summary>The length of ".ext" at the end, 0 when the segment does not look like a file.</summary>
    private static int ExtensionBytes(ReadOnlySpan<byte> segment)
    {
        int dot = segment.LastIndexOf((byte)'.');
        int bytes = segment.Length - dot;
        if (dot <= 0 || bytes < 2 || bytes > MaxExtensionBytes + 1 || !RouteBytes.IsLetter(segment[dot + 1]))
        {
            return 0;
        }
        return segment[(dot + 1)..].ContainsAnyExcept(LettersAndDigits) ? 0 : bytes;
    }

    // "@scope" and "react@18.2.0" name packages, "me@example.com" a person.
    private static bool IsMail(ReadOnlySpan<byte> segment)
    {
        int at = segment.LastIndexOf((byte)'@');
        int dot = segment.LastIndexOf((byte)'.');
        return at > 0 && dot > at + 1 && dot + 1 < segment.Length && RouteBytes.IsLetter(segment[dot + 1]);
    }

    /// <summary>Whether escapes hide a path ("group%2Fproject"), an address (%40), binary, or a longer run of text that is not ASCII.</summary>
    private static bool HasEncodedValue(ReadOnlySpan<byte> segment)
    {
        const int MostForeignBytes = 5;
        int foreign = 0;
        for (int at = 0; at < segment.Length; at++)
        {
            byte b = segment[at];
            if (EscapeBytes(segment[at..]) > 0)
            {
                _ = Utf8Parser.TryParse(segment.Slice(at + 1, 2), out b, out _, 'x');
                if (b is < 0x20 or (byte)'/' or (byte)'@' or 0x7f)
                {
                    return true;
                }
                at += 2;
            }
            foreign += b >= 0x80 ? 1 : 0;
        }
        return foreign > MostForeignBytes;
    }

    private static int EscapeBytes(ReadOnlySpan<byte> at) =>
        at is [(byte)'%', var high, var low, ..] && RouteBytes.IsHex(high) && RouteBytes.IsHex(low) ? 3 : 0;

    [Flags]
    private enum Found : byte
    {
        Nothing = 0,
        Word = 1,
        Value = 2,
        Date = 4,
    }
}
