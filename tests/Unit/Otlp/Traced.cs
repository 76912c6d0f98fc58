using System.Globalization;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Unit.Otlp;

/// <summary>Transactions with a trace context.</summary>
internal static class Traced
{
    public static byte[] Attributes(string traceId, string parentSpanId, bool isSampled)
    {
        AttributeWriter writer = new(new byte[TraceContext.AttributesLength]);
        new TraceContext(
            UInt128.Parse(traceId, NumberStyles.HexNumber, CultureInfo.InvariantCulture), ulong.Parse(parentSpanId, NumberStyles.HexNumber, CultureInfo.InvariantCulture), isSampled).AddTo(ref writer);
        return writer.Written.ToArray();
    }

    public static Transaction With(in Transaction one, ReadOnlySpan<byte> attributes = default, string? target = null, string? host = null, byte[]? method = null, TransactionFlags flags = TransactionFlags.None) => new()
    {
        Connection = one.Connection,
        Protocol = one.Protocol,
        ClientSide = one.ClientSide,
        StartNs = one.StartNs,
        DurationNs = one.DurationNs,
        TimeToFirstByteNs = one.TimeToFirstByteNs,
        Method = method ?? one.Method,
        Target = target is null ? one.Target : System.Text.Encoding.Latin1.GetBytes(target),
        Host = host is null ? one.Host : System.Text.Encoding.Latin1.GetBytes(host),
        Version = one.Version,
        Status = one.Status,
        RequestBytes = one.RequestBytes,
        ResponseBytes = one.ResponseBytes,
        RequestBodyBytes = one.RequestBodyBytes,
        ResponseBodyBytes = one.ResponseBodyBytes,
        Error = one.Error,
        Flags = flags,
        Attributes = attributes,
    };
}
