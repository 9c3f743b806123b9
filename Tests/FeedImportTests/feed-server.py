"""A feed's source for tests: serves a folder over HTTP with ETag and Range, and misbehaves where the path asks for it.

Prints its port and serves until its standard input ends. Every request is a line on standard output.
/plain/NAME            the file, with ETag, Last-Modified, If-None-Match, Range and If-Range
/weak/NAME             the same with a weak ETag and no date
/cut/N/NAME            breaks off after N bytes, once for each path, then behaves
/always-cut/N/NAME     breaks off after N bytes of what is left, each time
/busy/N/NAME           answers 503 N times, then behaves
/redirect/N/NAME       N redirects, then the file
/away                  a redirect to file:///etc/passwd
/slow/NAME             a byte every tenth of a second
/silent/NAME           takes the request and says nothing
/hashed/NAME           the same with the MD5 of the whole, as Google's storage writes it
/damaged/N/NAME        states another SHA-256 than that of the bytes, N times
/lie/NAME              ignores Range and If-None-Match: 200 with the whole file
"""
import base64, hashlib, os, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

root, seen, lock = sys.argv[1], {}, threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def times(self):
        with lock:
            seen[self.path] = seen.get(self.path, 0) + 1
            return seen[self.path]

    def do_GET(self):
        self.close_connection = True
        with lock:
            print(self.path, self.headers.get("range", "-"), self.headers.get("if-none-match", "-"), flush=True)
        path = self.path
        if path.startswith("http://"):
            path = "/" + path.split("/", 3)[3]
        parts = path.strip("/").split("/")
        kind, name = parts[0], "/".join(parts[1:])
        cut = None
        if kind == "away":
            return self.send(302, {"location": "file:///etc/passwd"})
        if kind == "redirect":
            left = int(parts[1])
            if left:
                return self.send(302, {"location": "/redirect/%d/%s" % (left - 1, "/".join(parts[2:]))})
            name = "/".join(parts[2:])
        if kind in ("cut", "always-cut"):
            name = "/".join(parts[2:])
            if kind == "always-cut" or self.times() == 1:
                cut = int(parts[1])
        if kind == "busy":
            name = "/".join(parts[2:])
            if self.times() <= int(parts[1]):
                return self.send(503, {})
        damaged = False
        if kind == "damaged":
            name = "/".join(parts[2:])
            damaged = self.times() <= int(parts[1])
        if kind == "silent":
            time.sleep(20)
            return
        file = os.path.join(root, name)
        if not os.path.isfile(file):
            return self.send(404, {})
        data = open(file, "rb").read()
        tag = '"%s"' % hashlib.md5(data).hexdigest()
        headers = {"etag": ("W/" if kind == "weak" else "") + tag}
        if kind == "hashed":
            headers["x-goog-hash"] = "crc32c=AAAAAA==, md5=" + base64.b64encode(hashlib.md5(data).digest()).decode()
        if kind == "damaged":
            digest = hashlib.sha256(data + b"x" if damaged else data).digest()
            headers["repr-digest"] = "sha-256=:%s:" % base64.b64encode(digest).decode()
        if kind != "weak":
            headers["last-modified"] = "Sat, 21 Nov 2026 08:00:00 GMT"
        first = 0
        if kind != "lie":
            if self.headers.get("if-none-match") == headers["etag"]:
                return self.send(304, headers)
            wanted = self.headers.get("range")
            if wanted and self.headers.get("if-range") in (tag, headers.get("last-modified")):
                first = int(wanted.split("=")[1].split("-")[0])
                if first >= len(data):
                    return self.send(416, headers)
                headers["content-range"] = "bytes %d-%d/%d" % (first, len(data) - 1, len(data))
        body = data[first:]
        self.send_response(206 if first else 200)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if kind == "slow":
            for byte in body:
                try:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.1)
        else:
            self.wfile.write(body if cut is None else body[:cut])

    def send(self, status, headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if status != 304:
            self.send_header("content-length", "0")
        self.end_headers()


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
