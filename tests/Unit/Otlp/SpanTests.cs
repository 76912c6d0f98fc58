using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Sinks.Otlp;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Otlp;

public sealed class SpanTests
{
    private static readonly SpanPlace s_root = new(new UInt128(1, 2), 0);

    private readonly ProtoWriter _writer = new();

    [Fact]
    public void A_server_s_span_says_all_that_the_conventions_ask_for()
    {
        Transaction transaction = TestTransactions.Make(method: "POST", target: "/users/4711?token=secret", status: 201, durationNs: 5_000_000, startNs: 1_000_000_000);
        ProtoTree span = Write(in transaction, new SpanPlace(new UInt128(0x4bf92f3577b34da6, 0xa3ce929d0e0e4736), 0x00f067aa0ba902b7));
        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", Convert.ToHexStringLower(span.Bytes(1)));
        Assert.Equal((8, "00f067aa0ba902b7"), (span.Bytes(2).Length, Convert.ToHexStringLower(span.Bytes(4))));
        Assert.Equal(("POST /users/{id}", 2UL, 1_000_000_000UL, 1_005_000_000UL), (span.Text(5), span.Number(6), span.Number(7), span.Number(8)));
        // Sampled, and a parent that is known to be remote.
        Assert.Equal(0x301UL, span.Number(16));
        Assert.False(span.Has(3) || span.Has(15));
        Dictionary<string, object> attributes = span.Attributes(9);
        Assert.Equal(
            new Dictionary<string, object>
            {
                ["http.request.method"] = "POST", ["http.route"] = "/users/{id}", ["network.protocol.name"] = "http", ["network.protocol.version"] = "1.1",
                ["http.request.size"] = 100L, ["http.request.body.size"] = 0L, ["http.response.size"] = 200L, ["http.response.body.size"] = 50L,
                ["http.response.status_code"] = 201L, ["kubebpfbox.time_to_first_byte_ns"] = 2_500_000L, ["url.scheme"] = "http", ["url.path"] = "/users/4711",
                ["server.address"] = "example.test", ["server.port"] = 80L, ["client.address"] = "10.0.0.2", ["client.port"] = 40000L,
                ["network.peer.address"] = "10.0.0.2", ["network.peer.port"] = 40000L, ["network.local.address"] = "10.0.0.1", ["network.local.port"] = 8080L,
            }.OrderBy(static one => one.Key),
            attributes.OrderBy(static one => one.Key));
    }

    [Fact]
    public void A_client_s_span_has_its_url_and_its_peer()
    {
        Transaction transaction = Traced.With(TestTransactions.Make(role: "client"), host: "shop.example:8080", target: "/cart?x=1");
        transaction.Connection.Peer = new Workload("cart", WorkloadSource.Address) { Namespace = "shop", Pod = "cart-1", Service = "cart-svc", Node = "node2" };
        ProtoTree span = Write(in transaction, s_root, ExportedUrl.Full);
        Dictionary<string, object> attributes = span.Attributes(9);
        Assert.Equal((3UL, 0x103UL, "ot=th:0"), (span.Number(6), span.Number(16), span.Text(3)));
        Assert.False(span.Has(4));
        Assert.Equal(("/cart", "http://shop.example:8080/cart?x=1", "x=1", "/cart"), (attributes["url.path"], attributes["url.full"], attributes["url.query"], attributes["url.template"]));
        Assert.Equal(("shop.example", 8080L, "10.0.0.2", 40000L), (attributes["server.address"], attributes["server.port"], attributes["network.peer.address"], attributes["network.peer.port"]));
        Assert.Equal(("cart", "cart", "shop", "cart-1"), (attributes["peer.service"], attributes["service.peer.name"], attributes["service.peer.namespace"], attributes["kubebpfbox.peer.pod"]));
        Assert.False(attributes.ContainsKey("client.address") || attributes.ContainsKey("http.route"));
    }

    [Theory]
    [InlineData("server", 404, null, null, null)]
    [InlineData("server", 500, null, "500", null)]
    [InlineData("client", 404, null, "404", null)]
    [InlineData("client", 302, null, null, null)]
    [InlineData("server", 0, TransactionError.Timeout, "timeout", "timeout")]
    [InlineData("client", 0, TransactionError.ConnectionReset, "connection_reset", "connection_reset")]
    [InlineData("server", 0, TransactionError.NotCaptured, null, null)]
    [InlineData("server", 0, TransactionError.Malformed, "malformed", "malformed")]
    public void The_status_is_an_error_where_the_conventions_say_so(string role, int status, string? error, string? type, string? description)
    {
        ProtoTree span = Write(TestTransactions.Make(role: role, status: status, error: error, durationNs: status == 0 ? -1 : 1), s_root);
        Assert.Equal(type, span.Attributes(9).GetValueOrDefault("error.type"));
        Assert.Equal(type is not null, span.Has(15));
        Assert.True(span.Number(8) >= span.Number(7));
        if (type is not null)
        {
            ProtoTree said = span.One(15);
            Assert.Equal((2UL, description), (said.Number(3), said.Has(2) ? said.Text(2) : null));
        }
    }

    [Theory]
    [InlineData(ExportedUrl.Path, "/a/b?c=d", "/a/b", null)]
    [InlineData(ExportedUrl.Full, "/a/b?c=d#e", "/a/b", "c=d")]
    [InlineData(ExportedUrl.Full, "/a/b", "/a/b", null)]
    [InlineData(ExportedUrl.Route, "/a/b?c=d", null, null)]
    [InlineData(ExportedUrl.Full, "http://user:password@host/x?y", "/x", "y")]
    [InlineData(ExportedUrl.Full, "http://user:password@host", "/", null)]
    [InlineData(ExportedUrl.Full, "http://user:password@host?q", null, "q")]
    [InlineData(ExportedUrl.Full, "user:password@host:443", null, null)]
    [InlineData(ExportedUrl.Full, "*", null, null)]
    [InlineData(ExportedUrl.Full, "/redirect?to=http://x/", "/redirect", "to=http://x/")]
    public void Only_what_is_allowed_of_the_target_is_sent(ExportedUrl url, string target, string? path, string? query)
    {
        Transaction transaction = Traced.With(TestTransactions.Make(role: "client"), target: target, host: "user:password@host");
        Dictionary<string, object> attributes = Write(in transaction, s_root, url).Attributes(9);
        Assert.Equal((path, path is null ? null : query), (attributes.GetValueOrDefault("url.path"), attributes.GetValueOrDefault("url.query")));
        Assert.Equal("host", attributes["server.address"]);
        Assert.DoesNotContain(attributes.Where(static one => one.Key != "url.template").Select(static one => one.Value), static value => value is string text && text.Contains("password", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "10.0.0.1", 8080)]
    [InlineData("h", "h", 80)]
    [InlineData("h:81", "h", 81)]
    [InlineData("[2001:db8::1]:81", "2001:db8::1", 81)]
    [InlineData("[2001:db8::1]", "2001:db8::1", 80)]
    [InlineData("h:99999", "h:99999", 80)]
    [InlineData("h:", "h:", 80)]
    [InlineData(":80", "10.0.0.1", 8080)]
    public void The_server_is_who_the_request_names(string host, string address, long port)
    {
        Dictionary<string, object> attributes = Write(Traced.With(TestTransactions.Make(), host: host), s_root).Attributes(9);
        Assert.Equal((address, port), (attributes["server.address"], attributes["server.port"]));
    }

    [Fact]
    public void Any_bytes_of_the_wire_make_a_valid_span()
    {
        Transaction transaction = Traced.With(
            TestTransactions.Make(role: "client"), target: "/\u00ff\u0000\u00c3?\u00fe", host: "\u00ff[", method: [0xFF, 0x80], flags: TransactionFlags.RequestTruncated | TransactionFlags.BodyIncomplete);
        ProtoTree span = Write(in transaction, s_root, ExportedUrl.Full);
        Dictionary<string, object> attributes = span.Attributes(9);
        Assert.Equal(("_OTHER", "\ufffd\ufffd"), (attributes["http.request.method"], attributes["http.request.method_original"]));
        Assert.StartsWith("HTTP ", span.Text(5), StringComparison.Ordinal);
        Assert.Equal(["request_truncated", "body_incomplete"], (string[])attributes["kubebpfbox.incomplete"]);
    }

    private ProtoTree Write(in Transaction transaction, SpanPlace place, ExportedUrl url = ExportedUrl.Path)
    {
        _writer.Clear();
        new SpanWriter(_writer, url, new Sampling(1).TraceState).Write(in transaction, place);
        return new ProtoTree(_writer.Written).One(2);
    }
}
