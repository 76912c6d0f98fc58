using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace KubeBpfBox.Protocols.Http1;

/// <summary>The header fields that an observer needs; all others are passed over.</summary>
internal enum HeaderName : byte
{
    /// <summary>One of the others.</summary>
    Other,

    /// <summary>Frames the body (RFC 9112 section 6.2).</summary>
    ContentLength,

    /// <summary>Frames the body and overrides Content-Length (RFC 9112 section 6.3).</summary>
    TransferEncoding,

    /// <summary>Names the service asked for (RFC 9110 section 7.2).</summary>
    Host,

    /// <summary>Names what a 101 switched to (RFC 9110 section 7.8).</summary>
    Upgrade,

    /// <summary>Tells whether the sender closes (RFC 9112 section 9.3).</summary>
    Connection,

    /// <summary>Trace context (W3C Trace Context section 3.2).</summary>
    Traceparent,
}

/// <summary>Recognises header fields by length, position of the colon and whole words, without looking for the colon.</summary>
internal static class HeaderNames
{
    private const ulong LowerCase = 0x2020_2020_2020_2020;

    /// <summary>From so many bytes on, a line that is none of the fields of interest cannot become one.</summary>
    public const int LongestNameWithColon = 18;

    /// <summary>Names the field and tells where its value starts.</summary>
    /// <remarks>
    /// A field name with white space before its colon is not recognised: RFC 9112 section 5.1 wants such messages rejected. OR-ing 0x20 folds
    /// capitals; it also folds a few bytes that no field name may hold, which does no harm to an observer.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeaderName Match(ReadOnlySpan<byte> line, out int valueAt)
    {
        valueAt = 0;
        return line.IsEmpty ? HeaderName.Other : (line[0] | 0x20) switch
        {
            'c' => MatchC(line, out valueAt),
            't' => MatchT(line, out valueAt),
            'h' => MatchHost(line, out valueAt),
            'u' => MatchUpgrade(line, out valueAt),
            _ => HeaderName.Other,
        };
    }

    /// <summary>Compares ASCII letters without regard to case; <paramref name="lower"/> is in lower case.</summary>
    public static bool EqualsIgnoreCase(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower)
    {
        if (text.Length != lower.Length)
        {
            return false;
        }
        for (int i = 0; i < lower.Length; i++)
        {
            if ((text[i] | 0x20) != lower[i])
            {
                return false;
            }
        }
        return true;
    }

    private static HeaderName MatchC(ReadOnlySpan<byte> line, out int valueAt)
    {
        if (line.Length > 14 && line[14] == ':' && Word(line, 0) == Word("content-"u8, 0) && Word(line, 6) == Word("t-length"u8, 0))
        {
            valueAt = 15;
            return HeaderName.ContentLength;
        }
        valueAt = 11;
        return line.Length > 10 && line[10] == ':' && Word(line, 0) == Word("connecti"u8, 0) && (line[8] | 0x20) == 'o' && (line[9] | 0x20) == 'n'
            ? HeaderName.Connection : HeaderName.Other;
    }

    private static HeaderName MatchT(ReadOnlySpan<byte> line, out int valueAt)
    {
        if (line.Length > 17 && line[17] == ':' && Word(line, 0) == Word("transfer"u8, 0) && Word(line, 8) == Word("-encodin"u8, 0) && (line[16] | 0x20) == 'g')
        {
            valueAt = 18;
            return HeaderName.TransferEncoding;
        }
        valueAt = 12;
        return line.Length > 11 && line[11] == ':' && Word(line, 0) == Word("tracepar"u8, 0) && Word(line, 3) == Word("ceparent"u8, 0)
            ? HeaderName.Traceparent : HeaderName.Other;
    }

    private static HeaderName MatchHost(ReadOnlySpan<byte> line, out int valueAt)
    {
        valueAt = 5;
        return line.Length > 4 && line[4] == ':' && EqualsIgnoreCase(line[..4], "host"u8) ? HeaderName.Host : HeaderName.Other;
    }

    private static HeaderName MatchUpgrade(ReadOnlySpan<byte> line, out int valueAt)
    {
        valueAt = 8;
        return line.Length > 7 && line[7] == ':' && EqualsIgnoreCase(line[..7], "upgrade"u8) ? HeaderName.Upgrade : HeaderName.Other;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Word(ReadOnlySpan<byte> text, int at) => BinaryPrimitives.ReadUInt64LittleEndian(text[at..]) | LowerCase;
}
