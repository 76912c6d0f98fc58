"""nginx, Apache and Python's http.server in the server's namespace, each with a log of its own in our form."""
import http.server, json, os, pathlib, socket, subprocess, sys, time

NGINX, APACHE, PYTHON, PYTHON10 = 80, 8080, 8000, 8001

NGINX_CONF = """daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
  log_format ours escape=json '{{"protocol":"http","client":"$remote_addr:$remote_port","server":"$server_addr:$server_port",'
    '"method":"$request_method","target":"$request_uri","status":$status,"protocol_name":"$server_protocol","body":"$content_length"}}';
  access_log {folder}/nginx.log ours;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  default_type text/plain; client_max_body_size 2m; keepalive_timeout 5;
  server {{
    listen 80; listen [::]:80; root {folder}/www;
    location /204 {{ return 204; }}
    location /moved {{ return 301 /moved-again; }}
    location /moved-again {{ return 302 /; }}
    location /upload {{ return 200 "got it\\n"; }}
    location /store {{ proxy_pass http://127.0.0.1:8000; }}
    location /small-only {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:8000; }}
  }}
  server {{ listen 3128; resolver 127.0.0.1; location / {{ proxy_pass http://127.0.0.1:80$request_uri; proxy_set_header Host $host; }} }}
}}
"""

APACHE_CONF = """ServerRoot {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache-error.log
ServerName test
Listen 8080
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule proxy_connect_module /usr/lib/apache2/modules/mod_proxy_connect.so
TypesConfig /dev/null
AddType text/html .html
AddOutputFilterByType DEFLATE text/html
DocumentRoot {folder}/www
DirectoryIndex index.html
LimitRequestFieldSize 65000
ProxyRequests On
AllowCONNECT 80
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Echoes sizes. Speaks 1.1 or, as Python does by default, 1.0."""

    def answer(self):
        length = int(self.headers.get("content-length", 0))
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            length = 0
            while size := int(self.rfile.readline().split(b";")[0], 16):
                length += len(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            self.rfile.read(length)
        if self.path.startswith("/chunks"):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Trailer", "X-Sum")
            self.end_headers()
            for size in (1, 16, 255, 1000):
                self.wfile.write(b"%x;name=value\r\n%s\r\n" % (size, b"c" * size))
                self.wfile.flush()
            self.wfile.write(b"0\r\nX-Sum: 1272\r\n\r\n")
            return
        body = b"%d bytes\n" % length
        self.send_response(201 if self.command in ("PUT", "POST") else 200)
        if not self.path.startswith("/until-close"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = answer

    def log_message(self, *_):
        pass


def python_server(port, version):
    kind = type("Versioned", (Handler,), {"protocol_version": version})
    http.server.ThreadingHTTPServer(("0.0.0.0", port), kind).serve_forever()


class Servers:
    def __init__(self, network, folder):
        self.network, self.folder = network, pathlib.Path(folder)

    def start(self):
        www = self.folder / "www"
        www.mkdir()
        (www / "index.html").write_text("<p>" + "hello " * 100)
        (www / "big").write_bytes(os.urandom(1 << 20))
        (self.folder / "nginx.conf").write_text(NGINX_CONF.format(folder=self.folder))
        (self.folder / "apache.conf").write_text(APACHE_CONF.format(folder=self.folder))
        network = self.network
        here = pathlib.Path(__file__).resolve().parent.parent
        network.start(network.server, "nginx", "-p", str(self.folder), "-e", str(self.folder / "nginx-error.log"), "-c", str(self.folder / "nginx.conf"),
                      stderr=subprocess.DEVNULL)
        network.start(network.server, "apache2", "-DFOREGROUND", "-f", str(self.folder / "apache.conf"))
        for port, version in ((PYTHON, "HTTP/1.1"), (PYTHON10, "HTTP/1.0")):
            code = f"from recorder.servers import python_server; python_server({port}, '{version}')"
            network.start(network.server, sys.executable, "-c", code, cwd=here)
        for port in (NGINX, APACHE, PYTHON, PYTHON10):
            self.wait(port)

    def wait(self, port):
        from .network import SERVER
        for _ in range(100):
            try:
                self.network.inside(self.network.client, lambda: socket.create_connection((SERVER, port), 2).close())
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"nothing listens on port {port}")

    def nginx_log(self, known=0):
        """What nginx says it served, as expected lines, from line `known` on."""
        time.sleep(0.3)
        path = self.folder / "nginx.log"
        lines = []
        for text in (path.read_text().splitlines() if path.exists() else [])[known:]:
            line = json.loads(text)
            line["version"] = line.pop("protocol_name").removeprefix("HTTP/")
            line["request_body_bytes"] = int(line.pop("body") or 0)
            lines.append(line)
        return lines
