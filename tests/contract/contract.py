"""A server that holds every request against a published API, and keeps what it is told; shared by the servers beside it.

What no such API would take is a violation: it is answered 599, remembered, and fails the test that caused it."""
import base64
import http.server
import json
import re
import ssl
import threading
import urllib.parse

HUGE_BYTES = 6 * 1024 * 1024


class Violation(Exception):
    pass


def demand(condition, what):
    if not condition:
        raise Violation(what)


def fits(value, schema, where="body"):
    """An object of exactly these keys: { key: type, or a schema, or a check }; a key that ends with `?` may be missing."""
    demand(isinstance(value, dict), f"{where}: expected an object, not {type(value).__name__}")
    known = {key.rstrip("?"): (key, kind) for key, kind in schema.items()}
    for key, (spelled, kind) in known.items():
        if key not in value:
            demand(spelled.endswith("?"), f"{where}: '{key}' is missing")
        elif isinstance(kind, dict):
            fits(value[key], kind, f"{where}.{key}")
        elif isinstance(kind, type):
            demand(isinstance(value[key], kind) and not (kind is int and isinstance(value[key], bool)),
                   f"{where}.{key}: expected {kind.__name__}, not {value[key]!r}")
        else:
            kind(value[key], f"{where}.{key}")
    unknown = set(value) - set(known)
    demand(not unknown, f"{where}: unknown keys {sorted(unknown)}")


def no_duplicates(pairs):
    demand(len({key for key, _ in pairs}) == len(pairs), "a key stands twice")
    return dict(pairs)


class Request:
    def __init__(self, handler, body):
        url = urllib.parse.urlsplit(handler.path)
        self.method, self.raw_path, self.path = handler.command, url.path, urllib.parse.unquote(url.path)
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.raw, self.body, self.status = body, None, None

    @property
    def line(self):
        return f"{self.method} {self.raw_path}" + (f"?{urllib.parse.urlencode(self.query)}" if self.query else "")

    def parse(self, content_types):
        """The JSON of the body; its type must be the one that the API wants for the method."""
        demand(self.headers.get("content-type") == content_types[self.method],
               f"Content-Type {self.headers.get('content-type')!r} for {self.method}")
        try:
            self.body = json.loads(self.raw, object_pairs_hook=no_duplicates)
        except ValueError as why:
            raise Violation(f"not JSON: {why}") from why
        demand(isinstance(self.body, dict), "the body is no object")
        return self.body


class Server(http.server.ThreadingHTTPServer):
    """`answer(request)` of a subclass gives (status, object), under the server's lock."""
    daemon_threads = True
    credential_header = None
    headers_known = {"host", "user-agent", "accept", "content-type", "content-length"}

    def __init__(self, tls=None):
        self.lock = threading.RLock()
        self.requests, self.violations, self.faults = [], [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet

            def log_message(self, *_):
                pass

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.serve(self, Request(self, body))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server_port}"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        pass  # a client that was cut off has seen what the test wanted

    # --- what a test may ask for ---

    def fault(self, what, when=None, times=1, **more):
        """The next `times` requests for which when(request) holds: 'status', 'drop_before', 'drop_after', 'garbage', 'huge',
        'redirect', or 'hook': call(request) before the server answers as ever."""
        self.faults.append({"what": what, "when": when or (lambda _: True), "times": times, **more})

    def asked(self, method=None, path=""):
        return [r for r in self.requests if method in (None, r.method) and re.search(path, r.path)]

    # --- serving ---

    def fault_of(self, request):
        for fault in self.faults:
            if fault["times"] and fault["when"](request):
                fault["times"] -= 1
                return fault
        return {"what": None}

    def check(self, request):
        unknown = set(request.headers) - self.headers_known - {self.credential_header}
        demand(not unknown, f"headers that nobody asked for: {sorted(unknown)}")
        demand(request.headers.get("user-agent", "").startswith("glrotate/"), "no User-Agent of ours")
        demand(request.headers.get("accept") == "application/json", "no Accept: application/json")
        demand("//" not in request.raw_path and ".." not in request.raw_path.split("/"), "a path that is not clean")
        if request.method == "GET":
            demand(not request.raw and "content-type" not in request.headers, "a GET with a body")

    def checked(self, request):
        try:
            self.check(request)
            return self.answer(request)
        except Violation as why:
            self.violations.append(f"{request.line}: {why}")
            return 599, {"violation": str(why)}

    def serve(self, handler, request):
        with self.lock:
            self.requests.append(request)
            fault = self.fault_of(request)
            what = fault["what"]
            if what == "hook":
                fault["call"](request)
            status, content = (0, None) if what in ("drop_before", "status", "garbage", "huge", "redirect") \
                else self.checked(request)
            request.status = status
        if what in ("drop_before", "drop_after"):
            handler.close_connection = True
            return
        self.reply(handler, request, fault, status, content)

    @staticmethod
    def reply(handler, request, fault, status, content):
        body = b"" if content is None else json.dumps(content).encode()
        kind, more = "application/json", {}
        if fault["what"] == "status":
            said = fault.get("body", {})
            status, body = fault["status"], json.dumps(said(request) if callable(said) else said).encode()
        elif fault["what"] == "garbage":
            status, body, kind = 200, b"<html>Please log in</html>", "text/html"
        elif fault["what"] == "huge":
            status, body = 200, b'{"data":"' + b"x" * HUGE_BYTES + b'"}'
        elif fault["what"] == "redirect":
            status, more = 307, {"Location": fault["to"]}
        handler.send_response_only(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in more.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


def is_base64(value, where):
    demand(isinstance(value, str), f"{where}: expected base64")
    try:
        canonical = base64.b64encode(base64.b64decode(value, validate=True)).decode()
    except ValueError as why:
        raise Violation(f"{where}: not base64") from why
    demand(canonical == value, f"{where}: not base64 as others write it")
