"""Over TLS, as in life: who is believed, and what is left in memory when all is done."""
import fcntl
import http.client
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import unittest

from harness import DEADLINE, ROOT, Case, main, until

MANY = 12
WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"},
                                    {"name": "many", "created": "-85d", "expires": "+5d", "count": MANY}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver:
      - ci_variable: PUSH
      - file: %s/push
"""
# What is freed stays mapped, as in a long run.
# Meson would have it overwritten.
KEEPS_FREED = {"MALLOC_PERTURB_": "0", "MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "33554432"}


def make_certificate(folder, name, host):
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={host}", "-addext", f"subjectAltName=IP:{host}" if host[0].isdigit() else f"subjectAltName=DNS:{host}",
         "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"], capture_output=True, check=False)
    if done.returncode:
        raise unittest.SkipTest("openssl cannot make a certificate")


class Tls(Case):
    world = WORLD

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="glrotate-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        make_certificate(cls.folder, "ours", "127.0.0.1")
        make_certificate(cls.folder, "other", "127.0.0.1")
        make_certificate(cls.folder, "elsewhere", "gitlab.example.test")

    def setUp(self):
        self.serve("ours", "ours")

    def serve(self, shown, believed):
        """A GitLab that shows one certificate, and a host that believes in another."""
        self.simulator = ("--tls-cert", f"{self.folder}/{shown}.pem", "--tls-key", f"{self.folder}/{shown}.key")
        super().setUp()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sim.connection = http.client.HTTPSConnection(self.sim.address, timeout=DEADLINE, context=context)
        self.host.url = "https://" + self.sim.address + (
            f"\n  ca_file: {self.folder}/{believed}.pem" if believed else "")
        self.host.set_tokens(TOKENS % self.host.path)

    def holds(self):
        secret = self.living("push")["secret"]
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], secret)
        self.assertEqual((self.host.path / "push").read_text(), secret)
        return secret

    def test_a_certificate_of_our_own_authority_is_believed(self):
        self.exits(0, "run")
        self.holds()

    def test_nobody_else_is_told_our_credential(self):
        for shown, believed in (("other", "ours"), ("elsewhere", "elsewhere"), ("ours", None)):
            with self.subTest(shown=shown, believed=believed):
                self.doCleanups()
                self.serve(shown, believed)
                ended = self.exits(5, "run")
                self.assertIn("certificate", ended.err.lower())
                self.assertEqual(self.asked(), [])

    def test_a_ca_file_that_is_none_is_the_policys_error(self):
        for content in ("", "nonsense", None):
            with self.subTest(content):
                file = self.host.path / "ca.pem"
                file.write_text(content) if content is not None else file.unlink()
                self.host.url = f"https://{self.sim.address}\n  ca_file: {file}"
                self.host.set_tokens(TOKENS % self.host.path)
                self.assertIn("ca.pem", self.exits(2, "run").err)

    # --- memory ---

    def hits(self, pid, secrets):
        """Where in the memory of a living process one of these stands."""
        found = []
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
        if "libasan" in maps:
            self.skipTest("a sanitizer keeps what was freed, in memory too large to search")
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for line in maps.splitlines():
                first, last = (int(part, 16) for part in line.split()[0].split("-"))
                if "rw" not in line:
                    continue
                try:
                    memory.seek(first)
                    content = memory.read(last - first)
                except OSError:
                    continue  # a guard page, or one that nobody may read
                found += [line for secret in secrets if secret.encode() in content]
        return found

    def full_pipe(self):
        """A pipe that takes not one byte more: who writes to it waits."""
        reader, writer = os.pipe()
        flags = fcntl.fcntl(writer, fcntl.F_GETFL)
        fcntl.fcntl(writer, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            pass
        fcntl.fcntl(writer, fcntl.F_SETFL, flags)
        self.addCleanup(os.close, reader)
        return writer

    @unittest.skipUnless(os.geteuid() == 0, "the memory of an undumpable process is root's to read")
    def test_no_copy_of_a_new_secret_is_left_in_memory_when_all_is_done(self):
        names = [f"many-{n:04}" for n in range(1, MANY + 1)]
        self.host.set_tokens("".join(f"""
  - token: project:shop/api:{name}
    deliver: [ ci_variable: {name.upper().replace("-", "_")} ]
""" for name in names))
        writer = self.full_pipe()
        self.sim.fault("delay_after", method="PUT", path="*/variables/*")
        running = subprocess.Popen(self.host.command("run"), stdout=writer, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL, cwd=self.host.path, env={**os.environ, **KEEPS_FREED})
        os.close(writer)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        until(self.is_held, "a delivery")
        self.assertNotEqual(self.hits(running.pid, [ROOT]), [], "the search finds what is there")
        self.sim.release()
        # All is done but the last line, which nobody reads.
        until(lambda: pathlib.Path(f"/proc/{running.pid}/wchan").read_text() in ("pipe_write", "anon_pipe_write"), "the end")
        secrets = [self.living(name)["secret"] for name in names]
        self.assertEqual(self.variable("shop/api", "MANY_0001")["value"], secrets[0])
        self.assertEqual(self.hits(running.pid, secrets), [])


if __name__ == "__main__":
    main()
