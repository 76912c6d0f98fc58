using System.Text;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Unit.Http1;

public sealed class DetectionTests
{
    private readonly Http1Protocol _protocol = new();

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("GET / HTTP/1.1")]
    [InlineData("\r\n\r\nPOST /x HTTP/1.0\r\nHost: a\r\n\r\n")]
    [InlineData("M-SEARCH * HTTP/1.1\n")]
    [InlineData("mine http://a/b HTTP/1.1\r\n")]
    [InlineData("CONNECT host:25 / HTTP/1.0\r\n")]
    [InlineData("GET /\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("HTTP/1.0 404")]
    [InlineData("\nHTTP/1.1 100\r\n\r\n")]
    public void Messages_are_recognised(string text) => Assert.Equal(Detection.Yes, Detect(text));

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("GET / HTTP/2.0\r\n")]
    [InlineData("GET /\n")]
    [InlineData("GET /\r\nHost: h\r\n")]
    [InlineData("GET key\r\n")]
    [InlineData("OPTIONS HTTP/1.1\r\n")]
    [InlineData("GET  HTTP/1.1\r\n")]
    [InlineData("GET / HTTP/1.\r\n")]
    [InlineData("OPTIONS rtsp://a/b RTSP/1.0\r\n")]
    [InlineData("INVITE sip:a@b SIP/2.0\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("220 mail.example ESMTP\r\n")]
    [InlineData("*1\r\n$4\r\nPING\r\n")]
    [InlineData("SET key value\r\n")]
    [InlineData("HTTP/2 200")]
    [InlineData("HTTP/1.1 2x0 OK")]
    [InlineData("HTTP/1.1 2000 OK")]
    [InlineData("HTTP/1.1 099 OK")]
    [InlineData("GET /\u0001 HTTP/1.1")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000")]
    [InlineData("\u0000\u0000\u0000")]
    [InlineData("{\"GET\": 1}")]
    [InlineData("ATOKENTHATISLONGERTHANTHIRTYTWOBYTES / HTTP/1.1\r\n")]
    public void Others_are_refused(string text) => Assert.Equal(Detection.No, Detect(text));

    [Theory]
    [InlineData("GET /a?b=c HTTP/1.1\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("HEAD / HTTP/1.0\r\n")]
    [InlineData("\r\nX-METHOD * HTTP/1.1\r\n")]
    public void Every_prefix_asks_for_more_until_it_is_certain(string text)
    {
        bool isCertain = false;
        for (int length = 0; length <= text.Length; length++)
        {
            Detection verdict = Detect(text[..length]);
            Assert.NotEqual(Detection.No, verdict);
            Assert.False(isCertain && verdict != Detection.Yes);
            isCertain |= verdict == Detection.Yes;
        }
        Assert.True(isCertain);
    }

    [Theory]
    [InlineData("GET /", Detection.Yes)]
    [InlineData("GET http://a/", Detection.Yes)]
    [InlineData("get /", Detection.No)]
    [InlineData("GET ?", Detection.No)]
    [InlineData("", Detection.No)]
    [InlineData("\r\n", Detection.No)]
    public void The_window_decides(string start, Detection expected)
    {
        string text = start.PadRight(Http1Detector.Window, 'a');
        Assert.Equal(Detection.NeedMoreData, Detect(text[..20]));
        Assert.Equal(expected, Detect(text));
        Assert.Equal(expected, Detect(text + text));
    }

    [Fact]
    public void Any_bytes_get_a_verdict_and_a_full_window_a_final_one()
    {
        Random random = new(9112);
        byte[] data = new byte[300];
        ReadOnlySpan<byte> alphabet = "GETPOSHD/1. \r\n*:htp\x00\xff0123"u8;
        for (int round = 0; round < 20_000; round++)
        {
            int length = random.Next(data.Length);
            for (int i = 0; i < length; i++)
            {
                data[i] = alphabet[random.Next(alphabet.Length)];
            }
            Detection verdict = _protocol.Detect(data.AsSpan(0, length));
            Assert.False(length >= Http1Detector.Window && verdict == Detection.NeedMoreData);
        }
    }

    private Detection Detect(string text) => _protocol.Detect(Encoding.Latin1.GetBytes(text));
}
