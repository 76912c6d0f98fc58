using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>What the server's answer to a write means.</summary>
/// <remarks>
/// Versions differ: a write of which some points were refused is 400 in 1.x ("partial write: … dropped=N"), 422 in 2.x (the same text) and 400 in 3.x (a list of lines). What somebody
/// can put right at the server is tried again; only what is refused for its contents is given up. Errors: none; any bytes are an answer.
/// Source: services/httpd/handler.go of 1.x, http/write_handler.go of 2.x, influxdb3_server/src/http.rs of 3.x.
/// </remarks>
internal static class InfluxDbAnswer
{
    public static ExportResult Read(HttpStatusCode status, TimeSpan? retryAfter, ReadOnlySpan<byte> body, int items, InfluxDbServer server)
    {
        if ((int)status is >= 200 and < 300)
        {
            return ExportResult.Accepted;
        }
        string? error = ErrorOf(body, out int refusedLines);
        string said = ExportHttp.OneLine(error is null ? body : Encoding.UTF8.GetBytes(error));
        return status switch
        {
            HttpStatusCode.RequestEntityTooLarge => new(ExportStatus.TooLarge, Text(status, said, null)),
            HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity => Refused(status, error, said, refusedLines, items),
            HttpStatusCode.Unauthorized => Retry(server.IsV1 ? "set sinks.influxdb.username and sinks.influxdb.password" : "set sinks.influxdb.token"),
            HttpStatusCode.Forbidden => Retry(server.IsV1 ? $"let the user write: GRANT WRITE ON \"{server.Database}\"" : $"the token may not write into bucket {server.Bucket}: make one that may"),
            HttpStatusCode.NotFound => Retry(NotFound(error, server)),
            HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError => Retry(null),
            _ => Retry("is that InfluxDB? check sinks.influxdb.url"),
        };

        ExportResult Retry(string? advice) => new(ExportStatus.Retry, Text(status, said, advice), retryAfter);
    }

    private static ExportResult Refused(HttpStatusCode status, string? error, string said, int refusedLines, int items)
    {
        if (error is null)
        {
            // A proxy's page.
            return new(ExportStatus.Retry, Text(status, said, "is that InfluxDB? check sinks.influxdb.url"));
        }
        if (error.Contains("orgID", StringComparison.Ordinal))
        {
            return new(ExportStatus.Retry, Text(status, said, "set sinks.influxdb.org"));
        }
        if (!error.Contains("partial write", StringComparison.OrdinalIgnoreCase))
        {
            return new(ExportStatus.Malformed, Text(status, said, null));
        }
        int rejected = Math.Max(refusedLines, Math.Max(DroppedOf(error), Occurrences(error, "unable to parse '")));
        return new(ExportStatus.Accepted, Text(status, said, null), RejectedItems: Math.Clamp(rejected, 1, items));
    }

    private static string NotFound(string? error, InfluxDbServer server) => (error, server.IsV1) switch
    {
        (null, true) => "is that InfluxDB? check sinks.influxdb.url",
        (null, false) => "check sinks.influxdb.url; InfluxDB before 1.8 knows only sinks.influxdb.database",
        (_, true) => $"create it: CREATE DATABASE \"{server.Database}\"",
        _ => $"create bucket {server.Bucket}, or check sinks.influxdb.org and sinks.influxdb.bucket",
    };

    /// <summary>The message of an error that InfluxDB wrote; null for anything else.</summary>
    private static string? ErrorOf(ReadOnlySpan<byte> body, out int refusedLines)
    {
        refusedLines = 0;
        if (body.IsEmpty || body[0] != (byte)'{')
        {
            return null;
        }
        try
        {
            Utf8JsonReader reader = new(body);
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            JsonElement root = document.RootElement;
            if (root.TryGetProperty("data", out JsonElement lines) && lines.ValueKind == JsonValueKind.Array)
            {
                refusedLines = lines.GetArrayLength();
            }
            return TextOf(root, "error") ?? TextOf(root, "message");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // One that lists many lines, of which only the beginning was read.
            string begun = Encoding.UTF8.GetString(body);
            refusedLines = Occurrences(begun, "\"line_number\"");
            return begun;
        }
    }

    // A string of half a pair of surrogates is an InvalidOperationException.
    private static string? TextOf(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>N of the last "dropped=N".</summary>
    private static int DroppedOf(string error)
    {
        const string Mark = "dropped=";
        int at = error.LastIndexOf(Mark, StringComparison.Ordinal);
        if (at < 0)
        {
            return 0;
        }
        ReadOnlySpan<char> digits = error.AsSpan(at + Mark.Length);
        int end = digits.IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture, out int dropped) ? dropped : 0;
    }

    private static int Occurrences(string text, string part)
    {
        int count = 0;
        for (int at = 0; (at = text.IndexOf(part, at, StringComparison.Ordinal)) >= 0; at += part.Length)
        {
            count++;
        }
        return count;
    }

    private static string Text(HttpStatusCode status, string said, string? advice)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"HTTP {(int)status}");
        text.Append(said.Length > 0 ? ": " : string.Empty).Append(said);
        return (advice is null ? text : text.Append("; ").Append(advice)).ToString();
    }
}
