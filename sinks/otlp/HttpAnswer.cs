using System.Globalization;
using System.Net;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>What an answer over HTTP means.</summary>
/// <remarks>
/// As the specification says, but that wrong credentials are tried again, since somebody may put them right. Errors: none; any bytes are an answer.
/// Source: OTLP specification, "OTLP/HTTP Response"; collector/*/v1/*_service.proto; google/rpc/status.proto.
/// </remarks>
internal static class HttpAnswer
{
    public static ExportResult Read(HttpStatusCode status, ReadOnlySpan<byte> body, string? mediaType, TimeSpan? retryAfter)
    {
        if ((int)status is >= 200 and < 300)
        {
            return Accepted(mediaType == "application/x-protobuf" ? body : default);
        }
        string said = ExportHttp.OneLine(mediaType == "application/x-protobuf" ? MessageOf(body) : body);
        string reason = string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)status}{(said.Length > 0 ? ": " : string.Empty)}{said}");
        return status switch
        {
            HttpStatusCode.RequestEntityTooLarge => new(ExportStatus.TooLarge, reason),
            HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout or HttpStatusCode.RequestTimeout =>
                new(ExportStatus.Retry, reason, retryAfter),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.ProxyAuthenticationRequired => new(ExportStatus.Retry, reason + "; set sinks.otlp.headers", retryAfter),
            HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed => new(ExportStatus.Malformed, reason + "; it takes no such signal here: check sinks.otlp.endpoint, or switch the signal off"),
            _ => new(ExportStatus.Malformed, reason),
        };
    }

    /// <summary>Reads an Export…ServiceResponse { partial_success = 1 { rejected = 1, error_message = 2 } }: how much of what was taken was not.</summary>
    public static ExportResult Accepted(ReadOnlySpan<byte> message)
    {
        long rejected = 0;
        string? reason = null;
        ProtoReader response = new(message);
        while (response.TryRead())
        {
            if (response is not { Field: 1, HasBytes: true })
            {
                continue;
            }
            ProtoReader partial = new(response.Bytes);
            while (partial.TryRead())
            {
                if (partial is { Field: 1, HasBytes: false })
                {
                    rejected = (long)partial.Number;
                }
                else if (partial is { Field: 2, HasBytes: true } && !partial.Bytes.IsEmpty)
                {
                    reason = ExportHttp.OneLine(partial.Bytes);
                }
            }
        }
        return new ExportResult(ExportStatus.Accepted, reason, RejectedItems: (int)Math.Clamp(rejected, 0, int.MaxValue));
    }

    /// <summary>message = 2 of a google.rpc.Status.</summary>
    private static ReadOnlySpan<byte> MessageOf(ReadOnlySpan<byte> status)
    {
        ProtoReader reader = new(status);
        while (reader.TryRead())
        {
            if (reader is { Field: 2, HasBytes: true })
            {
                return reader.Bytes;
            }
        }
        return default;
    }
}
