"""Debian's nginx between GitLab and its clients: curl over HTTP/2, glrotate over HTTP/1.1, both with a CA of our own."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "scenario"))
from harness import DEADLINE, ROOT, Case, Host, until  # noqa: E402

# Debian keeps it where not everybody's PATH goes.
NGINX = (shutil.which(os.environ.get("NGINX", "nginx")) or
         shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"))
CURL = shutil.which("curl")
if not NGINX or not CURL:
    print("skipped: nginx or curl is not installed")
    sys.exit(77)

WORLD = {"projects": [{"path": "shop/api", "variables": [{"key": "PUSH", "value": "old-value-00000"}],
                       "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"},
                                  {"name": "idle", "count": 150, "expires": "+300d"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""


class Front:
    """nginx on a free port: the socket is ours, and nginx takes it over as it does when it replaces itself."""

    def __init__(self, simulator):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="nginx-"))
        self.ca = self.path / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", self.path / "key.pem", "-out", self.ca, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            text = pathlib.Path(__file__).with_name("nginx.conf").read_text()
            conf = self.path / "nginx.conf"
            conf.write_text(text.replace("@LISTEN@", address).replace("@SIMULATOR@", simulator))
            self.log = open(self.path / "log", "w+", encoding="utf-8")
            self.process = subprocess.Popen(
                [NGINX, "-p", self.path, "-e", "stderr", "-c", conf], stderr=self.log, stdin=subprocess.DEVNULL,
                pass_fds=[listener.fileno()], env={**os.environ, "NGINX": f"{listener.fileno()};"})
        self.url = "https://" + address
        until(self.answers, "nginx")

    def answers(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(f"nginx ended: {self.log.read()}")
        return subprocess.run([CURL, "-sk", "-o", "/dev/null", self.url], check=False).returncode == 0

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.log.close()
        shutil.rmtree(self.path)


class Behind(Case):
    world = WORLD
    tokens = TOKENS

    def setUp(self):
        super().setUp()
        self.front = Front(self.sim.address)
        self.addCleanup(self.front.close)

    def curl(self, path, *more):
        """(HTTP version, status, headers, body)"""
        body, head = self.front.path / "body.out", self.front.path / "head.out"
        done = subprocess.run([CURL, "-sS", "--cacert", self.front.ca, "-H", f"PRIVATE-TOKEN: {ROOT}", "-o", body,
                               "-D", head, "-w", "%{http_version} %{http_code}", *more,
                               f"{self.front.url}/api/v4{path}"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split(": ", 1) for line in head.read_text().splitlines() if ": " in line]
        return *done.stdout.split(), {name.lower(): value for name, value in lines}, body.read_bytes()

    def host_behind(self, ca):
        host = Host(self.sim, self.tokens, url=f"{self.front.url}\n  ca_file: {ca}")
        self.addCleanup(host.remove)
        return host

    def test_curl_speaks_http_2_with_it(self):
        version, status, headers, body = self.curl("/projects/shop%2Fapi/variables/PUSH", "--http2")
        self.assertEqual((version, status, headers["content-type"]), ("2", "200", "application/json"))
        self.assertEqual(json.loads(body)["value"], "old-value-00000")
        version, status, _, body = self.curl("/projects/shop%2Fapi/access_tokens", "--http2", "--json", json.dumps(
            {"name": "ci", "scopes": ["api"], "access_level": 30, "expires_at": "2026-12-24"}))
        self.assertEqual((version, status), ("2", "201"))
        self.assertTrue(self.opens(json.loads(body)["token"]))
        version, status, _, body = self.curl(f"/projects/shop%2Fapi/access_tokens/{json.loads(body)['id']}",
                                             "--http2", "-X", "DELETE")
        self.assertEqual((version, status, body), ("2", "204", b""))

    def test_links_lead_back_through_it(self):
        _, _, headers, _ = self.curl("/personal_access_tokens?per_page=5", "--http2")
        self.assertIn(f"<{self.front.url}/api/v4/personal_access_tokens?", headers["link"])
        self.assertNotIn("http://", headers["link"])

    def test_glrotate_works_through_it(self):
        old = self.living("push")
        host = self.host_behind(self.front.ca)
        ended = host.run("run")
        self.assertEqual(ended.code, 0, ended)
        new = self.living("push")
        self.assertNotEqual(new["id"], old["id"])
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], new["secret"])
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)

    def test_glrotate_sends_nothing_to_one_whose_certificate_it_cannot_prove(self):
        other = Front(self.sim.address)
        self.addCleanup(other.close)
        self.forget_requests()
        ended = self.host_behind(other.ca).run("run")
        self.assertEqual((ended.code, self.asked()), (5, []), ended)

    def test_a_lost_answer_is_not_asked_for_again(self):
        """The simulator closes without a byte; nginx makes 502 of it, and sends no second request of its own."""
        for fault in ({"method": "POST", "path": "*/rotate"}, {"method": "DELETE", "path": "*/access_tokens/*"}):
            self.sim.fault("drop_after_commit", **fault)
        token = self.truth_of("idle-0001")
        _, status, _, _ = self.curl(f"/projects/shop%2Fapi/access_tokens/{token}", "--http2", "-X", "DELETE")
        self.assertEqual((status, len(self.asked("DELETE"))), ("502", 1))
        ended = self.host_behind(self.front.ca).run("run")
        rotations = self.asked("POST", "/rotate$")
        self.assertEqual(rotations[0]["fault"], "drop_after_commit")
        self.assertEqual(len({r["path"] for r in rotations}), len(rotations), ended)

    def truth_of(self, name):
        return self.living(name)["id"]


if __name__ == "__main__":
    unittest.main()
