"""The programs that read such files present what glrotate wrote there."""
import base64
import ctypes
import glob
import http.server
import os
import pathlib
import shutil
import ssl
import subprocess
import threading

from harness import Case, main

WORLD = {"projects": [{"path": "platform/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}]}]}
SIMPLE = b"<!DOCTYPE html><html><body></body></html>"


class Door(http.server.ThreadingHTTPServer):
    """Notes the credentials that are shown, and asks for one where there is none."""

    def __init__(self, certificate=None):
        shown = self.shown = set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                credential = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN")
                shown.add(credential)
                if not credential:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="door"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                body = b'{"username":"x"}' if "whoami" in self.path else b"{}" if "/v2" in self.path else SIMPLE
                self.send_response(200)
                self.send_header("Content-Type", "text/html" if body is SIMPLE else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        super().__init__(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Readers(Case):
    world = WORLD

    def setUp(self):
        super().setUp()
        self.door = self.open_door()
        self.at = f"127.0.0.1:{self.door.server_port}"
        certificate = self.host.path / "door.pem"
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj",
                        "/CN=door", "-keyout", certificate, "-out", f"{certificate}.crt"], check=True, capture_output=True)
        with open(certificate, "a", encoding="ascii") as file:
            file.write(pathlib.Path(f"{certificate}.crt").read_text(encoding="ascii"))
        self.registry = self.open_door(certificate)
        self.registry_at = f"127.0.0.1:{self.registry.server_port}"
        self.folder = self.host.path / "files"
        (self.folder / "docker").mkdir(parents=True)
        (self.folder / "pip.conf").write_text(f"[global]\nindex-url = http://{self.at}/simple/\n")
        (self.folder / "npmrc").write_text("; mine\nfund=false")
        self.host.set_tokens("  - token: project:platform/api:push\n    deliver:\n" + "".join(
            "      - file: { path: %s/%s }\n" % (self.folder, words) for words in (
                "env, format: env, key: TOKEN", "netrc, format: netrc, host: 127.0.0.1, username: bot",
                "docker/config.json, format: docker, host: '%s', username: bot" % self.registry_at,
                "npmrc, format: npmrc, host: '%s/npm'" % self.at,
                "pip.conf, format: pip, host: '%s/simple', username: bot" % self.at)))
        self.exits(0, "run")
        self.secret = self.living("push")["secret"]
        self.basic = "Basic " + base64.b64encode(f"bot:{self.secret}".encode()).decode()
        shutil.copy(self.folder / "netrc", self.folder / ".netrc")  # where git and pip look for it

    def open_door(self, certificate=None):
        door = Door(certificate)
        self.addCleanup(door.server_close)
        self.addCleanup(door.shutdown)
        return door

    def shows(self, credential, *command, **more):
        """Run in a bare environment; what it makes of the answer does not count."""
        if not shutil.which(command[0]):
            return
        with self.subTest(command[0] if command[0] != "/usr/bin/python3" else "pip", **more):
            for door in (self.door, self.registry):
                door.shown.clear()
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=self.folder,
                                  stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "HOME": str(self.folder),
                                                                 "GIT_TERMINAL_PROMPT": "0", **more})
            self.assertIn(credential, self.door.shown | self.registry.shown, done)

    def test_each_reader_shows_the_secret(self):
        url = f"http://{self.at}"
        self.systemd_reads()
        self.shows(self.secret, "sh", "-c", '. ./env; printf "PRIVATE-TOKEN: %%s" "$TOKEN" | curl -s -H @- %s' % url)
        self.shows(self.basic, "curl", "-s", "--netrc-file", "netrc", url)
        self.shows(self.basic, "git", "ls-remote", f"{url}/a.git")
        pip = ("/usr/bin/python3", "-m", "pip", "--disable-pip-version-check", "--isolated", "--retries", "0")
        if subprocess.run((*pip, "--version"), capture_output=True, check=False).returncode == 0:
            self.shows(self.basic, *pip, "download", "--no-deps", "-i", f"{url}/simple", "nothing")
            self.shows(self.basic, *(p for p in pip if p != "--isolated"), "download", "--no-deps", "nothing",
                       PIP_CONFIG_FILE=str(self.folder / "pip.conf"), NETRC="/dev/null")
        self.shows(f"Bearer {self.secret}", "npm", "--userconfig", "npmrc", "--registry", f"{url}/npm/", "whoami")
        self.shows(self.basic, "docker", "--config", "docker", "manifest", "inspect", "--insecure", f"{self.registry_at}/a/b:c")
        self.shows(self.basic, "skopeo", "inspect", "--tls-verify=false", "--authfile", "docker/config.json",
                   f"docker://{self.registry_at}/a/b:c")

    def systemd_reads(self):
        """By the function with which it reads EnvironmentFile=."""
        found = glob.glob("/usr/lib/*/systemd/libsystemd-shared-*.so") + glob.glob("/usr/lib/systemd/libsystemd-shared-*.so")
        library = ctypes.CDLL(found[0]) if found else None
        if hasattr(library, "load_env_file"):
            pairs = ctypes.POINTER(ctypes.c_char_p)()
            self.assertGreaterEqual(
                library.load_env_file(None, str(self.folder / "env").encode(), ctypes.byref(pairs)), 0)
            self.assertEqual(pairs[0].decode(), f"TOKEN={self.secret}")


if __name__ == "__main__":
    main()
