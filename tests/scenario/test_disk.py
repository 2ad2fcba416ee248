"""A disk that is full, or fails, at any moment: no answer is lost, and nothing is sent that could not be written down."""
import os
import resource
import shutil
import signal
import subprocess
import unittest

from harness import DEADLINE, Case, main, until

WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver:
      - ci_variable: PUSH
      - file: %s/push
"""
UNTRACED = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # the leak sanitizer traces too, and only one may
ENDLESS = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class Disk(Case):
    world = WORLD

    def setUp(self):
        super().setUp()
        self.host.set_tokens(TOKENS % self.host.path)

    def begin(self, most_bytes=None):
        """A run whose files may not grow beyond so many bytes: the kernel answers as a full disk does."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            if most_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
        running = self.host.start("run", preexec_fn=limit, restore_signals=False)
        self.addCleanup(running.kill)
        return running

    def is_whole(self):
        secret = self.living("push")["secret"]
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], secret)
        self.assertEqual((self.host.path / "push").read_text(), secret)
        self.assertIn("whole", self.exits(0, "history", "--verify").out)

    def at_the_request(self, most_bytes):
        """While GitLab works on the rotation, the disk fills: a limit in bytes, or what the journal has now."""
        self.sim.fault("delay", method="POST", path="*/rotate")
        running = self.begin()
        until(self.is_held, "the request")
        now = max(file.stat().st_size for file in self.host.state.iterdir())
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE,
                         (now if most_bytes is None else most_bytes, resource.RLIM_INFINITY))
        self.sim.release()
        return running

    def test_the_room_for_the_answer_was_made_before_the_request(self):
        running = self.at_the_request(None)
        _, err = running.communicate(timeout=DEADLINE)
        self.assertEqual(running.returncode, 0, err)
        self.is_whole()

    def test_an_answer_that_finds_no_disk_is_brought_again_and_nothing_else_is_done(self):
        running = self.at_the_request(0)
        self.assertGreater(self.living("push")["id"], 100)
        told = ""
        while "cannot be written down" not in told:
            line = running.stderr.readline()
            self.assertNotEqual(line, "", f"it did not wait: {told}")
            told += line
        rotated = self.asked("POST", "/rotate$")[0]["n"]
        self.assertEqual([r for r in self.asked() if r["n"] > rotated], [])
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, ENDLESS)
        _, err = running.communicate(timeout=DEADLINE)
        self.assertIn(running.returncode, (0, 3), err)
        # A run whose journal failed once does no more than save the answer; the next one delivers it.
        self.settles()
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)
        self.is_whole()

    def test_a_disk_of_any_size_loses_nothing(self):
        codes = set()
        for most in [0, 1, 512, 4096, *range(8192, 700_000, 32768)]:
            with self.subTest(bytes=most):
                self.again()
                running = self.begin(most)
                _, err = running.communicate(timeout=DEADLINE)
                codes.add(running.returncode)
                self.assertNotIn("Sanitizer", err)
                if running.returncode:
                    self.assertEqual(self.asked("POST", "/rotate$"), [], err)
                self.settles()
                self.is_whole()
        self.assertEqual(codes, {0, 3})

    def inject(self, what):
        return subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=none", "-e", f"inject={what}",
                               *self.host.command("run")], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              cwd=self.host.path, timeout=DEADLINE, check=False, env=UNTRACED)

    def each_call_fails(self, call, error, most):
        """Fails the 1st, the 2nd … call of a kind, until a run is through without it."""
        for when in range(1, most):
            with self.subTest(call=call, error=error, when=when):
                self.again()
                done = self.inject(f"{call}:error={error}:when={when}")
                if when == 1 and "ptrace" in done.stderr:
                    self.skipTest("strace may not trace here")
                self.assertIn(done.returncode, (0, 1, 3), done.stderr)
                self.assertNotIn("Sanitizer", done.stderr)
                posts = self.asked("POST", "/rotate$")
                if posts:
                    self.assertEqual(len(posts), self.host.events().count("rotation.intended"), "its intent is missing")
                self.settles()
                self.is_whole()

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_a_sync_that_fails_is_believed(self):
        self.each_call_fails("fdatasync", "EIO", 32)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_a_file_that_cannot_be_put_in_place_is_told_and_written_later(self):
        self.each_call_fails("rename,renameat,renameat2", "ENOSPC", 5)
        self.each_call_fails("fsync", "EIO", 8)


if __name__ == "__main__":
    main()
