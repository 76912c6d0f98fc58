using System.Text;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Bench.Micro;

/// <summary>HTTP/1 through the stream engine: what one request with its response costs.</summary>
internal static class HttpBenchmarks
{
    private const int Operations = 50_000;

    private static readonly byte[] BareRequest = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: 10.200.0.1\r\n\r\n");

    private static readonly byte[] BrowserRequest = Encoding.ASCII.GetBytes(
        "GET /api/v1/users/42/orders?limit=20 HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
        "Accept: application/json, text/plain, */*\r\nAccept-Language: en-GB,en;q=0.7\r\nAccept-Encoding: gzip, deflate, br\r\n" +
        "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");

    private static readonly byte[] NginxResponse = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 23 Nov 2026 02:00:00 GMT\r\nContent-Type: text/html\r\nContent-Length: 612\r\n" +
        "Last-Modified: Mon, 23 Nov 2026 01:00:00 GMT\r\nConnection: keep-alive\r\nETag: \"67413a50-264\"\r\nAccept-Ranges: bytes\r\n\r\n" + new string('x', 612));

    private static readonly byte[] ChunkedResponse = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
        "200\r\n" + new string('x', 512) + "\r\n64\r\n" + new string('y', 100) + "\r\n0\r\n\r\n");

    public static IEnumerable<MicroBenchmark> All()
    {
        yield return Transactions("http1: transaction, bare request, response with 612 bytes", BareRequest, NginxResponse);
        yield return Transactions($"http1: transaction, request head of {BrowserRequest.Length} bytes, response with 612 bytes", BrowserRequest, NginxResponse);
        yield return Transactions("http1: transaction, bare request, chunked response", BareRequest, ChunkedResponse);
        yield return Split($"http1: transaction, request head of {BrowserRequest.Length} bytes in two segments", BrowserRequest, NginxResponse);
    }

    private static MicroBenchmark Transactions(string name, byte[] request, byte[] response)
    {
        Nobody observer = new();
        Feed feed = new(new Http1Protocol(), observer);
        return new(name, Operations, () =>
        {
            long before = observer.Count;
            for (int i = 0; i < Operations; i++)
            {
                feed.Send(Side.B, request);
                feed.Send(Side.A, response);
            }
            Check(observer.Count - before);
        });
    }

    private static MicroBenchmark Split(string name, byte[] request, byte[] response)
    {
        Nobody observer = new();
        Feed feed = new(new Http1Protocol(), observer);
        return new(name, Operations, () =>
        {
            long before = observer.Count;
            for (int i = 0; i < Operations; i++)
            {
                feed.Send(Side.B, request.AsSpan(0, 200));
                feed.Send(Side.B, request.AsSpan(200));
                feed.Send(Side.A, response);
            }
            Check(observer.Count - before);
        });
    }

    private static void Check(long transactions)
    {
        if (transactions != Operations)
        {
            throw new InvalidOperationException($"{transactions} transactions instead of {Operations}: this measures something else");
        }
    }
}
