"""Starts a simulator and talks to it; shared by the tests of the simulator itself."""
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import urllib.parse

ROOT = "root-secret"
DEADLINE = 300  # seconds, after which something hangs; however slow the machine is, nothing else may take as long


def binary():
    return os.environ.get("GITLAB_SIM") or os.path.abspath(sys.argv[1])


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.raw = response.read()
        self.text = self.raw.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.text)


class Sim:
    """One simulator on a free port. Also a context manager."""

    def __init__(self, world=None, version="18.11.5", clock="2026-11-21T10:00:00Z", extra=(), tls=None):
        command = [binary(), "--listen", "127.0.0.1:0", "--version", version,
                   "--root-token", ROOT, "--clock", clock, *extra]
        if tls:
            command += ["--tls-cert", tls[0], "--tls-key", tls[1]]
        self.context = ssl._create_unverified_context() if tls else None
        if world is not None:
            with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
                json.dump(world, file)
            self.file = file.name
            command += ["--world", file.name]
        else:
            self.file = None
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().split()[-1].split("//")[1]
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.connection:
            self.connection.close()
        self.process.terminate()
        status = self.process.wait(DEADLINE)
        self.process.stdout.close()
        if self.file:
            os.unlink(self.file)
        assert status == 0, f"the simulator ended with {status}"

    def line(self):
        """A connection of its own."""
        if self.context:
            return http.client.HTTPSConnection(self.address, timeout=DEADLINE, context=self.context)
        return http.client.HTTPConnection(self.address, timeout=DEADLINE)

    def ask(self, method, path, body=None, token=ROOT, form=None, headers=None, fresh=False):
        """One request; `body` as JSON, `form` as a form. Raises on a dropped connection."""
        send = dict(headers or {})
        data = None
        if token:
            send.setdefault("PRIVATE-TOKEN", token)
        if body is not None:
            data = json.dumps(body)
            send["Content-Type"] = "application/json"
        elif form is not None:
            data = urllib.parse.urlencode(form)
            send["Content-Type"] = "application/x-www-form-urlencoded"
        if not path.startswith("/sim"):
            path = "/api/v4" + path
        if fresh or not self.connection:
            self.connection = self.line()
        try:
            self.connection.request(method, path, data, send)
            return Answer(self.connection.getresponse())
        except Exception:
            self.connection.close()
            self.connection = None
            raise

    def act(self, act, **more):
        return self.ask("POST", "/sim/act", {"act": act, **more}).json

    def fault(self, kind, **more):
        return self.ask("POST", "/sim/faults", {"fault": kind, **more}).json

    def release(self):
        """Lets go what a delay without a time holds: it is done when this returns."""
        self.ask("POST", "/sim/release")

    def truth(self, **filters):
        """The one token that matches, with its secret and whether it is alive."""
        found = self.ask("GET", "/sim/tokens?" + urllib.parse.urlencode(filters)).json
        assert len(found) == 1, found
        return found[0]

    def alive(self, token):
        return self.truth(id=token)["alive"]
