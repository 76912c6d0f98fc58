"""The same capture as tshark reads it: each request and each final response, on its connection."""
import collections, json, pathlib, subprocess

FIELDS = ("ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "http.request.method", "http.request.uri", "http.response.code")


def differences(path):
    ports = sorted({line["server"].rsplit(":", 1)[1] for line in expected(path)})
    command = ["tshark", "-r", str(path), "-o", "tcp.desegment_tcp_streams:TRUE", "-Y", "http", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=\x1f"]
    for field in FIELDS:
        command += ["-e", field]
    for port in ports:
        command += ["-d", f"tcp.port=={port},http"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    requests, statuses = collections.Counter(), collections.Counter()
    for row in output.splitlines():
        source, source6, sport, target, target6, dport, methods, uris, codes = row.split("\t")
        here = f"[{source6}]:{sport}" if source6 else f"{source}:{sport}"
        there = f"[{target6}]:{dport}" if target6 else f"{target}:{dport}"
        for method, uri in zip(filter(None, methods.split("\x1f")), uris.split("\x1f")):
            requests[here, method, uri] += 1
        for code in filter(None, codes.split("\x1f")):
            if int(code) >= 200 or int(code) == 101:
                statuses[there, int(code)] += 1
    lines = expected(path)
    wanted = collections.Counter((line["client"], line["method"], line["target"]) for line in lines if line["method"])
    answered = collections.Counter((line["client"], line["status"]) for line in lines if line["status"])
    for what, ours, theirs in (("request", wanted, requests), ("status", answered, statuses)):
        for key in (ours - theirs):
            yield f"{what} {tuple(str(part)[:60] for part in key)} expected {ours[key]}, tshark {theirs[key]}"
        for key in (theirs - ours):
            yield f"{what} {tuple(str(part)[:60] for part in key)} expected {ours[key]}, tshark {theirs[key]}"


def expected(path):
    return [json.loads(line) for line in pathlib.Path(path).with_suffix(".expected.jsonl").read_text().splitlines()]
