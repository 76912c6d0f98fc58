using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace KubeBpfBox.Core.Records;

/// <summary>Where a request stands in a distributed trace, as its sender said.</summary>
/// <remarks>
/// Shape: on the wire version "-" trace-id "-" parent-id "-" flags, all in lower-case hex; in a transaction the attributes <c>trace_id</c>
/// (32 hex digits), <c>parent_span_id</c> (16) and <c>trace_sampled</c>; packed <see cref="Size"/> bytes. Errors: none; what is not valid is
/// not a context. Source: W3C Trace Context sections 3.2 and 4.
/// </remarks>
/// <param name="TraceId">The trace; never 0. The first byte on the wire is the most significant.</param>
/// <param name="ParentSpanId">The sender's span, parent of whatever the receiver does; never 0.</param>
/// <param name="IsSampled">The sender may have recorded its span.</param>
public readonly record struct TraceContext(UInt128 TraceId, ulong ParentSpanId, bool IsSampled)
{
    /// <summary>Bytes of a packed context: both identifiers and the flag.</summary>
    public const int Size = TraceIdBytes + SpanIdBytes + 1;

    /// <summary>Bytes of the three attributes in a transaction.</summary>
    public const int AttributesLength = 3 * 4 + 8 + 14 + 13 + TraceIdDigits + SpanIdDigits + 1;

    private const int TraceIdBytes = 16;
    private const int SpanIdBytes = 8;
    private const int TraceIdDigits = TraceIdBytes * 2;
    private const int SpanIdDigits = SpanIdBytes * 2;

    /// <summary>Length of a field of version 00, and of what every later version starts with.</summary>
    private const int KnownLength = 2 + 1 + TraceIdDigits + 1 + SpanIdDigits + 1 + 2;

    private static ReadOnlySpan<byte> TraceIdKey => "trace_id"u8;

    private static ReadOnlySpan<byte> ParentSpanIdKey => "parent_span_id"u8;

    private static ReadOnlySpan<byte> SampledKey => "trace_sampled"u8;

    /// <summary>Reads the value of a <c>traceparent</c> field, without white space around it.</summary>
    /// <remarks>A version that is not known yet is read as far as it agrees with 00; only ff can never be valid (section 3.2.2.1, section 4.4).</remarks>
    [SkipLocalsInit]
    public static bool TryParse(ReadOnlySpan<byte> value, out TraceContext context)
    {
        context = default;
        if (value.Length < KnownLength || value[2] != '-' || value[35] != '-' || value[52] != '-')
        {
            return false;
        }
        Span<byte> version = stackalloc byte[1];
        Span<byte> flags = stackalloc byte[1];
        if (!TryDecode(value[..2], version) || version[0] == 0xFF || !TryDecode(value.Slice(53, 2), flags))
        {
            return false;
        }
        bool isLongEnough = value.Length == KnownLength || (version[0] != 0 && value[KnownLength] == '-');
        return isLongEnough && TryParse(value.Slice(3, TraceIdDigits), value.Slice(36, SpanIdDigits), (flags[0] & 1) != 0, out context);
    }

    /// <summary>Reads the context that a transaction carries; false when it has none.</summary>
    public static bool TryRead(in Transaction transaction, out TraceContext context)
    {
        context = default;
        if (transaction.Attributes.IsEmpty)
        {
            return false;
        }
        ReadOnlySpan<byte> traceId = [], spanId = [];
        bool isSampled = false;
        AttributeReader reader = new(transaction.Attributes);
        while (reader.TryRead())
        {
            if (reader.Key.SequenceEqual(TraceIdKey))
            {
                traceId = reader.Value;
            }
            else if (reader.Key.SequenceEqual(ParentSpanIdKey))
            {
                spanId = reader.Value;
            }
            else if (reader.Key.SequenceEqual(SampledKey) && reader.Value.Length == 1)
            {
                isSampled = reader.Value[0] != 0;
            }
        }
        return TryParse(traceId, spanId, isSampled, out context);
    }

    /// <summary>Adds the three attributes of a transaction.</summary>
    [SkipLocalsInit]
    public void AddTo(scoped ref AttributeWriter attributes)
    {
        Span<byte> digits = stackalloc byte[TraceIdDigits];
        FormatTraceId(digits);
        attributes.TryAdd(TraceIdKey, digits);
        FormatParentSpanId(digits);
        attributes.TryAdd(ParentSpanIdKey, digits[..SpanIdDigits]);
        attributes.TryAdd(SampledKey, IsSampled);
    }

    /// <summary>Writes <see cref="TraceId"/> as 32 hex digits.</summary>
    [SkipLocalsInit]
    public void FormatTraceId(Span<byte> digits)
    {
        Span<byte> bytes = stackalloc byte[TraceIdBytes];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, TraceId);
        Convert.TryToHexStringLower(bytes, digits, out _);
    }

    /// <summary>Writes <see cref="ParentSpanId"/> as 16 hex digits.</summary>
    [SkipLocalsInit]
    public void FormatParentSpanId(Span<byte> digits)
    {
        Span<byte> bytes = stackalloc byte[SpanIdBytes];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, ParentSpanId);
        Convert.TryToHexStringLower(bytes, digits, out _);
    }

    /// <summary>Packs the context into <see cref="Size"/> bytes: both identifiers as on the wire, then 1 or 0.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt128BigEndian(bytes, TraceId);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[TraceIdBytes..], ParentSpanId);
        bytes[TraceIdBytes + SpanIdBytes] = IsSampled ? (byte)1 : (byte)0;
    }

    /// <summary>Unpacks what <see cref="WriteTo"/> packed.</summary>
    public static TraceContext ReadFrom(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[TraceIdBytes..]), bytes[TraceIdBytes + SpanIdBytes] != 0);

    [SkipLocalsInit]
    private static bool TryParse(ReadOnlySpan<byte> traceId, ReadOnlySpan<byte> spanId, bool isSampled, out TraceContext context)
    {
        context = default;
        Span<byte> bytes = stackalloc byte[Size];
        if (traceId.Length != TraceIdDigits || spanId.Length != SpanIdDigits
            || !TryDecode(traceId, bytes[..TraceIdBytes]) || !TryDecode(spanId, bytes.Slice(TraceIdBytes, SpanIdBytes)))
        {
            return false;
        }
        bytes[^1] = isSampled ? (byte)1 : (byte)0;
        TraceContext read = ReadFrom(bytes);
        if (read.TraceId == 0 || read.ParentSpanId == 0)
        {
            return false;
        }
        context = read;
        return true;
    }

    /// <summary>Capitals are not valid (section 3.2.2: lower case), though they are hexadecimal digits.</summary>
    private static bool TryDecode(ReadOnlySpan<byte> digits, Span<byte> bytes) =>
        !digits.ContainsAnyInRange((byte)'A', (byte)'F')
        && Convert.FromHexString(digits, bytes, out _, out _) == System.Buffers.OperationStatus.Done;
}
