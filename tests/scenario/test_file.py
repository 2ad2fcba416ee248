"""Files that hold more than our secret, and what stands in the way of writing one."""
import json
import os
import subprocess
import unittest

from harness import Case, main

OLD = "glpat-push-old-000000"
WORLD = {"projects": [{"path": "platform/api", "tokens": [
    {"name": "push", "secret": OLD, "created": "-85d", "expires": "+5d"},
    {"name": "pull", "created": "-85d", "expires": "+5d"}]}]}
NETRC = "# mine\r\nmachine c.example login d password hunter2\r\n\r\ndefault login x password hunter3"
PROGRAM = """#!/bin/sh
echo "$GLROTATE_CHANGED $GLROTATE_TOKEN $(basename "$GLROTATE_PATH")" >>%s/told
%s
"""


def may_mount():
    return subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True,
                          check=False).returncode == 0


class File(Case):
    world = WORLD

    def setUp(self):
        super().setUp()
        self.folder = self.host.path / "files"
        self.folder.mkdir()

    def deliver(self, *keys, token="push"):
        return f"  - token: project:platform/api:{token}\n    deliver:\n" + "".join(
            "      - file: { path: %s/%s }\n" % (self.folder, words) for words in keys)

    def set_file(self, *keys):
        self.host.set_tokens(self.deliver(*keys))

    def told(self, code, *verb):
        """All that a verb says, which holds neither our secrets nor anybody's."""
        ended = self.exits(code, *verb)
        self.assertEqual(self.secrets_in(ended.out + ended.err), [])
        self.assertNotIn("hunter", ended.out + ended.err)
        return ended

    def nothing_happened(self):
        self.assertEqual(self.asked("POST", "/rotate$"), [])
        self.assertTrue(self.opens(OLD))

    def test_two_tokens_in_one_file_beside_what_people_put_there(self):
        (self.folder / "netrc").write_text(NETRC, newline="")
        (self.folder / "config.json").write_text('{\n\t"auths": {},\n\t"psFormat": "x"\n}\n')
        more = ("netrc, format: netrc, host: %s.example", "config.json, format: docker, host: %s.example, username: bot")
        self.host.set_tokens(self.deliver(*(m % "a" for m in more)) + self.deliver(*(m % "b" for m in more), token="pull"))
        self.assertIn(f"{self.folder}/netrc a.example: new entry", self.told(0, "plan").out)
        self.told(0, "run")
        push, pull = (self.living(name)["secret"] for name in ("push", "pull"))
        lines = (self.folder / "netrc").read_bytes().decode().split("\r\n")
        self.assertEqual(sorted(lines[3:5]), [f"machine a.example login oauth2 password {push}",
                                              f"machine b.example login oauth2 password {pull}"])
        self.assertEqual(lines[:3] + lines[5:], NETRC.split("\r\n"))
        config = json.loads((self.folder / "config.json").read_text())
        self.assertEqual(sorted(config["auths"]), ["a.example", "b.example"])
        self.assertEqual(config["psFormat"], "x")
        before = (self.folder / "netrc").stat().st_ino
        self.told(0, "run")
        self.assertEqual((self.folder / "netrc").stat().st_ino, before)  # nothing was due, and nothing was written
        self.told(0, "rotate", "push", "--reason", "x")
        self.assertEqual((self.folder / "netrc").read_bytes().decode(), "\r\n".join(lines).replace(
            push, self.living("push")["secret"]))
        self.assertIn("a.example", self.told(0, "explain", "push").out)

    def test_what_cannot_be_understood_stops_the_rotation_and_stays_as_it_is(self):
        rows = (("json, format: json, key: a.b", '{"a": {"b": "hunter2"\n"c": 1}}', "line 2, column 1: no JSON"),
                ("env, format: env, key: TOKEN", "A='hunter2\n", "line 1, column 3: a quote without its end"),
                ("env, format: env, key: TOKEN", "\ufeffA=1\n", "a byte order mark"),
                ("netrc, format: netrc, host: a", "machine a password hunter2\nmachine a password hunter3\n",
                 "line 2, column 9: 'a' stands in line 1 already"),
                ("npmrc, format: npmrc, host: a/b", "x" * 1024 * 1024 + "y", "holds more than 1048576 bytes"),
                ("config.json, format: docker, host: a", '{"credsStore": "hunter2"}', "docker asks a credential helper"))
        for words, content, why in rows:
            with self.subTest(why):
                file = self.folder / words.split(",", maxsplit=1)[0]
                file.write_text(content)
                self.set_file(words)
                self.assertIn("cannot: ", self.told(3, "plan").out)
                ended = self.told(3, "run")
                self.assertIn(why, ended.out + ended.err)
                self.assertEqual(file.read_text(), content)
        self.nothing_happened()

    def test_what_a_policy_may_not_say(self):
        for words, why in (("t, format: env", "format 'env' needs 'key'"), ("t, host: a", "format 'raw' takes no 'host'"),
                           ("t, format: netrc, host: 'https://a'", "without 'https://'"),
                           ("t, format: ini", "expected one of raw, env"), ("t, timeout: 5s", "'timeout' is about 'exec'"),
                           ("t, exec: systemctl", "no absolute path")):
            with self.subTest(words):
                self.set_file(words)
                self.assertIn(why, self.told(2, "check", "--offline").err)
        self.set_file("t, format: env, key: A", "t, format: env, key: B")
        self.told(0, "check", "--offline")
        self.set_file("t, format: env, key: A", "t, format: env, key: A")
        self.assertIn("files/t A' gets two secrets", self.told(2, "check", "--offline").err)

    def test_what_stands_in_the_way_is_named_before_anything_dies(self):
        (self.folder / "link").symlink_to("elsewhere")
        (self.folder / "folder").mkdir()
        (self.folder / "open").mkdir()
        (self.folder / "open").chmod(0o777)
        for more in ("", ", format: env, key: A"):
            for words, why in (("none/t", "open the folder"), ("link", "is a link"), ("folder", "not a regular file"),
                               ("t, user: nobody-knows", "knows no user 'nobody-knows'"), ("open/t", "sticky bit")):
                with self.subTest(words + more):
                    self.set_file(words + more)
                    ended = self.told(3, "run")
                    self.assertIn(why, ended.out + ended.err)
        self.nothing_happened()

    @unittest.skipUnless(may_mount(), "needs the right to mount")
    def test_a_disk_that_is_full_or_read_only(self):
        def run(options, then=""):
            words = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o %s none "$0" && %s exec "$@"' % (options, then),
                     str(self.folder), *self.host.command("run")]
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
            return done.returncode, done.stdout + done.stderr
        for more in ("", ", format: env, key: A"):
            self.set_file("t" + more)
            code, said = run("ro")
            self.assertEqual(code, 3, said)
            self.assertIn("Read-only file system", said)
            code, said = run("size=8k", 'head -c 8192 /dev/zero >"$0"/fill;')
            self.assertEqual(code, 1, said)
            self.assertIn("No space left on device", said)
        self.nothing_happened()

    def set_program(self, body="exit 0"):
        program = self.host.path / "program"
        program.write_text(PROGRAM % (self.host.path, body))
        program.chmod(0o755)
        self.set_file(f"t, format: env, key: A, exec: {program}, timeout: 30s")

    def what_it_was_told(self):
        return (self.host.path / "told").read_text().splitlines()

    def test_the_program_afterwards_is_owed_until_it_succeeds(self):
        self.set_program('echo "$(cat "$GLROTATE_PATH") is bad" >&2; exit 1')
        ended = self.told(3, "run")
        self.needs_person(ended, "GLR-113")
        self.assertIn("it is written, but", ended.out + ended.err)
        self.assertIn("is bad", ended.out + ended.err)
        secret = self.living("push")["secret"]
        self.assertEqual((self.folder / "t").read_text(), f"A={secret}\n")
        self.set_program('[ "$(wc -l <%s/told)" -gt 2 ] || exit 75' % self.host.path)
        self.told(0, "run")
        self.told(0, "run")
        self.assertEqual(self.what_it_was_told(), ["yes project:platform/api:push t"] + 2 * ["no project:platform/api:push t"])
        self.assertEqual((self.folder / "t").read_text(), f"A={secret}\n")
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)

    def test_a_folder_that_was_replaced_gets_it_again(self):
        self.set_program('[ -e {0}.old ] || {{ mv {0} {0}.old; mkdir {0}; }}'.format(self.folder))
        self.settles()
        self.assertEqual((self.folder / "t").read_text(), f"A={self.living('push')['secret']}\n")

    def test_an_entry_that_somebody_else_wrote_over_is_delivered_again(self):
        self.set_program('[ "$(wc -l <%s/told)" -gt 1 ] || echo A=theirs >"$GLROTATE_PATH"' % self.host.path)
        self.settles()
        self.assertEqual((self.folder / "t").read_text(), f"A={self.living('push')['secret']}\n")
        self.assertEqual([line.split()[0] for line in self.what_it_was_told()], ["yes", "yes"])


if __name__ == "__main__":
    os.umask(0o077)
    main()
