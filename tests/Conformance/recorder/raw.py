"""A client that knows what it sent and, by Python's own http.client, what it got; and a server that says what it is told to say."""
import http.client, json, socket, subprocess, time

from .network import CLIENT, CLIENT6, SERVER, SERVER6


def address(pair):
    host, port = pair[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Shared:
    """Lets several http.client responses read one after the other from one buffer."""

    def __init__(self, file):
        self.file = file

    def makefile(self, *_args):
        return self

    def __getattr__(self, name):
        return getattr(self.file, name)

    def close(self):
        pass


class _Response(http.client.HTTPResponse):
    def __init__(self, shared, method):
        super().__init__(shared, method=method)
        self.statuses = []

    def _read_status(self):
        version, status, reason = super()._read_status()
        self.statuses.append(status)
        return version, status, reason


class Client:
    """One connection. `lines` are the expected lines, one for each request."""

    def __init__(self, lines, port, family=socket.AF_INET, bind=0, host=None):
        self.lines, self.pending = lines, []
        here, there = (CLIENT6, SERVER6) if family == socket.AF_INET6 else (CLIENT, SERVER)
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(20)
        self.socket.bind((here, bind))
        self.socket.connect((host or there, port))
        self.names = {"client": address(self.socket.getsockname()), "server": address(self.socket.getpeername())}
        self.shared = _Shared(self.socket.makefile("rb"))

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, method, target, fields=(), body=b"", version="1.1", body_bytes=None, line_end=b"\r\n", send=True, host="test"):
        """Sends a request and puts down that it did. Returns the bytes."""
        head = [f"{method} {target} HTTP/{version}"] + ([f"Host: {host}"] if host else []) + list(fields)
        data = line_end.join(line.encode() for line in head) + line_end * 2 + body
        line = {"protocol": "http", **self.names, "method": method, "target": target, "status": None, "version": version,
                "request_body_bytes": len(body) if body_bytes is None else body_bytes}
        self.lines.append(line)
        self.pending.append(line)
        if send:
            self.send(data)
        return data

    def receive(self, whole=True):
        """Reads the next final response into the oldest pending request's line."""
        line, interim = self.pending.pop(0), []
        while True:
            response = _Response(self.shared, line["method"])
            response.begin()
            interim += response.statuses[:-1]
            if response.status >= 200 or response.status == 101:
                break
            interim.append(response.status)
        line["status"] = response.status
        if interim:
            line["interim"] = interim
        if response.status == 101:
            line["upgrade"] = response.getheader("upgrade")
        elif line["method"] == "CONNECT" and response.status < 300:
            line["tunnel"] = True
        elif whole:
            line["response_body_bytes"] = len(response.read())
        return response

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.shared.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def serve(listener, handler):
    """Accepts one connection and hands it over; the handler closes it by returning."""
    connection, _ = listener.accept()
    connection.settimeout(20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        handler(connection)


def read_head(connection, known=b""):
    """Reads up to the empty line; returns head and what came behind it."""
    data = known
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b"", data
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def script(*answers, pause=0.0):
    """A handler: for each request (without body) one answer, in pieces when it is a list."""
    def handler(connection):
        rest = b""
        for answer in answers:
            head, rest = read_head(connection, rest)
            if not head:
                return
            for piece in answer if isinstance(answer, (list, tuple)) else [answer]:
                connection.sendall(piece)
                if pause:
                    time.sleep(pause)
    return handler


def listen(port, family=socket.AF_INET):
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((SERVER6 if family == socket.AF_INET6 else SERVER, port))
    listener.listen(8)
    listener.settimeout(20)
    return listener


def curl(network, lines, *transfers, input=None, **known):
    """Runs curl: each transfer is a list of arguments, and what curl reports of it becomes a line; `known` overrides what curl cannot know."""
    report = "%{stderr}" + json.dumps({name: "%{" + name + "}" for name in (
        "local_ip", "local_port", "remote_ip", "remote_port", "method", "http_code", "size_upload", "size_download", "url")}) + "\n"
    command = ["ip", "netns", "exec", network.client, "curl"]
    for i, transfer in enumerate(transfers):
        command += (["--next"] if i else []) + ["-sS", "-o", "/dev/null", "-w", report, *transfer]
    done = subprocess.run(command, input=input, capture_output=True, timeout=60, check=False)
    reports = [json.loads(line) for line in done.stderr.decode().splitlines() if line.startswith("{")]
    if len(reports) != len(transfers):
        raise RuntimeError(f"{command}: {done.returncode} {done.stderr.decode()}")
    for each in reports:
        lines.append({"protocol": "http", "client": address((each["local_ip"], each["local_port"])),
                      "server": address((each["remote_ip"], each["remote_port"])), "method": each["method"],
                      "target": "/" + each["url"].split("://", 1)[1].partition("/")[2], "status": int(each["http_code"]) or None, "version": "1.1",
                      "request_body_bytes": int(each["size_upload"]), "response_body_bytes": int(each["size_download"]), **known})
    return lines[-len(reports):]
