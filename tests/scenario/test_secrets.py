"""No secret is ever seen where it does not belong: arguments, environment, logs, the disk, a core file."""
import os
import pathlib
import resource
import signal

from harness import Case, main, until

WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""


class Secrets(Case):
    world = WORLD
    tokens = TOKENS

    def on_disk(self):
        """All files of the host but the one that the credential stands in."""
        for file in self.host.path.rglob("*"):
            if file.is_file() and file.name != "credential":
                yield file, file.read_bytes()

    def nothing_leaks(self, *texts):
        for text in texts:
            self.assertEqual(self.secrets_in(text), [])
        for file, content in self.on_disk():
            for secret in self.secrets():
                self.assertNotIn(secret.encode(), content, f"in {file}")
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
        self.sim.fault("delay_after", method="PUT", path="*/variables/*", nth=2, ms=500)
        running = self.host.start("run", env={**os.environ, "HOME": "/root"})
        self.addCleanup(running.kill)
        until(self.fault_was_hit, "the delivery")
        process = pathlib.Path("/proc") / str(running.pid)
        seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        running.communicate()
        for secret in self.secrets():
            self.assertNotIn(secret.encode(), seen)

    def test_a_killed_run_leaves_none_on_the_disk(self):
        self.sim.fault("delay_after", method="PUT", path="*/variables/*", nth=2, ms=300)
        running = self.host.start("run")
        until(self.fault_was_hit, "the delivery")
        running.send_signal(signal.SIGKILL)
        running.communicate()
        self.assertIn("rotation.held", self.host.events())
        self.nothing_leaks()

    def test_a_crash_leaves_no_core(self):
        for number in (signal.SIGABRT, signal.SIGSEGV):
            with self.subTest(number):
                self.doCleanups()
                self.setUp()
                self.sim.fault("delay_after", method="PUT", path="*/variables/*", nth=2, ms=300)
                running = self.host.start("run", preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
                until(self.fault_was_hit, "the delivery")
                running.send_signal(number)
                running.communicate()
                # The kernel says in the wait status whether it dumped: bit 7, which Popen hides; so look for files.
                self.assertEqual([f.name for f in self.host.path.iterdir() if f.name.startswith("core")], [])
                self.nothing_leaks()

    def test_the_state_directory_is_for_its_owner_alone(self):
        self.exits(0, "run")
        for file in self.host.state.iterdir():
            self.assertEqual(file.stat().st_mode & 0o077, 0, file)


if __name__ == "__main__":
    main()
