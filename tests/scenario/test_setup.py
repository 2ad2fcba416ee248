"""What an administrator has done once: each thing is told, done once, and proven; done again it changes nothing.

systemd's programs are stubs here; tests/machine/ has the real ones. SETUP_PROBE has all places in one folder."""
import os
import pathlib
import pty
import shutil
import stat
import subprocess
import tempfile
import unittest

from harness import DEADLINE, ROOT, Ended, Sim, until

PROBE = os.environ["SETUP_PROBE"]
CREDS = """#!/bin/sh
echo "systemd-creds $*" >>"$HOME/asked"
name=${2#--name=}
case $1 in
encrypt) printf '%s:' "$name"; base64 -w0 ;;
decrypt) [ "$(cut -d: -f1 "$3")" = "$name" ] && cut -d: -f2 "$3" | base64 -d ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >>"$HOME/asked"
"""
CHECK = """#!/bin/sh
echo "glrotate $*" >>"$HOME/asked"
echo "ok   this is what check says"
exit $(cat "$HOME/check" 2>/dev/null || echo 0)
"""
POLICY = """gitlab:
  url: http://%s
  credential: %s
lifetimes:
  - { for: "*", max_lifetime: 90d }
"""
WEAK, SECOND = "glpat-weak-0000000000", "glpat-second-00000000"


class Setup(unittest.TestCase):
    def setUp(self):
        self.sim = Sim({"users": [{"username": "mia", "tokens": [{"name": "weak", "secret": WEAK, "scopes": ["read_api"]},
                                                                 {"name": "second", "secret": SECOND}]}]})
        self.addCleanup(self.sim.close)
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="glrotate-setup-"))
        self.addCleanup(shutil.rmtree, self.path)
        for name, text in (("systemd-creds", CREDS), ("systemctl", SYSTEMCTL), ("check", CHECK)):
            file = self.path / "bin" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)
        for folder in ("units", "state"):
            (self.path / folder).mkdir()
        self.policy = self.path / "etc" / "glrotate.yaml"
        self.token = self.path / "credstore" / "glrotate.gitlab-token"
        self.key = self.path / "credstore" / "glrotate.glrotate-key"
        self.drop_in = self.path / "units" / "glrotate.service.d" / "50-destinations.conf"

    def command(self, *more, service="glrotate.service"):
        return [PROBE, str(self.path), str(self.path / "bin" / "check"), service, *more]

    def environment(self):
        return {**os.environ, "PATH": f"{self.path}/bin:{os.environ['PATH']}", "HOME": str(self.path)}

    def setup(self, *more, given=ROOT + "\n", **how):
        done = subprocess.run(self.command(*more, **how), input=given, capture_output=True, text=True, env=self.environment(),
                              timeout=DEADLINE, check=False)
        ended = Ended(done.returncode, done.stdout, done.stderr)
        for secret in (ROOT, WEAK, *([self.decrypted(self.key)] if self.key.exists() else [])):
            self.assertNotIn(secret, ended.out + ended.err)
            self.assertNotIn(secret, "\n".join(self.asked()))
        self.assertNotRegex(ended.err, "Sanitizer|runtime error")
        return ended

    def done(self, *more, **how):
        ended = self.setup(*more, **how)
        self.assertEqual(ended.code, 0, ended)
        return ended.out

    def write(self, credential="gitlab-token", more=""):
        self.policy.parent.mkdir(exist_ok=True)
        self.policy.write_text(POLICY % (self.sim.address, credential) + more)

    def asked(self):
        file = self.path / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def decrypted(self, file):
        return subprocess.run([str(self.path / "bin" / "systemd-creds"), "decrypt", "--name=" + file.name.split(".")[1], str(file)],
                              env={**os.environ, "HOME": "/dev/null"}, capture_output=True, text=True, check=True).stdout

    def everything(self):
        return {str(p.relative_to(self.path)): (p.stat().st_ino, p.read_bytes()) for p in self.path.rglob("*")
                if p.is_file() and p.name != "asked"}

    def test_all_of_it_from_nothing_and_again(self):
        told = self.done("--url", "http://" + self.sim.address)
        self.assertRegex(told, r"policy: .*glrotate.yaml is written; edit it from line 7 on")
        self.assertEqual(self.policy.read_text().splitlines()[6], "# tokens:")
        self.assertRegex(told, r"token: #1 'root-token' of root \(administrator\), scopes api .*, dies ")
        self.assertIn("encrypted as it is kept it cannot rotate itself: make another one before that day", told)
        self.assertNotIn("rotate: yes", told)
        self.assertIn("ok   this is what check says", told)
        self.assertEqual(self.decrypted(self.token), ROOT)
        self.assertRegex(self.decrypted(self.key), "^[0-9a-f]{64}$")
        self.assertEqual([stat.S_IMODE(p.stat().st_mode) for p in (self.token, self.key, self.token.parent, self.policy)],
                         [0o600, 0o600, 0o700, 0o644])
        self.assertEqual([line for line in self.asked() if "creds" not in line],
                         [f"glrotate --policy {self.policy} check", "systemctl enable --now glrotate.timer"])
        before = self.everything()
        for given in ("", ROOT):  # what is not given is known, and what is known is not written again
            self.assertIn("glrotate.gitlab-token is there", self.done(given=given))
        self.assertEqual(self.everything(), before)

    def test_no_policy_is_written_that_its_reader_would_refuse(self):
        for url in ("HTTPS://gitlab.example.com", "http://127.0.0.2:1", "https://gitlab.example.com/?a"):
            with self.subTest(url):
                ended = self.setup("--url", url)
                self.assertEqual(ended.code, 2, ended)
                self.assertIn(f"expected https://HOST, without user, query or fragment, not '{url}'", ended.err)
                self.assertFalse(self.policy.exists())

    def test_another_token_takes_the_place_of_the_first(self):
        self.write()
        self.done()
        key = self.key.read_bytes()
        self.done(given=SECOND)
        self.assertEqual(self.decrypted(self.token), SECOND)
        self.assertEqual(self.key.read_bytes(), key)

    def test_what_will_not_do_is_refused_and_nothing_is_kept(self):
        for how, given, code, words in (
                ({}, "", 2, "no GitLab token was given"), ({}, WEAK, 3, "has the scopes 'read_api', and glrotate needs 'api'"),
                ({}, "glpat-unknown-0000000", 3, "the token that was given: "), ({}, "x" * 9000, 2, "more than 4096 bytes"),
                ({"service": "-"}, ROOT, 2, "nothing gives it a credential 'gitlab-token'")):
            with self.subTest(words):
                self.write()
                ended = self.setup(given=given, **how)
                self.assertEqual((ended.code, words in ended.err), (code, True), ended)
        self.write(more="tokenz: []\n")
        self.assertEqual(self.setup().code, 2)
        self.write()
        self.assertIn("and --url http://other", self.setup("--url", "http://other").err)
        self.policy.unlink()
        self.assertIn("which GitLab?", self.setup().err)
        self.assertFalse(self.token.parent.exists())
        self.assertEqual([line for line in self.asked() if "systemctl" in line], [])

    def test_a_journal_keeps_the_key_that_it_was_made_with(self):
        self.write()
        for name in ("journal.db", "key"):
            (self.path / "state" / name).write_text("")
            self.assertIn("keeps the key that it was made with", self.done())
            self.assertFalse(self.key.exists())
            (self.path / "state" / name).unlink()
        self.done()
        self.assertTrue(self.key.exists())

    def test_what_this_machine_does_not_decrypt_counts_as_not_there(self):
        """A disk beside another TPM."""
        self.write()
        self.done()
        for file in (self.token, self.key):
            file.write_text("of another machine:")
        self.assertIn(f"token: {self.token} cannot be decrypted on this machine: it is kept anew", self.done())
        self.assertEqual(self.decrypted(self.token), ROOT)
        self.assertRegex(self.decrypted(self.key), "^[0-9a-f]{64}$")
        # The journal was made with that key, which is perhaps to be had from a backup.
        self.key.write_text("of another machine:")
        (self.path / "state" / "journal.db").write_text("")
        done = subprocess.run(self.command(), input=ROOT, capture_output=True, text=True, env=self.environment(), timeout=DEADLINE,
                              check=False)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("cannot be decrypted on this machine, and the journal in", done.stderr)
        self.assertIn("GLR-131", done.stderr)
        self.assertEqual(self.key.read_text(), "of another machine:")

    def test_the_sandbox_allows_what_the_policy_needs_and_no_more(self):
        self.write(more="tokens:\n  - token: project:a/b:c\n    deliver: [ file: /srv/one/token, file: { path: '/tmp/x/{name}/t' } ]\n")
        told = self.done()
        text = self.drop_in.read_text()
        self.assertEqual(text.splitlines()[1:], ["[Service]", "ReadWritePaths=-/srv/one", "ReadWritePaths=-/tmp/x/c", "PrivateTmp=no"])
        self.assertIn("ReadWritePaths=-/srv/one", told)
        self.assertEqual(self.asked().count("systemctl daemon-reload"), 1)
        self.done()
        self.assertEqual(self.asked().count("systemctl daemon-reload"), 1)
        self.write(more="tokens:\n  - token: 'project:a/**'\n    scopes_at_most: [api]\n    level_at_most: owner\n    deliver:\n"
                   "      - file: { path: '/srv/deploy/{name}', user: deploy }\n"
                   "      - systemd_credential: { name: '{name}', unit: x.service, restart: try }\n")
        told = self.done()
        self.assertIn("may restart x.service is for polkit to say", told)
        self.assertIn("may encrypt credentials is for polkit to say", told)
        text = self.drop_in.read_text()
        for line in ("ReadWritePaths=-/srv/deploy", "ReadWritePaths=-/etc/credstore.encrypted", "PrivateUsers=no", "SystemCallFilter=@chown",
                     "AmbientCapabilities=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER"):
            self.assertIn(line + "\n", text)
        self.write()
        self.assertIn("is removed", self.done())
        self.assertFalse(self.drop_in.exists())
        self.assertEqual(self.asked().count("systemctl daemon-reload"), 3)
        self.drop_in.write_text("[Service]\n# a person's own\n")
        ended = self.setup()
        self.assertEqual((ended.code, "is not ours" in ended.err), (3, True), ended)
        self.drop_in.unlink()
        os.mkfifo(self.drop_in)
        ended = self.setup()
        self.assertEqual((ended.code, "50-destinations.conf': is empty" in ended.err), (2, True), ended)

    def test_what_a_unit_cannot_say_is_refused(self):
        for path, words in (("/{name}/t", "may lead anywhere"), ("/srv/a b/t", "has characters")):
            self.write(more="tokens:\n  - token: 'project:a/**'\n    scopes_at_most: [api]\n    level_at_most: owner\n"
                       f"    deliver: [ file: '{path}' ]\n")
            ended = self.setup()
            self.assertEqual((ended.code, words in ended.err), (2, True), ended)

    def test_the_timer_is_not_started_when_check_is_not_content(self):
        self.write()
        (self.path / "check").write_text("3")
        ended = self.setup()
        self.assertEqual((ended.code, "exit code 3" in ended.out), (3, True), ended)
        self.assertNotIn("systemctl enable --now glrotate.timer", self.asked())

    def test_a_dry_run_does_nothing(self):
        self.write(more="tokens:\n  - token: project:a/b:c\n    deliver: [ file: /srv/one/token ]\n")
        before = self.everything()
        told = self.done("--dry-run")
        for words in ("token: would ask for", "key: would make", "sandbox: would write", "check: would run glrotate check as glrotate.service",
                      "timer: would enable and start glrotate.timer"):
            self.assertIn(words, told)
        self.policy.unlink()
        self.assertIn("policy: would write a minimal", self.done("--dry-run"))
        del before["etc/glrotate.yaml"]
        self.assertEqual((self.everything(), self.asked()), (before, []))

    def test_without_systemd_what_remains_is_done(self):
        told = self.done("--url", "http://" + self.sim.address, service="-")
        file = self.path / "etc" / "gitlab-token"
        self.assertEqual((file.read_text(), stat.S_IMODE(file.stat().st_mode)), (ROOT, 0o600))
        self.assertIn("no unit of systemd runs this policy: have something start", told)
        self.assertEqual(self.asked(), [f"glrotate --policy {self.policy} check"])

    def test_a_person_is_asked_and_what_they_type_is_not_shown(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        running = subprocess.Popen(self.command(), stdin=slave, stderr=slave, stdout=subprocess.PIPE, text=True, env=self.environment(),
                                   start_new_session=True)
        self.addCleanup(running.kill)
        os.close(slave)
        os.set_blocking(master, False)
        shown = []

        def has_shown(text):
            try:
                shown.append(os.read(master, 4096).decode())
            except (BlockingIOError, OSError):
                pass
            return text in "".join(shown)
        until(lambda: has_shown("GitLab's URL"), "the first question")
        os.write(master, f"http://{self.sim.address}\n".encode())
        until(lambda: has_shown("is not shown"), "the second question")
        os.write(master, f"{ROOT}\n".encode())
        out, _ = running.communicate(timeout=DEADLINE)
        has_shown("")
        self.assertEqual(running.returncode, 0, out)
        self.assertNotIn(ROOT, "".join(shown) + out)
        self.assertEqual(self.decrypted(self.token), ROOT)


if __name__ == "__main__":
    unittest.main()
