"""A credential that systemd decrypts for a unit: encrypted by systemd-creds, the unit restarted until it worked."""
import os
import re
import shutil
import stat
import subprocess

from harness import Case, main

# For machines without systemd-creds, or with one that cannot encrypt without a key.
CREDS = """#!/bin/sh
name=${2#--name=}
case $1 in
encrypt) printf '%s:' "$name"; base64 -w0 ;;
decrypt)
    text=$(cat "$3") || exit
    [ "${text%%:*}" = "$name" ] && printf '%s' "${text#*:}" | base64 -d
    ;;
esac
"""

SYSTEMCTL = """#!/bin/sh
here=%s
echo "$*" >>$here/asked
case $1 in
show) cat $here/load_state ;;
*) . $here/restart ;;
esac
"""


def can_encrypt():
    try:
        return subprocess.run(["systemd-creds", "encrypt", "--name=a", "--with-key=tpm2-absent", "-", "-"],
                              input=b"a", capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


REAL = can_encrypt()


class Credential(Case):
    world = {"projects": [{"path": "platform/api", "tokens": [
        {"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}]}]}

    def setUp(self):
        super().setUp()
        self.file = self.host.path / "push.cred"
        programs = self.host.path / "bin"
        programs.mkdir()
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        os.environ["PATH"] = f"{programs}:{path}"
        for name, text in (("systemctl", SYSTEMCTL % self.host.path), ("systemd-creds", None if REAL else CREDS)):
            if not text:
                continue
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.systemd()
        self.set_credential()

    def systemd(self, restart=":", load_state="loaded"):
        (self.host.path / "restart").write_text(restart)
        (self.host.path / "load_state").write_text(load_state + "\n")

    def set_credential(self, more="unit: myapp.service, restart: yes"):
        self.host.set_tokens("  - token: project:platform/api:push\n    deliver:\n      - systemd_credential: "
                             "{ name: '{name}', path: '%s', with_key: none, %s }\n" % (self.file, more))

    def refuse(self, what, why, when=""):
        """From now on, or once a file is there, systemd-creds refuses to do one thing."""
        creds = self.host.path / "bin" / "systemd-creds"
        real = self.host.path / "bin" / "creds"
        if creds.exists():
            creds.rename(real)
        else:
            real.symlink_to(shutil.which("systemd-creds"))
        creds.write_text(f"""#!/bin/sh
[ "$1" != {what} ] || [ ! -e {when or "/"} ] || {{ echo {why} >&2; exit 1; }}
exec {real} "$@"
""")
        creds.chmod(0o755)

    def decrypted(self):
        return subprocess.run(["systemd-creds", "decrypt", "--name=push", str(self.file), "-"],
                              capture_output=True, text=True, check=True).stdout

    def asked_of_systemd(self):
        file = self.host.path / "asked"
        return file.read_text().splitlines() if file.exists() else []

    SHOW = "show --property=LoadState --value -- myapp.service"

    def test_it_is_encrypted_read_back_and_its_unit_restarted(self):
        self.assertIn("created as 'push', then restart myapp.service", self.exits(0, "plan").out)
        self.exits(0, "check")
        self.assertEqual(self.asked_of_systemd(), [])
        self.exits(0, "run")
        self.assertEqual(self.decrypted(), self.living("push")["secret"])
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertEqual(self.secrets_in(self.file.read_text()), [])
        self.assertEqual([n for n in os.listdir(self.host.path) if "push" in n], ["push.cred"])
        self.assertEqual(self.asked_of_systemd(), [self.SHOW, "restart -- myapp.service"])
        self.assertIn("delivery.proven", self.host.events())

    def test_a_unit_need_not_be_named_and_may_be_asleep(self):
        self.set_credential("restart: no")
        self.exits(0, "run")
        self.assertEqual(self.asked_of_systemd(), [])
        self.set_credential("unit: myapp.service, restart: try")
        self.exits(0, "rotate", "push", "--reason", "a test")
        self.assertEqual(self.asked_of_systemd(), [self.SHOW, "try-restart -- myapp.service"])
        self.assertEqual(self.decrypted(), self.living("push")["secret"])

    def test_a_restart_is_owed_until_it_works(self):
        self.systemd("echo Job for myapp.service failed. >&2; exit 1")
        ended = self.exits(1, "run")
        self.assertIn("written, but 'myapp.service' was not restarted", ended.out + ended.err)
        self.assertIn("Job for myapp.service failed.", self.host.run("status").out)
        self.assertEqual(self.decrypted(), self.living("push")["secret"])
        self.systemd()
        self.exits(0, "run")
        self.assertEqual(self.asked_of_systemd()[-1], "restart -- myapp.service")
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)

    def test_what_cannot_work_is_told_before_anything_is_rotated(self):
        self.systemd(load_state="not-found")
        self.assertIn("systemd has no unit 'myapp.service' loaded", self.host.run("run").err)
        self.systemd()
        creds = self.host.path / "bin" / "systemd-creds"
        for refused in ("encrypt", "decrypt"):
            with self.subTest(refused):
                self.refuse(refused, "no TPM2 here")
                self.needs_person(ended := self.host.run("run"), "GLR-")
                self.assertIn("no TPM2 here", ended.err)
                creds.unlink()
                (self.host.path / "bin" / "creds").rename(creds)
        self.file.mkdir()
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-")
        self.file.rmdir()
        self.assertEqual(self.asked("POST", "/rotate$"), [])
        self.settles()

    def test_what_is_lost_or_written_over_is_written_again(self):
        other = "printf other | systemd-creds encrypt --name=push --with-key=tpm2-absent - - >%s" % self.file
        for change in ("rm %s" % self.file, other, "echo torn >%s" % self.file):  # in place, so that the stamp stays
            with self.subTest(change):
                self.systemd("[ -e $here/again ] || { %s; } 2>/dev/null; : >$here/again" % change)
                self.exits(0, "rotate", "push", "--reason", "a test")
                self.settles()
                self.assertEqual(self.decrypted(), self.living("push")["secret"])
                (self.host.path / "again").unlink()

    def test_a_machine_that_decrypts_nothing_any_more_cannot_tell(self):
        try:
            os.setxattr(self.host.path, "user.test", b"")
        except OSError:
            self.skipTest("no extended attributes here")
        self.refuse("decrypt", "another TPM", self.file)
        self.exits(0, "run")
        self.assertRegex(self.host.events("delivery.unproven")[0], "it cannot be read back")

    def test_nothing_is_decrypted_through_somebodys_link(self):
        if os.geteuid():
            self.skipTest("only root makes links of others")
        folder = self.host.path / "folder"
        folder.mkdir()
        self.file = folder / "push.cred"
        self.set_credential()
        self.systemd("mv {0} {0}.real; ln -s {0}.real {0}; chown -h 4711 {0}".format(folder))
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-")
        self.assertIn("a link of user 4711", ended.err)

    def test_what_a_policy_may_not_say(self):
        for more, why in (("restart: yes", "'restart' needs 'unit'"), ("unit: myapp.service", "'unit' does nothing by itself"),
                          ("unit: --version, restart: try", "no unit's name"), ("restart: maybe", "expected"),
                          ("with_key: pin", "with_key")):
            with self.subTest(more):
                self.set_credential(more)
                ended = self.host.run("check", "--offline")
                self.assertEqual(ended.code, 2, ended)
                self.assertIn(why, ended.err)
        self.host.set_tokens("  - token: project:platform/api:push\n    deliver: [ systemd_credential: '{owner}' ]")
        self.assertIn("'platform/api' is no credential's name", self.host.run("check", "--offline").err)
        self.host.set_tokens("  - token: project:platform/api:push\n    deliver: [ systemd_credential: push ]")
        self.assertRegex(self.host.run("plan").out, re.escape("systemd_credential /etc/credstore.encrypted/push"))


if __name__ == "__main__":
    main()
