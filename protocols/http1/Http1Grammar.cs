using System.Buffers;

namespace KubeBpfBox.Protocols.Http1;

/// <summary>The parts of HTTP/1's grammar that stand on one line. Total: any bytes give an answer.</summary>
/// <remarks>Source: RFC 9112 sections 3, 4, 6 and 7, RFC 9110 section 5.6.2.</remarks>
internal static class Http1Grammar
{
    /// <summary>Longest method that is taken for one. No registered method is longer than 18 bytes (UPDATEREDIRECTREF, BASELINE-CONTROL).</summary>
    public const int MaxMethodLength = 32;

    /// <summary>"HTTP/1.1 200": what a status line has at least; a space may follow and should (RFC 9112 section 4).</summary>
    public const int MinStatusLineLength = 12;

    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static readonly SearchValues<byte> UpperBytes = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"u8);

    /// <summary>True for a method or field name (RFC 9110 section 5.6.2).</summary>
    public static bool IsToken(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExcept(TokenBytes);

    /// <summary>How many token bytes stand at the start.</summary>
    public static int TokenLength(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOfAnyExcept(TokenBytes);
        return end < 0 ? text.Length : end;
    }

    /// <summary>True for a method spelt as all registered ones are: capitals, "-" and "_".</summary>
    public static bool IsUpperToken(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExcept(UpperBytes);

    /// <summary>True for the methods that are met in practice (RFC 9110 section 9, RFC 5789, RFC 4918, RFC 3253, RFC 5323).</summary>
    public static bool IsCommonMethod(ReadOnlySpan<byte> method) => method.Length switch
    {
        3 => method.SequenceEqual("GET"u8) || method.SequenceEqual("PUT"u8),
        4 => method.SequenceEqual("POST"u8) || method.SequenceEqual("HEAD"u8) || method.SequenceEqual("COPY"u8) || method.SequenceEqual("MOVE"u8)
            || method.SequenceEqual("LOCK"u8),
        5 => method.SequenceEqual("PATCH"u8) || method.SequenceEqual("TRACE"u8) || method.SequenceEqual("MKCOL"u8),
        6 => method.SequenceEqual("DELETE"u8) || method.SequenceEqual("UNLOCK"u8) || method.SequenceEqual("REPORT"u8) || method.SequenceEqual("SEARCH"u8),
        7 => method.SequenceEqual("OPTIONS"u8) || method.SequenceEqual("CONNECT"u8),
        8 => method.SequenceEqual("PROPFIND"u8) || method.SequenceEqual("M-SEARCH"u8),
        9 => method.SequenceEqual("PROPPATCH"u8),
        _ => false,
    };

    /// <summary>True when no byte is a control: what may stand in a target, spaces included.</summary>
    public static bool HasNoControls(ReadOnlySpan<byte> text) => !text.ContainsAnyInRange((byte)0, (byte)0x1f);

    /// <summary>Splits a request line.</summary>
    /// <remarks>
    /// Shape: method SP request-target SP "HTTP/1." DIGIT, without its line end (RFC 9112 section 3). Spaces inside the target are against the
    /// RFC but are sent and answered, so the last space is what ends the target; white space behind the version is let pass too.
    /// </remarks>
    /// <param name="line">The line, without CR and LF.</param>
    /// <param name="methodLength">The target begins one byte behind.</param>
    /// <param name="targetLength">At least 1.</param>
    /// <param name="minorVersion">0 to 9.</param>
    public static bool TryParseRequestLine(ReadOnlySpan<byte> line, out int methodLength, out int targetLength, out byte minorVersion)
    {
        methodLength = targetLength = 0;
        minorVersion = 0;
        if (line.Length != 0 && line[^1] == ' ')
        {
            line = line.TrimEnd((byte)' ');
        }
        int versionAt = line.Length - 9;
        if (versionAt < 3 || !line.Slice(versionAt, 8).SequenceEqual(" HTTP/1."u8))
        {
            return false;
        }
        uint minor = (uint)line[^1] - '0';
        int space = line[..versionAt].IndexOf((byte)' ');
        if (minor > 9 || space is <= 0 or > MaxMethodLength || space + 1 >= versionAt)
        {
            return false;
        }
        ReadOnlySpan<byte> target = line[(space + 1)..versionAt];
        if (target[0] == ' ' || !(IsCommonMethod(line[..space]) || IsToken(line[..space])) || !HasNoControls(target))
        {
            return false;
        }
        methodLength = space;
        targetLength = target.Length;
        minorVersion = (byte)minor;
        return true;
    }

    /// <summary>Splits a request of HTTP/0.9.</summary>
    /// <remarks>
    /// Shape: method SP path, and nothing else (RFC 1945 section 5). Only for the first bytes of a connection: anywhere else such a line may be
    /// anything. More methods than GET are let pass, since servers answer them too.
    /// </remarks>
    public static bool TryParseSimpleRequest(ReadOnlySpan<byte> line, out int methodLength, out int targetLength)
    {
        methodLength = line.IndexOf((byte)' ');
        targetLength = line.Length - methodLength - 1;
        if (methodLength <= 0 || targetLength <= 0 || !IsCommonMethod(line[..methodLength]))
        {
            return false;
        }
        ReadOnlySpan<byte> target = line[(methodLength + 1)..];
        return target[0] == '/' && !target.Contains((byte)' ') && HasNoControls(target);
    }

    /// <summary>Reads the version and code of a status line; the reason is not looked at.</summary>
    /// <remarks>Shape: "HTTP/1." DIGIT SP 3DIGIT and then a space or the line's end (RFC 9112 section 4).</remarks>
    public static bool TryParseStatusLine(ReadOnlySpan<byte> line, out int status, out byte minorVersion)
    {
        status = minorVersion = 0;
        if (line.Length < MinStatusLineLength || !line.StartsWith("HTTP/1."u8) || line[8] != ' ')
        {
            return false;
        }
        uint minor = (uint)line[7] - '0';
        uint hundreds = (uint)line[9] - '0';
        uint tens = (uint)line[10] - '0';
        uint ones = (uint)line[11] - '0';
        if (minor > 9 || hundreds is < 1 or > 9 || tens > 9 || ones > 9 || (line.Length > 12 && line[12] is not ((byte)' ' or (byte)'\r' or (byte)'\n')))
        {
            return false;
        }
        minorVersion = (byte)minor;
        status = (int)((hundreds * 100) + (tens * 10) + ones);
        return true;
    }

    /// <summary>Reads one Content-Length field value into what was known before it.</summary>
    /// <remarks>
    /// Shape: 1*DIGIT, or the same number repeated behind commas, which RFC 9110 section 8.6 lets pass as one. Errors:
    /// <see cref="MessageState.InvalidLength"/> for anything else or for a number that differs from the one before.
    /// </remarks>
    public static long CombineContentLength(long known, ReadOnlySpan<byte> value)
    {
        if (known == MessageState.InvalidLength)
        {
            return known;
        }
        while (true)
        {
            int comma = value.IndexOf((byte)',');
            if (!TryParseDecimal(Trim(comma < 0 ? value : value[..comma]), out long number) || (known >= 0 && known != number))
            {
                return MessageState.InvalidLength;
            }
            known = number;
            if (comma < 0)
            {
                return known;
            }
            value = value[(comma + 1)..];
        }
    }

    /// <summary>True when the last coding of a Transfer-Encoding value is "chunked"; null when the value names none.</summary>
    public static bool? EndsInChunked(ReadOnlySpan<byte> value)
    {
        while (true)
        {
            int comma = value.LastIndexOf((byte)',');
            ReadOnlySpan<byte> coding = Trim(value[(comma + 1)..]);
            int parameters = coding.IndexOf((byte)';');
            coding = Trim(parameters < 0 ? coding : coding[..parameters]);
            if (!coding.IsEmpty)
            {
                return HeaderNames.EqualsIgnoreCase(coding, "chunked"u8);
            }
            if (comma < 0)
            {
                return null;
            }
            value = value[..comma];
        }
    }

    /// <summary>Reads chunk-size; what follows on the line (extensions) is not looked at.</summary>
    /// <remarks>Shape: 1*HEXDIG, then the line's end, white space or ";" (RFC 9112 section 7.1).</remarks>
    public static bool TryParseChunkSize(ReadOnlySpan<byte> line, out long size)
    {
        size = 0;
        int at = 0;
        for (; at < line.Length; at++)
        {
            int digit = line[at] switch
            {
                >= (byte)'0' and <= (byte)'9' => line[at] - '0',
                >= (byte)'a' and <= (byte)'f' => line[at] - 'a' + 10,
                >= (byte)'A' and <= (byte)'F' => line[at] - 'A' + 10,
                _ => -1,
            };
            if (digit < 0)
            {
                break;
            }
            if (size > MessageState.MaxLength >> 4)
            {
                return false;
            }
            size = (size << 4) | (long)digit;
        }
        return at > 0 && (at == line.Length || line[at] is (byte)';' or (byte)' ' or (byte)'\t' or (byte)'\r');
    }

    /// <summary>Takes optional white space off both ends (RFC 9110 section 5.6.3).</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> value)
    {
        int start = 0;
        int end = value.Length;
        while (start < end && value[start] is (byte)' ' or (byte)'\t')
        {
            start++;
        }
        while (end > start && value[end - 1] is (byte)' ' or (byte)'\t' or (byte)'\r')
        {
            end--;
        }
        return value[start..end];
    }

    private static bool TryParseDecimal(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        foreach (byte digit in text)
        {
            uint value = (uint)digit - '0';
            if (value > 9 || number > MessageState.MaxLength / 16)
            {
                return false;
            }
            number = (number * 10) + value;
        }
        return !text.IsEmpty;
    }
}
