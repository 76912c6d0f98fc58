"""What is recorded. Each function is one capture: it drives traffic and returns the expected lines, from what clients and servers know."""
import socket, time

from .network import CLIENT, SERVER, SERVER6
from .raw import Client, curl, listen, read_head, script, serve
from .servers import APACHE, NGINX, PYTHON, PYTHON10

RAW = 7000
ALL = {}


def capture(name, **options):
    """options: snap (bytes a packet), at ("client"), impaired (of cable.BadCable)."""
    def register(function):
        ALL[name] = (function, options)
        return function
    return register


def raw(net, handlers, drive, family=socket.AF_INET, port=RAW):
    """A raw server that takes one connection for each handler, and a client that drives it. Returns the client's lines."""
    lines = []
    listener = net.inside(net.server, lambda: listen(port, family))
    with listener:
        server = net.thread(net.server, lambda: [serve(listener, handler) for handler in handlers])
        net.inside(net.client, lambda: drive(lines))
        server.join(20)
        if server.failure:
            raise server.failure[0]
    return lines


def nginx(path="/"):
    return f"http://{SERVER}:{NGINX}{path}"


@capture("curl-keep-alive")
def curl_keep_alive(net, servers):
    return curl(net, [], [nginx()], [nginx("/missing")], [nginx("/?q=a%20b")], [nginx("/204")])


@capture("apache-keep-alive")
def apache_keep_alive(net, servers):
    url = f"http://{SERVER}:{APACHE}"
    # Apache compresses the page as it goes: chunked and gzip.
    return curl(net, [], ["-H", "Accept-Encoding: gzip", url + "/"], ["-I", url + "/"], [url + "/missing"])


@capture("pipelining")
def pipelining(net, servers):
    lines = []

    def drive():
        with Client(lines, NGINX) as client:
            client.send(b"".join(client.ask("HEAD" if i == 2 else "GET", f"/?{i}", send=False) for i in range(5)))
            for _ in range(5):
                client.receive()
    net.inside(net.client, drive)
    return lines


@capture("pipelining-slow-server")
def pipelining_slow(net, servers):
    def drive(lines):
        with Client(lines, RAW) as client:
            for i in range(4):
                client.ask("GET", f"/{i}")
                time.sleep(0.01)
            for _ in range(4):
                client.receive()
    answers = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % i + b"x" * i for i in range(4)]
    return raw(net, [script(*answers, pause=0.03)], drive)


@capture("chunked-download")
def chunked_download(net, servers):
    return curl(net, [], [f"http://{SERVER}:{PYTHON}/chunks"], [f"http://{SERVER}:{PYTHON}/chunks?again"], ["-I", f"http://{SERVER}:{PYTHON}/plain"])


@capture("chunked-upload")
def chunked_upload(net, servers):
    lines = curl(net, [], ["-H", "Transfer-Encoding: chunked", "-T", "-", "-H", "Expect:", f"http://{SERVER}:{PYTHON}/put"], input=b"u" * 3000,
                 request_body_bytes=3000)  # curl counts the chunks' framing; the server counts 3000

    def drive():
        with Client(lines, PYTHON) as client:
            body = b"5;ext=\"a;b\"\r\nhello\r\n1\r\n!\r\n00\r\nX-Check: 1\r\nX-More: 2\r\n\r\n"
            client.ask("POST", "/trailers", ["Transfer-Encoding: chunked", "Trailer: X-Check"], body, body_bytes=6)
            client.receive()
            client.ask("GET", "/after")
            client.receive()
    net.inside(net.client, drive)
    return lines


@capture("expect-100")
def expect_100(net, servers):
    lines = curl(net, [], ["-H", "Expect: 100-continue", "--expect100-timeout", "5", "--data-binary", "@-", f"http://{SERVER}:{PYTHON}/post"],
                 input=b"d" * 2000, interim=[100])
    # nginx refuses at once and curl does not send the body.
    lines += curl(net, [], ["-H", "Expect: 100-continue", "--expect100-timeout", "5", "--data-binary", "@-", nginx("/small-only")], input=b"d" * 2000)
    lines[-1].pop("request_body_bytes")
    return lines


@capture("early-hints")
def early_hints(net, servers):
    def drive(lines):
        with Client(lines, RAW) as client:
            client.ask("GET", "/hints")
            client.receive()
            client.ask("GET", "/plain")
            client.receive()
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    return raw(net, [script([b"HTTP/1.1 102 Processing\r\n\r\n", hint, hint + final], [final], pause=0.02)], drive)


@capture("no-body")
def no_body(net, servers):
    lines = []

    def drive():
        with Client(lines, NGINX) as client:
            client.ask("HEAD", "/")
            tag = client.receive().getheader("etag")
            for method, target, fields in (("GET", "/", [f"If-None-Match: {tag}"]), ("GET", "/204", []), ("HEAD", "/204", []), ("GET", "/", [])):
                client.ask(method, target, fields)
                client.receive()
    net.inside(net.client, drive)
    return lines


@capture("http10")
def http10(net, servers):
    lines = curl(net, [], ["-0", nginx()], version="1.0")
    lines += curl(net, [], [f"http://{SERVER}:{PYTHON10}/one"], [f"http://{SERVER}:{PYTHON10}/until-close"])

    def drive():
        with Client(lines, NGINX) as client:
            for i in range(3):
                client.ask("GET", f"/?{i}", ["Connection: keep-alive"], version="1.0")
                client.receive()
    net.inside(net.client, drive)
    return lines


@capture("ab-keep-alive")
def ab(net, servers):
    known = len(servers.nginx_log())
    net.in_client("ab", "-k", "-q", "-n", "8", "-c", "2", nginx())
    return servers.nginx_log(known)


@capture("wrk-burst", impaired={"seed": 1, "delay": 0.025})
def wrk(net, servers):
    known = len(servers.nginx_log())
    net.in_client("wrk", "-t", "1", "-c", "3", "-d", "1s", nginx("/204"))
    return servers.nginx_log(known)


@capture("redirects")
def redirects(net, servers):
    lines = []
    # curl reports only the last transfer of a chain, so each step is asked for; --location is what nginx's log tells.
    known = len(servers.nginx_log())
    net.in_client("curl", "-sSL", "-o", "/dev/null", nginx("/moved"))
    lines += servers.nginx_log(known)
    return lines


@capture("large-download", snap=400)
def large_download(net, servers):
    return curl(net, [], [nginx("/big")], [nginx("/")])


@capture("large-upload", snap=400)
def large_upload(net, servers):
    return curl(net, [], ["-H", "Expect:", "--data-binary", "@-", f"http://{SERVER}:{PYTHON}/post"], ["-X", "GET", f"http://{SERVER}:{PYTHON}/after"],
                input=b"u" * (1 << 20))


@capture("range")
def ranges(net, servers):
    return curl(net, [], ["-r", "0-99", nginx("/big")], ["-r", "0-9,100-119", nginx("/big")], ["-r", "99999999-", nginx("/big")])


def connect_proxy(connection):
    """Refuses the first target, lets the second through to something that is not HTTP."""
    head, rest = read_head(connection)
    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    head, rest = read_head(connection, rest)
    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    connection.recv(4096)
    connection.sendall(b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + b"r" * 36)
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@capture("connect-tunnel")
def connect_tunnel(net, servers):
    def drive(lines):
        with Client(lines, RAW) as client:
            client.ask("CONNECT", "refused.test:443", host="refused.test:443")
            client.receive()
            client.ask("CONNECT", "secret.test:443", host="secret.test:443")
            client.receive()
            client.send(b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + b"c" * 41)
            client.socket.recv(4096)
            client.send(b"GET /inside HTTP/1.1\r\nHost: inside\r\n\r\n")
            client.socket.recv(4096)
    return raw(net, [connect_proxy], drive)


@capture("connect-apache")
def connect_apache(net, servers):
    lines = curl(net, [], ["-p", "-x", f"http://{SERVER}:{APACHE}", f"http://127.0.0.1:{NGINX}/inside"])
    # curl reports the transfer inside the tunnel; on this cable only the CONNECT is in the open.
    lines[0].update(method="CONNECT", target=f"127.0.0.1:{NGINX}", status=200, tunnel=True)
    del lines[0]["response_body_bytes"], lines[0]["request_body_bytes"]
    return lines


@capture("websocket")
def websocket(net, servers):
    def server(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x89\x00")
        connection.recv(4096)
        connection.sendall(b"\x81\x1eHTTP/1.1 200 OK\r\nX: y\r\n\r\n...")
        connection.recv(4096)

    def drive(lines):
        with Client(lines, RAW) as client:
            client.ask("GET", "/chat", ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                                         "Sec-WebSocket-Version: 13"])
            client.receive()
            mask = b"\0\0\0\0"
            client.send(b"\x81\x90" + mask + b"GET / HTTP/1.1\r\n")
            time.sleep(0.05)
            client.send(b"\x88\x80" + mask)
            client.socket.recv(4096)
    return raw(net, [server], drive)


@capture("odd-methods")
def odd_methods(net, servers):
    lines = curl(net, [], ["-X", "BREW", nginx("/coffee")], ["-X", "PROPFIND", nginx("/")], ["-X", "DELETE", nginx("/x")],
                 ["-X", "OPTIONS", "--request-target", "*", f"http://{SERVER}:{APACHE}/"])
    lines[-1]["target"] = "*"
    return lines


@capture("long-target")
def long_target(net, servers):
    return curl(net, [], [nginx("/?" + "q" * 6000)], [nginx("/short")])


@capture("long-header")
def long_header(net, servers):
    return curl(net, [], ["-H", "X-Long: " + "h" * 40000, f"http://{SERVER}:{APACHE}/missing"], [f"http://{SERVER}:{APACHE}/after"],
                ["-H", "X-Long: " + "h" * 9000, nginx("/refused")])


@capture("bare-lf")
def bare_lf(net, servers):
    lines = []

    def drive():
        with Client(lines, NGINX) as client:
            for i in range(2):
                client.ask("GET", f"/?{i}", line_end=b"\n")
                client.receive()
    net.inside(net.client, drive)
    return lines


@capture("absolute-form")
def absolute_form(net, servers):
    lines = []
    for proxy in (3128, APACHE):
        url = f"http://127.0.0.1:{NGINX}/?via={proxy}"
        lines += curl(net, [], ["-x", f"http://{SERVER}:{proxy}", url], target=url.replace(":80", ""))
    return lines


@capture("ipv6")
def ipv6(net, servers):
    return curl(net, [], [f"http://[{SERVER6}]/"], ["-I", f"http://[{SERVER6}]/missing"])


@capture("client-reset")
def client_reset(net, servers):
    def server(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
        try:
            connection.recv(1)
        except OSError:
            pass

    def drive(lines):
        client = Client(lines, RAW)
        client.ask("GET", "/cut")
        client.receive(whole=False)
        client.close(reset=True)
    return raw(net, [server], drive)


@capture("no-answer")
def no_answer(net, servers):
    def silent(connection):
        read_head(connection)
        time.sleep(0.1)

    def drive(lines):
        for i in range(2):
            client = Client(lines, RAW)
            client.ask("GET", f"/never/{i}")
            if i == 0:
                client.socket.recv(1)
            client.close(reset=i == 1)
    return raw(net, [silent, silent], drive)


@capture("slow-drip")
def slow_drip(net, servers):
    def server(connection):
        _, body = read_head(connection)
        while len(body) < 4:
            body += connection.recv(1)
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes":
            connection.sendall(bytes([byte]))
            time.sleep(0.002)

    def drive(lines):
        with Client(lines, RAW) as client:
            for byte in client.ask("POST", "/drip", ["Content-Length: 4"], b"slow", send=False):
                client.send(bytes([byte]))
                time.sleep(0.002)
            client.receive()
    return raw(net, [server], drive)


@capture("port-reuse")
def port_reuse(net, servers):
    def drive(lines):
        for i in range(3):
            client = Client(lines, RAW, bind=20001)
            client.ask("GET", f"/life/{i}")
            client.receive()
            client.close(reset=True)  # leaves no time-wait, so the same four-tuple can open again at once
            time.sleep(0.05)

    def server(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlife")
        try:
            connection.recv(1)
        except OSError:
            pass
    return raw(net, [server] * 3, drive)


@capture("until-close")
def until_close(net, servers):
    def server(connection):
        read_head(connection)
        for piece in (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"a" * 700, b"b" * 300):
            connection.sendall(piece)
            time.sleep(0.02)

    def drive(lines):
        with Client(lines, RAW) as client:
            client.ask("GET", "/all")
            client.receive()
    return raw(net, [server], drive)


@capture("early-response")
def early_response(net, servers):
    def server(connection):
        head, rest = read_head(connection)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno.")
        while len(rest) < 600:
            rest += connection.recv(4096)
        head, rest = read_head(connection, rest[600:])
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def drive(lines):
        with Client(lines, RAW) as client:
            request = client.ask("POST", "/big", ["Content-Length: 600"], b"p" * 600, send=False)
            client.send(request[:-500])
            client.receive()
            client.send(request[-500:])
            client.ask("GET", "/after")
            client.receive()
    return raw(net, [server], drive)


@capture("garbage-then-answer")
def garbage(net, servers):
    """A request line that is none: what the server says is an answer to nothing that was asked."""
    lines = []

    def drive():
        with Client(lines, NGINX) as client:
            client.ask("GET", "/fine")
            client.receive()
            client.send(b"\x00\x01 not a request\r\n\r\n")
            names = client.names
            status = int(client.shared.file.readline().split()[1])
            lines.append({"protocol": "http", **names, "method": None, "target": None, "status": status, "version": None})
    net.inside(net.client, drive)
    return lines


def through_loss(net, servers):
    lines = []

    def drive():
        for _ in range(2):
            with Client(lines, NGINX) as client:
                for i in range(4):
                    client.ask("POST" if i == 1 else "GET", f"/upload?{i}", ["Content-Length: 2500"] if i == 1 else [], b"l" * 2500 if i == 1 else b"")
                    client.receive()
    net.inside(net.client, drive)
    return lines


for _name, _how in (("loss", {"seed": 4, "loss": 0.1}), ("reorder", {"seed": 2, "reorder": 0.5}), ("duplicates", {"seed": 3, "duplicate": 0.4})):
    for _at in ("server", "client"):
        ALL[f"{_name}-at-{_at}"] = (through_loss, {"impaired": _how, "at": _at})
