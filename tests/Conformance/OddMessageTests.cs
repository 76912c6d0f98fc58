using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Conformance;

/// <summary>Messages at the edge of the grammar: each is answered by something, and the exchange behind it is seen.</summary>
public sealed class OddMessageTests
{
    private const string Get = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const string Seen = "GET /x 200 1.1";

    [Theory]
    [InlineData("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\0b\r\n\0\0: c\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 1\n\nz")]
    [InlineData("\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\tagain\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 999\r\n\r\n2\r\nok\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2 ;x\r\nok\r\n0;y\r\nA: b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nbad size\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\ncruft behind")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 12abc\r\n\r\nsomething")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more")]
    public void Response(string response)
    {
        using Wire wire = new();
        wire.Client(Get).Server(response).Client(Get).Server(Ok);
        Assert.Equal([Seen, Seen], wire.Lines);
    }

    [Theory]
    [InlineData("HEAD /x HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD /x 200 1.1")]
    [InlineData("HEAD /x HTTP/1.1\r\n\r\n", "HTTP/1.1 404 No\r\nContent-Length: 50\r\n\r\n", "HEAD /x 404 1.1")]
    [InlineData("GET /x HTTP/1.1\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", "GET /x 304 1.1")]
    [InlineData("GET /x HTTP/1.1\r\n\r\n", "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", "GET /x 204 1.1")]
    [InlineData("GET  HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", "- - 400 -")]
    [InlineData("\r\n\r\nGET /x HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Seen)]
    [InlineData("GET /a b HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET /a b 200 1.1")]
    [InlineData("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "POST /x 200 1.1")]
    [InlineData("GET http://h/x HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET http://h/x 200 1.1")]
    public void Exchange(string request, string response, string expected)
    {
        using Wire wire = new();
        wire.Client(request).Server(response).Client(Get).Server(Ok);
        Assert.Equal([expected, Seen], wire.Lines);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nuntil the end")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")]
    public void Response_that_the_end_cuts(string response)
    {
        using Wire wire = new();
        wire.Client(Get).Server(response).Server("", TcpFlags.Fin | TcpFlags.Ack).Client("", TcpFlags.Fin | TcpFlags.Ack);
        Assert.Equal([Seen], wire.Lines);
    }

    [Theory]
    [InlineData("<html>old</html>", "GET /x - 0.9")]
    [InlineData("<html>\r\nold\r\n</html>\r\n", "GET /x - 0.9")]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno", "GET /x 400 0.9")]
    [InlineData("", "GET /x - 0.9")]
    public void Simple_request(string response, string expected)
    {
        using Wire wire = new();
        wire.Client("GET /x\r\n").Server(response).Server("", TcpFlags.Fin | TcpFlags.Ack).Client("", TcpFlags.Fin | TcpFlags.Ack);
        Assert.Equal([expected], wire.Lines);
    }

    [Theory]
    [InlineData(false, "GET /x\r\n")]
    [InlineData(true, "GET /x\n")]
    [InlineData(true, "GET x\r\n")]
    [InlineData(true, "GOT /x\r\n")]
    [InlineData(true, "GET /x y\r\n")]
    [InlineData(true, "GET /x\r\nHost: h\r\n\r\n")]
    public void No_simple_request(bool opens, string request)
    {
        using Wire wire = new(opens);
        wire.Client(request).Server("what?").Server("", TcpFlags.Fin | TcpFlags.Ack).Client("", TcpFlags.Fin | TcpFlags.Ack);
        Assert.Empty(wire.Lines);
    }

    [Fact]
    public void Response_before_the_request_is_whole()
    {
        using Wire wire = new();
        wire.Client("POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345").Server(Ok).Client("67890").Client(Get).Server(Ok);
        Assert.Equal(["POST /x 200 1.1", Seen], wire.Lines);
    }

    [Theory]
    [InlineData("\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003", "\u0016\u0003\u0003\u0000\u007a\u0002")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("*1\r\n$4\r\nPING\r\n", "+PONG\r\n")]
    [InlineData("GET key\r\n", "$-1\r\n")]
    [InlineData("EHLO h\r\n", "250 ok\r\n")]
    [InlineData("OPTIONS rtsp://h/x RTSP/1.0\r\nCSeq: 1\r\n\r\n", "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")]
    [InlineData("INVITE sip:a@b SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\u0004\0\0\0\0\0")]
    public void Other_protocols_are_none(string client, string server)
    {
        using Wire wire = new();
        wire.Client(client).Server(server).Client(client).Server(server);
        Assert.Empty(wire.Lines);
    }
}
