using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Conformance;

/// <summary>What TCP and capture points do that no client does on demand.</summary>
public sealed class OddConnectionTests
{
    private const string Get = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const string Seen = "GET /x 200 1.1";

    [Fact]
    public void Response_captured_before_its_request()
    {
        using Wire wire = new();
        wire.ServerBeforeClient(Get, Ok).Client("").ServerBeforeClient(Get, Ok);
        Assert.Equal([Seen, Seen], wire.Lines);
    }

    [Fact]
    public void Last_response_with_its_end_captured_before_its_request()
    {
        using Wire wire = new();
        wire.Client(Get).Server(Ok).ServerBeforeClient(Get, Ok);
        wire.Server("", TcpFlags.Fin | TcpFlags.Ack).Client("", TcpFlags.Fin | TcpFlags.Ack);
        Assert.Equal([Seen, Seen], wire.Lines);
    }

    [Fact]
    public void A_request_that_never_comes_is_not_waited_for()
    {
        using Wire wire = new();
        wire.Client(Get).Server(Ok).Lost(clientBytes: 40).Server("HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n").Client(Get).Server(Ok);
        Assert.Equal([Seen, "- - 404 -", Seen], wire.Lines);
    }

    [Fact]
    public void Keep_alive_probes_are_no_data()
    {
        using Wire wire = new();
        wire.Client(Get).Server(Ok).Client("\0", shift: -1).Server("").Client("\0", shift: -1).Client(Get).Server("\0", shift: -1).Server(Ok);
        Assert.Equal([Seen, Seen], wire.Lines);
    }

    [Fact]
    public void Window_probes_bring_one_byte_early()
    {
        using Wire wire = new();
        wire.Client(Get).Server(Ok[..10]).Server(Ok[10..11], shift: 1 - 1).Server(Ok[10..], shift: -1).Lost(serverBytes: Ok.Length - 11).Client(Get).Server(Ok);
        Assert.Equal([Seen, Seen], wire.Lines);
    }

    [Fact]
    public void Request_in_the_SYN_sent_twice()
    {
        using Wire wire = new(opens: false);
        wire.Client(Get, TcpFlags.Syn, shift: 0);
        wire.Client(Get, TcpFlags.Syn, shift: -Get.Length - 1);
        wire.Server("", TcpFlags.Syn | TcpFlags.Ack).Server(Ok).Client(Get).Server(Ok);
        Assert.Equal([Seen, Seen], wire.Lines);
    }

    [Fact]
    public void Reset_with_a_reason_in_it()
    {
        using Wire wire = new();
        wire.Client(Get).Server(Ok).Server("go away", TcpFlags.Rst | TcpFlags.Ack).Server("go away", TcpFlags.Rst | TcpFlags.Ack, shift: -7);
        Assert.Equal([Seen], wire.Lines);
    }

    [Fact]
    public void Ends_sent_twice_and_before_their_time()
    {
        using Wire wire = new();
        wire.Client(Get).Server(Ok[..20]);
        wire.Server("", TcpFlags.Fin | TcpFlags.Ack, shift: Ok.Length - 20).Server("", TcpFlags.Fin | TcpFlags.Ack, shift: Ok.Length - 20);
        wire.Server(Ok[20..]).Client("", TcpFlags.Fin | TcpFlags.Ack).Client("", TcpFlags.Fin | TcpFlags.Ack, shift: -1);
        Assert.Equal([Seen], wire.Lines);
    }

    [Fact]
    public void Time_that_goes_back()
    {
        using Wire wire = new();
        wire.Client(Get);
        wire.NowNs -= 5_000_000_000;
        wire.Server(Ok);
        wire.NowNs += 9_000_000_000;
        wire.Client(Get);
        wire.NowNs -= 8_000_000_000;
        wire.Server(Ok);
        Assert.Equal([Seen, Seen], wire.Lines);
    }

    [Theory]
    [InlineData(false, "")]
    [InlineData(false, "tail of a body")]
    [InlineData(false, "tail\r\nwith lines\r\n\r\n")]
    public void Joined_late(bool opens, string tail)
    {
        using Wire wire = new(opens);
        wire.Server(tail).Client("").Client(Get).Server(Ok).Client(Get).Server(Ok);
        Assert.Equal([Seen, Seen], wire.Lines);
    }

    [Fact]
    public void Wraps_and_overlaps()
    {
        using Wire wire = new();
        wire.Client(Get[..5]).Client(Get[3..], shift: -2).Lost(clientBytes: Get.Length - 5).Server(Ok).Client(Get).Server(Ok);
        Assert.Equal([Seen, Seen], wire.Lines);
    }
}
