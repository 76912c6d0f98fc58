using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>What an answer over gRPC means.</summary>
/// <remarks>
/// The status stands in the trailers, or in the headers when there is nothing else. As OTLP's specification says which of them may be tried again, but that wrong
/// credentials and exhaustion without a time to wait are, too: somebody may put them right. Errors: none; any answer is one.
/// Source: OTLP specification, "OTLP/gRPC Response"; gRPC's PROTOCOL-HTTP2.md, http-grpc-status-mapping.md; google/rpc/error_details.proto.
/// </remarks>
internal static class GrpcAnswer
{
    private const int PrefixBytes = 5;

    private const int Ok = 0;
    private const int Cancelled = 1;
    private const int Unknown = 2;
    private const int DeadlineExceeded = 4;
    private const int PermissionDenied = 7;
    private const int ResourceExhausted = 8;
    private const int Aborted = 10;
    private const int OutOfRange = 11;
    private const int Unimplemented = 12;
    private const int Internal = 13;
    private const int Unavailable = 14;
    private const int DataLoss = 15;
    private const int Unauthenticated = 16;

    public static ExportResult Read(HttpResponseMessage response, ReadOnlySpan<byte> body, TimeSpan? retryAfter)
    {
        int status = StatusOf(response);
        if (status == Ok)
        {
            return HttpAnswer.Accepted(MessageOf(body));
        }
        string said = ExportHttp.OneLine(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(Find(response, "grpc-message") ?? string.Empty)));
        string reason = string.Create(CultureInfo.InvariantCulture, $"gRPC {NameOf(status)}{(said.Length > 0 ? ": " : string.Empty)}{said}");
        retryAfter = RetryDelayOf(Find(response, "grpc-status-details-bin")) ?? retryAfter;
        return status switch
        {
            ResourceExhausted when retryAfter is null && IsAboutSize(said) => new(ExportStatus.TooLarge, reason),
            Cancelled or DeadlineExceeded or ResourceExhausted or Aborted or OutOfRange or Unavailable or DataLoss => new(ExportStatus.Retry, reason, retryAfter),
            Unauthenticated or PermissionDenied => new(ExportStatus.Retry, reason + "; set sinks.otlp.headers", retryAfter),
            Unimplemented => new(ExportStatus.Malformed, reason + "; it takes no such signal here: check sinks.otlp.endpoint, or switch the signal off"),
            _ => new(ExportStatus.Malformed, reason),
        };
    }

    /// <summary>Whether the receiver has no place for what was sent.</summary>
    public static bool LacksService(HttpResponseMessage response) => StatusOf(response) == Unimplemented;

    private static int StatusOf(HttpResponseMessage response)
    {
        if (int.TryParse(Find(response, "grpc-status"), NumberStyles.None, CultureInfo.InvariantCulture, out int status))
        {
            return status;
        }
        return response.StatusCode switch
        {
            HttpStatusCode.BadRequest => Internal,
            HttpStatusCode.Unauthorized => Unauthenticated,
            HttpStatusCode.Forbidden => PermissionDenied,
            HttpStatusCode.NotFound => Unimplemented,
            HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => Unavailable,
            // An answer without a status: broken off.
            HttpStatusCode.OK => Unavailable,
            _ => Unknown,
        };
    }

    private static string? Find(HttpResponseMessage response, string name) => Find(response.TrailingHeaders, name) ?? Find(response.Headers, name);

    private static string? Find(HttpHeaders headers, string name) => headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() : null;

    /// <summary>The message behind its prefix; empty when it is compressed, which was not allowed.</summary>
    private static ReadOnlySpan<byte> MessageOf(ReadOnlySpan<byte> body)
    {
        if (body.Length < PrefixBytes || body[0] != 0)
        {
            return default;
        }
        uint length = BinaryPrimitives.ReadUInt32BigEndian(body[1..]);
        return length <= body.Length - PrefixBytes ? body.Slice(PrefixBytes, (int)length) : default;
    }

    // grpc-go and its like name the limit: "received message larger than max (5000000 vs. 4194304)".
    private static bool IsAboutSize(string said) =>
        said.Contains("larger than", StringComparison.OrdinalIgnoreCase) || said.Contains("too large", StringComparison.OrdinalIgnoreCase) || said.Contains("exceeds maximum size", StringComparison.OrdinalIgnoreCase);

    /// <summary>retry_delay = 1 of the RetryInfo among the details = 3 of a google.rpc.Status, each an Any { type_url = 1, value = 2 }.</summary>
    private static TimeSpan? RetryDelayOf(string? details)
    {
        if (details is null)
        {
            return null;
        }
        // Padding may be missing, gRPC says.
        byte[] bytes = new byte[details.Length];
        string padded = details.PadRight((details.Length + 3) / 4 * 4, '=');
        if (!Convert.TryFromBase64String(padded, bytes, out int length))
        {
            return null;
        }
        ProtoReader status = new(bytes.AsSpan(0, length));
        while (status.TryRead())
        {
            if (status is { Field: 3, HasBytes: true } && DelayOfDetail(status.Bytes) is { } delay)
            {
                return ExportHttp.Bounded(delay);
            }
        }
        return null;
    }

    private static TimeSpan? DelayOfDetail(ReadOnlySpan<byte> any)
    {
        bool isRetryInfo = false;
        ReadOnlySpan<byte> value = default;
        ProtoReader reader = new(any);
        while (reader.TryRead())
        {
            isRetryInfo |= reader is { Field: 1, HasBytes: true } && reader.Bytes.EndsWith("google.rpc.RetryInfo"u8);
            value = reader is { Field: 2, HasBytes: true } ? reader.Bytes : value;
        }
        ProtoReader info = new(isRetryInfo ? value : default);
        while (info.TryRead())
        {
            if (info is { Field: 1, HasBytes: true })
            {
                return DurationOf(info.Bytes);
            }
        }
        return null;
    }

    /// <summary>google.protobuf.Duration { seconds = 1, nanos = 2 }.</summary>
    private static TimeSpan DurationOf(ReadOnlySpan<byte> message)
    {
        double seconds = 0;
        ProtoReader reader = new(message);
        while (reader.TryRead())
        {
            seconds += reader.Field switch
            {
                1 => (long)reader.Number,
                2 => (long)reader.Number / 1e9,
                _ => 0,
            };
        }
        return TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1e6));
    }

    private static string NameOf(int status) => status switch
    {
        Cancelled => "CANCELLED",
        DeadlineExceeded => "DEADLINE_EXCEEDED",
        PermissionDenied => "PERMISSION_DENIED",
        ResourceExhausted => "RESOURCE_EXHAUSTED",
        Aborted => "ABORTED",
        OutOfRange => "OUT_OF_RANGE",
        Unimplemented => "UNIMPLEMENTED",
        Internal => "INTERNAL",
        Unavailable => "UNAVAILABLE",
        DataLoss => "DATA_LOSS",
        Unauthenticated => "UNAUTHENTICATED",
        3 => "INVALID_ARGUMENT",
        _ => status.ToString(CultureInfo.InvariantCulture),
    };
}
