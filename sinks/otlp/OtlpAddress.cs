using System.Text;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Where requests go, and with which headers.</summary>
/// <remarks>Source: OpenTelemetry, "OTLP Exporter Configuration": endpoint URLs for OTLP/HTTP, specifying headers; OTLP's protos for gRPC's paths.</remarks>
internal static class OtlpAddress
{
    private static readonly string[] s_ours = ["content-type", "content-length", "content-encoding", "transfer-encoding", "host", "te", "connection"];

    /// <summary>The address of a signal: the endpoint's path, and what the protocol adds.</summary>
    /// <exception cref="OtlpException">The endpoint is no address.</exception>
    public static Uri Of(Uri endpoint, OtlpProtocol protocol, ExportKind kind)
    {
        if (!endpoint.IsAbsoluteUri || (endpoint.Scheme != Uri.UriSchemeHttp && endpoint.Scheme != Uri.UriSchemeHttps) || endpoint.Host.Length == 0)
        {
            throw new OtlpException("sinks.otlp.endpoint: is no http or https URL; set it to one such as http://collector:4317");
        }
        if (endpoint.UserInfo.Length > 0)
        {
            throw new OtlpException("sinks.otlp.endpoint: has a user name in it; set sinks.otlp.headers to authorization=Basic%20… instead");
        }
        string signal = kind switch
        {
            ExportKind.Log => "trace",
            ExportKind.Events => "logs",
            _ => "metrics",
        };
        string service = kind switch
        {
            ExportKind.Log => "Trace",
            ExportKind.Events => "Logs",
            _ => "Metrics",
        };
        string path = protocol == OtlpProtocol.Grpc
            ? $"/opentelemetry.proto.collector.{signal}.v1.{service}Service/Export"
            : $"/v1/{(kind == ExportKind.Log ? "traces" : signal)}";
        return new Uri(endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/') + path);
    }

    /// <summary>The headers that were asked for. No message has a value of theirs.</summary>
    /// <exception cref="OtlpException">They cannot be sent.</exception>
    public static IReadOnlyList<KeyValuePair<string, string>> Headers(string text)
    {
        List<KeyValuePair<string, string>> headers = [];
        string[] pairs = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < pairs.Length; i++)
        {
            int equals = pairs[i].IndexOf('=', StringComparison.Ordinal);
            // HTTP/2 has lower-case names only.
            string name = equals <= 0 ? string.Empty : pairs[i][..equals].Trim().ToLowerInvariant();
            if (name.Length == 0 || !Ascii.IsValid(name) || name.Any(static c => !char.IsLetterOrDigit(c) && c is not ('-' or '_' or '.')))
            {
                throw new OtlpException($"sinks.otlp.headers: pair {i + 1} has no name; set it to key=value,key=value");
            }
            if (s_ours.Contains(name))
            {
                throw new OtlpException($"sinks.otlp.headers: {name} is not yours to set; leave it out");
            }
            string value = Uri.UnescapeDataString(pairs[i][(equals + 1)..].Trim());
            if (value.Any(static c => c is < ' ' or > '~'))
            {
                throw new OtlpException($"sinks.otlp.headers: the value of {name} has characters that no header has");
            }
            headers.Add(new(name, value));
        }
        return headers;
    }
}
