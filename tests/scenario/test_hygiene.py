"""Whoever starts the program, and however: what it inherits does no harm, and a limit is an error and no half state."""
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import unittest

from harness import GLROTATE, HERE, Case, Ended, deliver, main, until

WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "secret": "glpat-push-old-000000", "created": "-85d",
                                     "expires": "+5d"}]}]}
PROGRAM = """#!/bin/sh
umask >>%(here)s/umask
ls /proc/self/fd >>%(here)s/descriptors
env >>%(here)s/environment
[ $GLROTATE_STEP != deliver ] || cat >%(here)s/held
[ $GLROTATE_STEP != verify ] || [ "$(cat)" = "$(cat %(here)s/held)" ]
"""
ORDER = ("rotate", "push", "--reason", "test")


class Hygiene(Case):
    clock = HERE
    world = WORLD

    def setUp(self):
        super().setUp()
        self.program = self.host.path / "put"
        self.program.write_text(PROGRAM % {"here": self.host.path})
        self.program.chmod(0o755)
        self.host.set_tokens(f"  - token: project:shop/api:push\n    deliver: [ exec: {self.program} ]\n")
        self.host.path.chmod(0o700)

    def call(self, *verb, **how):
        running = self.host.start(*verb, **how)
        out, err = running.communicate()
        return Ended(running.returncode, out, err)

    def holds_the_living(self):
        self.assertEqual((self.host.path / "held").read_text(), self.living("push")["secret"])

    # --- what is inherited ---

    def test_descriptors_of_the_caller_are_closed(self):
        kept = os.open(self.host.path, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, kept)
        many = [os.dup(kept) for _ in range(3)]
        for fd in many:
            self.addCleanup(os.close, fd)
        self.sim.fault("delay", path="*/rotate")
        running = self.host.start("run", pass_fds=many)
        self.addCleanup(running.kill)
        until(self.is_held, "the request")
        if os.geteuid() == 0:  # what an undumpable process holds open is root's to see
            opened = [os.readlink(link) for link in pathlib.Path(f"/proc/{running.pid}/fd").iterdir()]
            self.assertNotIn(str(self.host.path), opened)
        self.sim.release()
        running.communicate()
        self.assertEqual(running.returncode, 0)
        # Its three, and the one that ls looks with.
        self.assertEqual(set((self.host.path / "descriptors").read_text().split()), {"0", "1", "2", "3"})

    def test_no_file_takes_the_place_of_a_closed_stream(self):
        for closed in ((0, 1, 2), (0, 2), (2,)):
            def close(these=closed):
                for fd in these:
                    os.close(fd)
            ended = subprocess.run(self.host.command("-v", *ORDER), preexec_fn=close, check=False,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with self.subTest(closed=closed):
                self.assertEqual(ended.returncode, 1 if 1 in closed else 0)
                self.assertRegex((self.host.state / "lock").read_text(), r"\A\d+\n\Z")
                self.holds_the_living()
        # An answer that nobody can have got is none.
        ended = subprocess.run(self.host.command("status"), preexec_fn=lambda: os.close(1), check=False,
                               stderr=subprocess.PIPE, text=True)
        self.assertEqual((ended.returncode, ended.stderr), (1, "glrotate: cannot write the answer to stdout\n"))

    def test_signals_of_the_caller_are_forgotten(self):
        def ignore():
            for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
        self.sim.fault("delay", path="*/rotate")
        running = self.host.start("run", preexec_fn=ignore, restore_signals=False)
        self.addCleanup(running.kill)
        until(self.is_held, "the request")
        deliver(running, signal.SIGTERM)
        self.sim.release()
        _, err = running.communicate()
        self.assertEqual(running.returncode, 1, err)
        self.assertIn("stopped by a signal", err)
        self.assertEqual(self.call("run", preexec_fn=ignore, restore_signals=False).code, 0)
        self.holds_the_living()

    def test_a_hostile_environment_changes_nothing(self):
        keys = self.host.path / "tls-keys"
        hostile = {"PATH": "", "TZ": ":/dev/zero", "LANG": "../../x", "LC_ALL": "xx_YY.none", "COLUMNS": "-7",
                   "MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165", "SSLKEYLOGFILE": str(keys),
                   "https_proxy": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1", "SECRET_OF_CALLER": "x"}
        self.assertEqual(self.call("run", env=hostile).code, 0)
        self.assertFalse(keys.exists())
        self.holds_the_living()
        told = (self.host.path / "environment").read_text()
        self.assertRegex(told, r"(?m)^PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin$")
        self.assertEqual(set(re.findall(r"(?m)^(\w+)=", told)) & set(hostile), {"PATH", "TZ", "LANG", "LC_ALL"})
        self.assertEqual(set((self.host.path / "umask").read_text().split()), {"0077"})
        bare = self.call(*ORDER, env={})
        self.assertEqual(bare.code, 0, bare)
        self.holds_the_living()

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a program away")
    def test_set_user_id_is_refused(self):
        copy = self.host.path / "glrotate"
        shutil.copy(GLROTATE, copy)
        os.chown(copy, 65534, 65534)
        copy.chmod(0o6755)
        if os.statvfs(copy).f_flag & os.ST_NOSUID:
            self.skipTest("set-user-id has no effect here")
        ended = subprocess.run([copy, "help"], capture_output=True, text=True, check=False)
        # The leak sanitizer cannot look into such a process, and ends it in its own way.
        self.assertEqual((ended.returncode, ended.stdout), (1 if "LeakSanitizer" in ended.stderr else 2, ""))
        self.assertIn("must not run set-user-id", ended.stderr)

    # --- limits ---

    def survives(self, limit, value):
        """An order under it fails in words, if at all, and whatever was begun is finished without it."""
        ended = self.call(*ORDER, preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_DFL),
                                                      resource.setrlimit(limit, (value, value))),
                          restore_signals=False)
        self.assertIn(ended.code, (0, 1, 2, 3, 5), f"{value}: {ended}")
        self.assertTrue(ended.code == 0 or ended.err, f"{value}: {ended}")
        self.assertEqual(self.secrets_in(ended.out + ended.err), [])
        self.settles()
        self.holds_the_living()
        return ended.code

    def test_too_few_descriptors_are_an_error_and_no_half_state(self):
        self.exits(0, "run")
        codes = [self.survives(resource.RLIMIT_NOFILE, most) for most in (4, 5, 7, 9, 11, 13, 64)]
        self.assertEqual((codes[0] != 0, codes[-1]), (True, 0), codes)

    def test_too_small_files_are_an_error_and_no_half_state(self):
        self.exits(0, "run")
        codes = [self.survives(resource.RLIMIT_FSIZE, most) for most in (0, 1, 4096, 65536, 1 << 30)]
        self.assertEqual((codes[0] != 0, codes[-1]), (True, 0), codes)

    # --- what is read ---

    def test_what_others_may_write_or_read_is_refused_with_the_command(self):
        policy, folder, credential = (self.host.path / name for name in ("glrotate.yaml", "policies.d", "credential"))
        folder.mkdir()
        more = folder / "more.yaml"
        more.write_text("tokens: []\n")
        self.exits(0, "check", "--offline")
        for place, mode in [(policy, 0o664), (policy, 0o606), (more, 0o620), (folder, 0o775), (folder, 0o1777),
                            (self.host.path, 0o770), (self.host.path, 0o703), (credential, 0o640), (credential, 0o604)]:
            before = place.stat().st_mode & 0o7777
            place.chmod(mode)
            with self.subTest(place=place.name, mode=oct(mode)):
                verb = ("run",) if place == credential else ("check", "--offline")
                err = self.exits(2, *verb).err
                self.assertIn(f"mode {mode:04o}", err)
                self.assertRegex(err, r"chmod (go-w|0600)")
            place.chmod(before)
        # Who can replace the main file can say where our credential is sent.
        self.host.path.chmod(0o777)
        self.forget_requests()
        self.exits(2, "run")
        self.assertEqual(self.asked(), [])
        self.host.path.chmod(0o700)

    def test_a_link_in_the_place_of_a_file_is_not_followed(self):
        for name in ("glrotate.yaml", "credential"):
            file, aside = self.host.path / name, self.host.path / "aside"
            file.rename(aside)
            file.symlink_to(aside)
            with self.subTest(name=name):
                self.assertIn("is a link, which is not followed", self.exits(2, "run").err)
            file.unlink()
            aside.rename(file)
        (self.host.path / "policies.d").mkdir()
        (self.host.path / "policies.d" / "x.yaml").symlink_to("/etc/passwd")
        err = self.exits(2, "check", "--offline").err
        self.assertIn("is a link", err)
        self.assertNotIn("root:", err)
        self.assertEqual(self.asked(), [])

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_what_is_another_users_is_refused(self):
        for name in ("glrotate.yaml", "credential", "."):
            place = self.host.path / name
            os.chown(place, 65534, -1)
            with self.subTest(name=name):
                self.assertRegex(self.exits(2, "run").err, "belongs to (the )?user 65534")
            os.chown(place, os.geteuid(), -1)


if __name__ == "__main__":
    main()
