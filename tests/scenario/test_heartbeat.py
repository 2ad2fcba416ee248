"""Runs show from outside that they happen: a URL, a variable with a pipeline that watches it, and a line for a monitor."""
import datetime
import os
import pathlib
import shutil
import subprocess

from harness import BY_TESTS, NOW, Case, main
from receiver import Receiver

WORLD = {"projects": [{"path": "platform/api", "tokens": [
    {"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}]},
    {"path": "platform/ops", "variables": [{"key": "OTHER", "value": "kept"}]}]}
TOKENS = "  - token: project:platform/api:push\n    deliver: [ file: %s/token ]"
PIPELINE = pathlib.Path(__file__).resolve().parents[2] / "policies" / "heartbeat.gitlab-ci.yml"


class Heartbeat(Case):
    world = WORLD
    clock = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")

    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.url = self.host.keep("ping-url", self.receiver.url + "/ping/sEcReT?rid=1\n")

    def set_heartbeat(self, heartbeat):
        self.host.set_tokens(TOKENS % self.host.path)
        file = self.host.path / "glrotate.yaml"
        file.write_text(file.read_text() + f"heartbeat: {heartbeat}\n")

    def pings(self):
        got, self.receiver.got = self.receiver.got, []
        return [(method, path) for method, path, _ in got]

    def value(self):
        found = self.sim.ask("GET", f"/projects/platform%2Fops/variables?{BY_TESTS}").json
        return {v["key"]: v for v in found}.get("GLROTATE_HEARTBEAT")

    def test_a_url_is_asked_for_at_the_end_of_a_good_run_and_told_of_a_bad_one(self):
        self.set_heartbeat(self.url)
        self.exits(0, "run")
        self.assertEqual(self.pings(), [("GET", "/ping/sEcReT?rid=1")])
        self.exits(0, "plan")
        self.assertEqual(self.pings(), [])
        self.sim.act("revoke", token=self.living("push")["id"])
        ended = self.exits(3, "run")
        self.assertEqual(self.pings(), [("GET", "/ping/sEcReT/fail?rid=1")])
        self.receiver.status = 500
        again = self.host.run("--verbose", "run")
        self.assertIn("not told: heartbeat url", again.err)
        self.assertNotIn("sEcReT", ended.err + again.err)
        # Not even begun.
        (self.host.path / "credential").unlink()
        self.pings()
        self.exits(2, "run")
        self.assertEqual(self.pings(), [("GET", "/ping/sEcReT/fail?rid=1")])

    def test_what_is_out_of_reach_says_nothing(self):
        self.set_heartbeat(self.url)
        self.host.url = "http://127.0.0.1:1"
        self.set_heartbeat(self.url)
        self.exits(5, "run")
        self.assertEqual(self.pings(), [])

    def test_a_variable_says_when_the_last_good_run_was(self):
        self.set_heartbeat("{ ci_variable: { project: platform/ops, key: GLROTATE_HEARTBEAT } }")
        self.exits(0, "run")
        made = self.value()
        self.assertEqual((made["masked"], made["protected"], made["raw"]), (False, False, True))
        self.assertRegex(made["value"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.advance("1h")
        self.exits(0, "run")
        self.assertGreater(self.value()["value"], made["value"])
        good = self.value()["value"]
        self.advance("1h")
        self.sim.act("revoke", token=self.living("push")["id"])
        self.exits(3, "run")
        self.assertEqual(self.value()["value"], good)

    def test_our_credential_is_not_shown_after_it_was_rotated(self):
        self.set_heartbeat("{ ci_variable: { project: platform/ops, key: GLROTATE_HEARTBEAT } }")
        file = self.host.path / "glrotate.yaml"
        file.write_text(file.read_text().replace("lifetimes:", "  rotate: yes\nlifetimes:", 1)
                        .replace('max_lifetime: 90d', 'max_lifetime: 3d'))
        self.host.run("run")
        self.advance("3d")
        self.forget_requests()
        self.host.run("run")
        if not self.asked("POST", "/personal_access_tokens/.*/rotate$"):
            self.fail("it was not rotated")
        self.assertEqual([r for r in self.asked() if r["credential"] not in ("active", "none")], [])

    # --- the pipeline ---

    def watch(self, shell, value):
        lines = PIPELINE.read_text(encoding="utf-8").split("    - |\n")[1].splitlines()
        script = "set -eu\n" + "\n".join(line[6:] for line in lines)
        return subprocess.run([*shell, "-c", script], capture_output=True, text=True, check=False, env={
            "PATH": os.environ["PATH"], "GLROTATE_MAX_AGE_HOURS": "26", "TZ": "Asia/Tokyo",
            **({"GLROTATE_HEARTBEAT": value} if value is not None else {})})

    def test_the_pipeline_fails_when_it_is_too_old(self):
        shells = [["sh"]] + ([["busybox", "sh"]] if shutil.which("busybox") else [])
        for shell in shells:
            for hours, code in ((1, 0), (25, 0), (27, 1), (24 * 40, 1)):
                at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)
                ended = self.watch(shell, at.strftime("%Y-%m-%dT%H:%M:%SZ"))
                self.assertEqual(ended.returncode, code, (shell, hours, ended))
                self.assertIn(f"{hours} hours ago", ended.stdout)
            for wrong in (None, "", "never", "2026-11-21", "$(reboot)"):
                self.assertEqual(self.watch(shell, wrong).returncode, 1, wrong)

    # --- the line ---

    def test_health_is_a_line_and_an_exit_code(self):
        self.set_heartbeat(self.url)
        self.assertIn("no good run yet", self.exits(1, "status", "--health").out)
        self.exits(0, "run")
        ended = self.exits(0, "status", "--health")
        self.assertRegex(ended.out, r"^ok: last good run [^\n]*\n$")
        self.assertEqual(self.exits(2, "status", "--health", "--max-age", "soon").out, "")
        self.sim.act("revoke", token=self.living("push")["id"])
        self.exits(3, "run")
        self.assertRegex(self.exits(3, "status", "--health").out, r"^1 thing needs a person; last good run")
        found = self.exits(3, "status", "--health", "--json").json
        self.assertEqual((found["healthy"], found["exit_code"]), (False, 3))

    def test_health_minds_the_age(self):
        self.set_heartbeat(self.url)
        self.sim.ask("POST", "/sim/clock", {"set": (NOW - datetime.timedelta(hours=30)).strftime("%Y-%m-%dT%H:%M:%SZ")})
        self.exits(0, "run")
        self.assertRegex(self.exits(1, "status", "--health").out, "^too long ago: last good run")
        self.exits(0, "status", "--health", "--max-age", "31d")
        self.assertIs(self.exits(1, "status", "--health", "--json").json["healthy"], False)


if __name__ == "__main__":
    main()
