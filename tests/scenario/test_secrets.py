"""No secret is ever seen where it does not belong: arguments, environment, logs, the disk, a core file."""
import base64
import os
import pathlib
import resource
import signal
import sqlite3
import subprocess

from harness import HERE, Case, main, until

WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""
MOST_REQUESTS = 100  # of one run: a failure in every row must end too
AFTER_THE_ROTATION = 12


def may_dump():
    # Who runs in the background was told to ignore some.
    for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def is_over(process):
    """Unlike poll(), this leaves the wait status where it is."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def disguises(secret):
    """As it stands, and as programs write bytes when they do not want to show them."""
    plain = secret.encode()
    yield plain
    yield plain.hex().encode()
    yield plain[::-1]
    for shift in range(3):  # a base64 text may begin anywhere in what was encoded
        yield base64.b64encode(b"x" * shift + plain)[4 if shift else 0:-4].rstrip(b"=")


class Secrets(Case):
    clock = HERE
    world = WORLD
    tokens = TOKENS

    def on_disk(self):
        """All files of the host but the one that the credential stands in, and destinations."""
        for file in self.host.path.rglob("*"):
            if file.is_file() and file.name not in ("credential", "out"):
                yield file, file.read_bytes()

    def holds_none(self, content, where):
        for secret in self.secrets():
            for disguise in disguises(secret):
                self.assertNotIn(disguise, content, where)

    def nothing_leaks(self, *texts):
        """Neither a secret nor the key that seals them, in no form, in no file but their own."""
        key = self.host.state / "key"
        sealing = key.read_bytes().strip() if key.exists() else b"there is no key"
        for text in texts:
            self.holds_none(text.encode(), "in what was told")
            self.assertNotIn(sealing, text.encode())
        for file, content in self.on_disk():
            self.holds_none(content, f"in {file}")
            if file != key:
                self.assertNotIn(sealing, content, f"the key in {file}")
        for request in self.asked():
            self.assertEqual(self.secrets_in(request["path"] + (request["query"] or "")), [])

    def test_no_verb_prints_one(self):
        texts = []
        for verb in (("check",), ("plan",), ("run",), ("status", "--all"), ("explain", "push"), ("history",),
                     ("rotate", "push", "--reason", "test"), ("history", "--json"), ("plan", "--all", "--json")):
            ended = self.exits(0, *verb, "--verbose")
            texts.append(ended.out + ended.err)
        self.assertGreater(len(self.secrets()), 3)
        self.nothing_leaks(*texts)

    def test_no_failure_prints_one(self):
        self.exits(0, "run")
        texts = []
        for kind in ("garbage", "cut_body", "wrong_content_type", "drop_after_commit"):
            self.sim.fault(kind, method="POST", path="*/rotate")
            ended = self.host.run("rotate", "push", "--reason", "test", "--verbose")
            texts.append(ended.out + ended.err)
            self.clear_faults()
        self.nothing_leaks(*texts)

    def test_none_is_in_arguments_or_environment_while_it_runs(self):
        self.sim.fault("delay_after", method="PUT", path="*/variables/*", nth=2)
        running = self.host.start("run", env={**os.environ, "HOME": "/root"})
        self.addCleanup(running.kill)
        until(self.is_held, "the delivery")
        process = pathlib.Path("/proc") / str(running.pid)
        seen = b"".join((process / name).read_bytes() for name in ("cmdline", "environ", "comm", "status"))
        seen += "".join(os.readlink(file) for file in (process / "fd").iterdir()).encode()
        self.sim.release()
        running.communicate()
        self.holds_none(seen, "in /proc")

    def killed_at(self, nth, number, **more):
        """The wait status of a run that a signal ended before its nth answer; None when it was over before."""
        self.sim.fault("delay_after", path="*", nth=nth)
        running = self.host.start("run", "--verbose", **more)
        until(lambda: self.fault_was_hit() or is_over(running), "the request, or the end")
        if not self.fault_was_hit():
            running.communicate()
            return None
        running.send_signal(number)
        status = os.waitpid(running.pid, 0)[1]
        running.returncode = 0  # it is waited for
        self.nothing_leaks(*running.communicate())
        return status

    def test_a_run_that_is_killed_anywhere_leaves_none_on_the_disk(self):
        held = 0
        for nth in range(1, MOST_REQUESTS):
            with self.subTest(request=nth):
                self.again()
                if self.killed_at(nth, signal.SIGKILL) is None:
                    break
                held += "rotation.held" in self.host.events()
        self.assertIn(nth, range(10, MOST_REQUESTS - 1))
        self.assertGreater(held, 2)

    def test_a_crash_leaves_no_core(self):
        dumps = {"preexec_fn": may_dump,  # the sanitizer must neither forbid it nor catch the signal
                 "env": {**os.environ, "ASAN_OPTIONS": "disable_coredump=0:handle_segv=0:handle_abort=0"}}
        for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT):
            with self.subTest(number):
                if not os.WCOREDUMP(self.any_other_program(number, **dumps)):
                    self.skipTest("this host dumps no core at all")
                self.again()
                status = self.killed_at(AFTER_THE_ROTATION, number, **dumps)
                self.assertIn("rotation.held", self.host.events())
                self.assertEqual(os.WTERMSIG(status), number)
                self.assertFalse(os.WCOREDUMP(status))
                self.assertEqual([f.name for f in self.host.path.iterdir() if f.name.startswith("core")], [])

    def any_other_program(self, number, **more):
        other = subprocess.Popen(["sleep", "60"], cwd=self.host.path, **more)
        other.send_signal(number)
        status = os.waitpid(other.pid, 0)[1]
        other.returncode = 0
        for core in self.host.path.glob("core*"):
            core.unlink()
        return status

    def test_a_new_secret_is_beside_its_file_only_while_it_is_put_in_place(self):
        self.host.set_tokens(TOKENS.replace("ci_variable: PUSH", f"file: {self.host.path}/out"))
        self.exits(0, "run")
        self.assertEqual((self.host.path / "out").read_text(), self.living("push")["secret"])
        self.nothing_leaks()

    def test_a_closed_row_has_nothing_left_to_unseal(self):
        self.exits(0, "run")
        with sqlite3.connect(f"file:{self.host.state}/journal.db?mode=ro", uri=True) as db:
            rows = db.execute("SELECT sealed FROM rotations").fetchall()
        db.close()
        self.assertEqual(rows, [(None,)])

    def test_a_sealed_secret_is_gone_from_the_disk_after_the_next_run(self):
        """From the database when its row is closed; SQLite's own journal is written over when the next run begins."""
        self.sim.fault("delay", method="PUT", path="*/variables/*", nth=2)
        running = self.host.start("run")
        until(self.is_held, "the delivery")
        running.send_signal(signal.SIGKILL)
        running.communicate()
        self.sim.release()
        with sqlite3.connect(self.host.state / "journal.db") as db:
            sealed = db.execute("SELECT sealed FROM rotations").fetchone()[0]
        db.close()
        self.assertGreater(len(sealed), 40)
        self.settles()
        self.assertNotIn(sealed[8:40], (self.host.state / "journal.db").read_bytes())
        self.exits(0, "run")
        for file, content in self.on_disk():
            self.assertNotIn(sealed[8:40], content, f"in {file}")

    def test_the_state_directory_is_for_its_owner_alone(self):
        self.exits(0, "run")
        for file in self.host.state.iterdir():
            self.assertEqual(file.stat().st_mode & 0o077, 0, file)


if __name__ == "__main__":
    main()
