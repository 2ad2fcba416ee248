"""As systemd starts it: named credentials, a state directory, notifications, signals."""
import os
import signal
import socket
import subprocess

from harness import DEADLINE, ROOT, Case, Ended, main, until

WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""


class Service(Case):
    world = WORLD
    tokens = TOKENS

    def setUp(self):
        super().setUp()
        self.credentials = self.host.path / "credentials"
        self.credentials.mkdir(mode=0o700)
        self.give("gitlab-token", ROOT)
        text = (self.host.path / "glrotate.yaml").read_text()
        self.host.set_policy(text.replace(f"{self.host.path}/credential", "gitlab-token"))
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(str(self.host.path / "notify"))
        self.socket.setblocking(False)
        self.environment = {
            "PATH": os.environ["PATH"], "INVOCATION_ID": "0123456789abcdef0123456789abcdef",
            "CREDENTIALS_DIRECTORY": str(self.credentials), "STATE_DIRECTORY": str(self.host.state),
            "NOTIFY_SOCKET": str(self.host.path / "notify")}

    def give(self, name, content):
        file = self.credentials / name
        file.write_text(content)
        file.chmod(0o600)

    def begin(self, *verb):
        return subprocess.Popen(
            [self.host.command()[0], "--policy", str(self.host.path / "glrotate.yaml"), *verb], env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=self.host.path)

    def serve(self, *verb):
        running = self.begin(*verb)
        out, err = running.communicate(timeout=DEADLINE)
        return Ended(running.returncode, out, err)

    def told(self):
        messages = []
        try:
            while True:
                messages.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return messages

    def holds(self):
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])

    def test_a_named_credential_and_the_state_directory_are_systemds(self):
        ended = self.serve("run")
        self.assertEqual(ended.code, 0, ended)
        self.holds()
        self.assertTrue((self.host.state / "journal.db").exists())

    def test_the_sealing_key_may_be_a_credential(self):
        self.give("glrotate-key", "ab" * 32)
        self.assertEqual(self.serve("run").code, 0)
        self.holds()
        self.assertFalse((self.host.state / "key").exists())
        self.give("glrotate-key", "cd" * 32)
        self.needs_person(self.serve("run"), "GLR-102")
        os.unlink(self.credentials / "glrotate-key")
        self.needs_person(self.serve("run"), "GLR-102")

    def test_a_credential_that_is_not_there_is_named(self):
        os.unlink(self.credentials / "gitlab-token")
        ended = self.serve("run")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("gitlab-token", ended.err)

    def test_the_manager_hears_when_it_is_ready_and_when_it_stops(self):
        self.serve("run")
        told = "\n".join(self.told()).splitlines()
        self.assertEqual((told.count("READY=1"), told.count("STOPPING=1")), (1, 1))
        self.assertLess(told.index("READY=1"), told.index("STOPPING=1"))
        self.assertTrue([line for line in told if line.startswith("STATUS=")])
        self.assertEqual(self.secrets_in("\n".join(told)), [])

    def test_the_manager_hears_what_is_done_of_how_many_and_that_it_gets_on(self):
        self.serve("run")
        told = "\n".join(self.told()).splitlines()
        self.assertIn("STATUS=1 of 1 rotations done", told)
        self.assertIn("WATCHDOG=1", told)

    def test_a_run_that_waits_asks_for_time(self):
        self.sim.fault("drop_before_commit", method="POST", path="*/rotate")
        self.assertEqual(self.serve("run").code, 0)
        told = "\n".join(self.told())
        self.assertRegex(told, r"STATUS=waiting for 1 [^\n]*\nWATCHDOG=1\nEXTEND_TIMEOUT_USEC=[1-9]")
        self.holds()

    def test_the_run_logs_the_head_of_its_events(self):
        ended = self.serve("run")
        head = self.host.run("history", "--verify").out
        logged = [line.split()[-1] for line in ended.err.splitlines() if "events end in" in line]
        self.assertEqual(len(logged), 1)
        self.assertIn(logged[0], head)

    def test_events_say_who_and_why(self):
        self.environment.update({"SUDO_USER": "alice", "SUDO_UID": "1000"})
        self.assertEqual(self.serve("rotate", "push", "--reason", "laptop lost").code, 0)
        events = [e for e in self.host.run("history", "--json").json["events"] if e["event"] == "rotation.intended"]
        self.assertEqual([e["reason"] for e in events], ["laptop lost"])
        self.assertIn("alice", events[0]["actor"])

    def test_who_calls_from_a_script_is_no_timer(self):
        self.environment.update({"GLROTATE_BY_HAND": "root"})
        self.assertEqual(self.serve("rotate", "push", "--reason", "by ssh").code, 0)
        self.assertEqual({e["actor"] for e in self.host.run("history", "--json").json["events"] if e["event"] == "rotation.intended"}, {"root"})

    def test_a_stop_while_it_waits_for_certainty_ends_it_and_the_next_run_goes_on(self):
        self.host.set_policy((self.host.path / "glrotate.yaml").read_text().replace("settle: 1s", "settle: 1h"))
        self.sim.fault("drop_before_commit", method="POST", path="*/rotate")
        running = self.begin("run")
        self.addCleanup(running.kill)
        until(lambda: "STATUS=waiting for 1 " in "\n".join(self.told()), "the wait")
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=DEADLINE)
        self.assertEqual(running.returncode, 1)
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)
        self.advance("2h")
        self.assertEqual(self.serve("run").code, 0)
        self.holds()

    def test_a_second_signal_ends_it_at_once_and_loses_nothing(self):
        self.sim.fault("delay_after", method="POST", path="*/rotate")
        running = self.begin("run")
        self.addCleanup(running.kill)
        until(self.is_held, "the request")
        running.send_signal(signal.SIGTERM)
        running.send_signal(signal.SIGTERM)
        # The second one may come before the first was seen.
        until(lambda: running.poll() is not None or running.send_signal(signal.SIGTERM), "the end")
        running.communicate()
        self.assertEqual(running.returncode, -signal.SIGTERM)
        self.clear_faults()
        self.assertEqual(self.serve("run").code, 0)
        self.holds()

    def test_a_closed_stdout_and_stderr_lose_nothing(self):
        running = subprocess.Popen(["/bin/sh", "-c", 'exec "$@" >&- 2>&- <&-', "sh", self.host.command()[0], "--policy",
                                    str(self.host.path / "glrotate.yaml"), "run"], env=self.environment)
        self.assertIn(running.wait(DEADLINE), (0, 1))
        self.holds()
        self.assertIn("whole", self.host.run("history", "--verify").out)


if __name__ == "__main__":
    main()
