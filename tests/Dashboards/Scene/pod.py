"""What runs in the pods of the scene: pod.py serve PORT | ask PORT SECONDS | stall PORT | crowd PORT COUNT | eat"""
import http.server
import socket
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        path = self.path.split("?")[0]
        if path == "/crash":
            # The client sees its connection closed in place of an answer.
            self.close_connection = True
            return
        if path.startswith("/slow"):
            time.sleep(0.15)
        status = {"/missing": 404, "/broken": 500, "/slow/fail": 503, "/moved": 302, "/orders": 201}.get(path, 200)
        body = b"x" * 100
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "/")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def serve(port):
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def ask_one(port, method, target, number):
    head = f"{method} {target} HTTP/1.1\r\nHost: web:{port}\r\nConnection: close\r\n"
    head += f"traceparent: 00-{number + 1:032x}-{number + 1:016x}-01\r\n"
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall((head + "Content-Length: 0\r\n\r\n").encode())
        while connection.recv(65536):
            pass


def ask(port, seconds):
    targets = [("GET", "/users/{}"), ("GET", "/users/{}?page=2"), ("POST", "/orders"), ("GET", "/missing"), ("GET", "/moved")]
    targets += [("GET", "/broken"), ("GET", "/slow/fail"), ("GET", "/crash")]
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        method, target = targets[number % len(targets)]
        ask_one(port, method, target.format(number), number)
        number += 1
        time.sleep(0.02)


def stall(port):
    """Listens with room for two, and never accepts."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen(1)
    time.sleep(1000)


def crowd(port, count):
    """Connections that nobody accepts."""
    clients = []
    for _ in range(count):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        clients.append(client)
    time.sleep(4)


def eat():
    eaten = []
    while True:
        eaten.append(bytearray(1 << 20))


if __name__ == "__main__":
    mode, *arguments = sys.argv[1:]
    {"serve": serve, "ask": ask, "stall": stall, "crowd": crowd, "eat": eat}[mode](*map(int, arguments))
