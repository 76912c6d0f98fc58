using System.Buffers.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>What was asked for, and of whom: url.*, server.*.</summary>
/// <remarks>
/// The names are the Host field's, since that is what the client asked for; without one, the address. Whatever stands before an "@" (a password, perhaps) is never
/// sent. Only unencrypted requests are seen, so the scheme is http. Source: semantic conventions for HTTP spans; RFC 9112 section 3.2, forms of the target.
/// </remarks>
internal static class SpanTarget
{
    private const int DefaultPort = 80;

    public static void Write(ProtoWriter writer, int field, in Transaction transaction, ExportedUrl url, bool isClient)
    {
        Endpoint server = transaction.Connection.EndOf(transaction.ClientSide.Other());
        Span<byte> text = stackalloc byte[Endpoint.MaxTextLength];
        scoped ReadOnlySpan<byte> host = transaction.Host[(transaction.Host.LastIndexOf((byte)'@') + 1)..];
        int port = SplitPort(ref host);
        if (host.IsEmpty)
        {
            host = text[..EndpointText.FormatAddress(server, text)];
            port = server.Port;
        }
        ReadOnlySpan<byte> path = PathOf(transaction.Target, out ReadOnlySpan<byte> query);
        writer.Attribute(field, "server.address"u8, host);
        writer.Attribute(field, "server.port"u8, port);
        writer.Attribute(field, "url.scheme"u8, "http"u8);
        if (url == ExportedUrl.Route || path.IsEmpty)
        {
            return;
        }
        writer.Attribute(field, "url.path"u8, path);
        query = url == ExportedUrl.Full ? query : default;
        if (!query.IsEmpty)
        {
            writer.Attribute(field, "url.query"u8, query);
        }
        if (isClient)
        {
            Full(writer, field, host, port, path, query);
        }
    }

    /// <summary>The path of an origin or absolute form; empty where there is none: CONNECT, "*", nonsense.</summary>
    internal static ReadOnlySpan<byte> PathOf(ReadOnlySpan<byte> target, out ReadOnlySpan<byte> query)
    {
        query = default;
        int scheme = target.IndexOf("://"u8);
        if (scheme > 0 && target[0] != '/')
        {
            target = target[(scheme + 3)..];
            int start = target.IndexOfAny((byte)'/', (byte)'?', (byte)'#');
            target = start < 0 ? "/"u8 : target[start..];
        }
        int fragment = target.IndexOf((byte)'#');
        target = fragment < 0 ? target : target[..fragment];
        int mark = target.IndexOf((byte)'?');
        if (mark >= 0)
        {
            query = target[(mark + 1)..];
            target = target[..mark];
        }
        return target.StartsWith("/"u8) ? target : default;
    }

    /// <summary>Cuts ":8080" off; brackets of an IPv6 address go, too.</summary>
    private static int SplitPort(ref ReadOnlySpan<byte> host)
    {
        int port = DefaultPort;
        int colon = host.LastIndexOf((byte)':');
        if (colon > host.LastIndexOf((byte)']') && Utf8Parser.TryParse(host[(colon + 1)..], out ushort given, out int length) && length == host.Length - colon - 1)
        {
            port = given;
            host = host[..colon];
        }
        if (host is [(byte)'[', .., (byte)']'])
        {
            host = host[1..^1];
        }
        return port;
    }

    private static void Full(ProtoWriter writer, int field, ReadOnlySpan<byte> host, int port, ReadOnlySpan<byte> path, ReadOnlySpan<byte> query)
    {
        OtlpAttributes.Opened opened = OtlpAttributes.OpenText(writer, field, "url.full"u8, out int text);
        bool isIPv6 = host.Contains((byte)':');
        writer.Append(isIPv6 ? "http://["u8 : "http://"u8);
        writer.AppendWire(host);
        writer.Append(isIPv6 ? "]"u8 : default);
        if (port != DefaultPort)
        {
            Span<byte> digits = stackalloc byte[5];
            Utf8Formatter.TryFormat(port, digits, out int length);
            writer.Append(":"u8);
            writer.Append(digits[..length]);
        }
        writer.AppendWire(path);
        if (!query.IsEmpty)
        {
            writer.Append("?"u8);
            writer.AppendWire(query);
        }
        OtlpAttributes.CloseText(writer, opened, text);
    }
}
