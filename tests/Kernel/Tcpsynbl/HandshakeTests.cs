using System.Net;
using System.Net.Sockets;

namespace KubeBpfBox.Kernel.Tcpsynbl;

/// <summary>Segments sent by hand, one by one: for each the kernel counts an overflow, or not, and so does the program.</summary>
public sealed class HandshakeTests
{
    private const byte Fin = RawClient.Fin, Syn = RawClient.Syn, Rst = RawClient.Rst, Ack = RawClient.Ack;
    // No more than four requests at once: of five the kernel gives up those that are not young after seconds (reqsk_timer_handler).
    private const int Limit = 3, TcpLevel = 6, DeferAccept = 9;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Requests_that_wait_for_their_last_acknowledgement(bool ipv6, bool mptcp)
    {
        using QueueFixture fixture = new();
        using RawClient client = new(fixture, ipv6);
        Socket? listener = mptcp ? fixture.Net.Server.Enter(QueueFixture.MakeMptcp) : null;
        Assert.SkipWhen(mptcp && listener is null, "this kernel has no MPTCP");
        int port = Listen(fixture, ipv6, listener);
        // Two requests remain while others fill the queue.
        RawClient.Handshake request = client.Begin(port), other = client.Begin(port);
        Fill(fixture, client, port);

        Step(fixture, 1, "last acknowledgement", () => client.Send(request, Ack));
        Step(fixture, 1, "again", () => client.Send(request, Ack));
        Step(fixture, 1, "with data", () => client.Send(request, Ack, payload: "data"));
        Step(fixture, 1, "data further on", () => client.Send(request, Ack, offset: 5, payload: "more"));
        Step(fixture, 1, "the end", () => client.Send(request, Ack | Fin, offset: 9));
        Step(fixture, 0, "the SYN again", () => client.Send(request, Syn, offset: 0, acknowledgment: 0));
        Step(fixture, 0, "beyond the window", () => client.Send(request, Ack, offset: 10_000_000, payload: "far"));
        Step(fixture, 0, "before the window", () => client.Send(request, Ack, offset: unchecked((uint)-100)));
        Step(fixture, 0, "acknowledges nothing that was sent", () => client.Send(request, Ack, acknowledgment: request.ServerSequence!.Value + 77));
        Step(fixture, 0, "no acknowledgement", () => client.Send(request, 0, payload: "data", acknowledgment: 0));
        Step(fixture, 0, "a reset", () => client.Send(request, Rst, acknowledgment: 0));
        Step(fixture, 0, "after the reset", () => client.Send(request, Ack));
        Step(fixture, 1, "another one's last acknowledgement", () => client.Send(other, Ack));
        Step(fixture, 0, "a reset that acknowledges", () => client.Send(other, Rst | Ack));
        Step(fixture, 1, "a new SYN", () => client.Begin(port, answered: false));
        Step(fixture, 0, "a SYN with FIN", () => client.Send(request, Syn | Fin, offset: 0, acknowledgment: 0));
        Step(fixture, 0, "a SYN with RST", () => client.Send(request, Syn | Rst, offset: 0, acknowledgment: 0));
        Step(fixture, 0, "a SYN with an acknowledgement", () => client.Send(request, Syn | Ack, offset: 0));
        fixture.StopAndAssertEqual();
        Assert.All(fixture.Events, happened => Assert.Equal((client.Address, Limit + 1L, (long)Limit), (happened.Client.Address, happened.QueueLength, happened.QueueLimit)));
        Assert.Equal(1, fixture.Events.Sum(static happened => happened.SynCount));
        Assert.Equal(7, fixture.Reported);
    }

    [Theory]
    [InlineData(false, "1")]
    [InlineData(true, "1")]
    [InlineData(false, "2")]
    [InlineData(true, "2")]
    public void Handshakes_that_were_answered_with_a_cookie(bool ipv6, string syncookies)
    {
        using QueueFixture fixture = new();
        fixture.Net.Server.Sysctl("ipv4/tcp_syncookies", syncookies);
        using RawClient client = new(fixture, ipv6);
        int port = Listen(fixture, ipv6);
        long cookiesBefore = fixture.ReadServer("netstat", "TcpExt:", "SyncookiesSent");
        List<RawClient.Handshake> begun = [.. Enumerable.Range(0, 12).Select(_ => client.Begin(port))];
        int requests = 12 - (int)(fixture.ReadServer("netstat", "TcpExt:", "SyncookiesSent") - cookiesBefore);
        Assert.InRange(requests, syncookies == "2" ? 0 : Limit, syncookies == "2" ? 0 : Limit + 1);
        // The last came when there were enough requests: they have cookies. Some fill the queue.
        begun[^(Limit + 1)..].ForEach(each => Step(fixture, 0, "the queue is not full", () => client.Send(each, Ack)));
        RawClient.Handshake cookie = begun[^(Limit + 2)];
        Step(fixture, 1, "last acknowledgement", () => client.Send(cookie, Ack));
        Step(fixture, 1, "with data", () => client.Send(cookie, Ack, payload: "data"));
        Step(fixture, 1, "the end", () => client.Send(cookie, Ack | Fin));
        Step(fixture, 0, "data further on", () => client.Send(cookie, Ack, offset: 5, payload: "more"));
        Step(fixture, 0, "a reset", () => client.Send(cookie, Rst, acknowledgment: 0));
        Step(fixture, 0, "of nobody", () => client.Send(new RawClient.Handshake(30_000, (ushort)port, 1, 2), Ack, payload: "stray"));
        begun[..^(Limit + 2)].ForEach(each => Step(fixture, 1, "last acknowledgement of the others", () => client.Send(each, Ack)));
        Step(fixture, 1, "a new SYN", () => client.Begin(port, answered: false));
        fixture.StopAndAssertEqual();
        Assert.Equal(3 + 12 - (Limit + 2) + 1, fixture.Reported);
    }

    [Fact]
    public void A_request_that_has_expired_is_a_stray_although_cookies_were_sent()
    {
        using QueueFixture fixture = new();
        fixture.Net.Server.Sysctl("ipv4/tcp_synack_retries", "0");
        using RawClient client = new(fixture, ipv6: false);
        int port = Listen(fixture, ipv6: false);
        List<RawClient.Handshake> begun = [.. Enumerable.Range(0, 12).Select(_ => client.Begin(port))];
        begun[^(Limit + 1)..].ForEach(each => client.Send(each, Ack));
        fixture.Until(() => fixture.Net.Server.Enter(static () => !File.ReadLines("/proc/thread-self/net/tcp").Any(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3] == "03")), "no request left");
        Step(fixture, 0, "of an expired request", () => client.Send(begun[0], Ack, payload: "late"));
        fixture.StopAndAssertEqual();
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", 1)]
    public void Without_cookies_too_many_requests_refuse_a_syn_before_the_accept_queue_does(string syncookies, int expected)
    {
        using QueueFixture fixture = new();
        fixture.Net.Server.Sysctl("ipv4/tcp_syncookies", syncookies);
        using RawClient client = new(fixture, ipv6: false);
        Socket listener = fixture.Listen(IPAddress.Any, 9);
        int port = QueueFixture.PortOf(listener);
        List<RawClient.Handshake> requests = [.. Enumerable.Range(0, 4).Select(_ => client.Begin(port))];
        for (int i = 0; i < 3; i++)
        {
            Step(fixture, 0, "there is room", () => client.Send(client.Begin(port), Ack));
        }
        // Only by asking for less than there is can both be too many: a request is not begun when the accept queue is full.
        listener.Listen(1);
        Step(fixture, expected, "a SYN", () => client.Begin(port, answered: false));
        requests.ForEach(each => Step(fixture, 1, "last acknowledgement", () => client.Send(each, Ack)));
        listener.Listen(9);
        Step(fixture, 0, "room again", () => client.Send(requests[0], Ack));
        fixture.StopAndAssertEqual();
    }

    [Fact]
    public void While_acceptance_is_deferred_a_bare_acknowledgement_is_none()
    {
        using QueueFixture fixture = new();
        using RawClient client = new(fixture, ipv6: false);
        Socket listener = fixture.Net.Server.Enter(static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.SetRawSocketOption(TcpLevel, DeferAccept, BitConverter.GetBytes(30));
        int port = Listen(fixture, ipv6: false, listener);
        RawClient.Handshake request = client.Begin(port);
        Fill(fixture, client, port, "data");
        Step(fixture, 0, "a bare acknowledgement", () => client.Send(request, Ack));
        Step(fixture, 1, "with data", () => client.Send(request, Ack, payload: "data"));
        Step(fixture, 1, "a new SYN", () => client.Begin(port, answered: false));
        fixture.StopAndAssertEqual();
    }

    private static int Listen(QueueFixture fixture, bool ipv6, Socket? made = null) =>
        QueueFixture.PortOf(fixture.Listen(ipv6 ? IPAddress.IPv6Any : IPAddress.Any, Limit, made: made));

    /// <summary>One handshake after the other until the queue is full: it holds one more than its limit.</summary>
    private static void Fill(QueueFixture fixture, RawClient client, int port, string payload = "")
    {
        for (int i = 0; i <= Limit; i++)
        {
            Step(fixture, 0, "there is room", () => client.Send(client.Begin(port), Ack, payload: payload));
        }
    }

    private static void Step(QueueFixture fixture, int overflows, string what, Action action)
    {
        long kernel = fixture.KernelOverflows, counted = fixture.Counted;
        action();
        fixture.Until(() => fixture.KernelOverflows - kernel >= overflows, what);
        Assert.True(fixture.KernelOverflows - kernel == overflows, $"{what}: the kernel counted {fixture.KernelOverflows - kernel} and not {overflows}");
        Assert.True(fixture.Counted - counted == overflows, $"{what}: the program counted {fixture.Counted - counted} and not {overflows}");
    }
}
