"""What a container cannot show: the host's clock jumps, memory is short, a TPM keeps the credentials.

test_virtual.py PACKAGE FOLDER [OnVirtual.test_…]: PACKAGE is a .deb, or a folder with one; FOLDER keeps the disk that is booted.
GLROTATE_MACHINE_WHOLE=1 runs all of it, and not only what one boot shows; GLROTATE_MACHINE_REQUIRED=1 makes a failure of what
is else skipped."""
import datetime
import os
import pathlib
import shutil
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "gitlab"))
from on_machine import main, package_in, scratch  # noqa: E402
from sim_client import ROOT, Sim  # noqa: E402
from virtual import Impossible, Tpm, Virtual, make_base  # noqa: E402

PACKAGE, FOLDER = package_in(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
LIMIT_SEC = 3000  # of all of it, whatever hangs, beside the heaviest load
MANY = 1000
WORLD = {"projects": [{"path": "shop/api", "tokens": [{"name": "first", "created": "-85d", "expires": "+5d"}]},
                      {"path": "many/all", "tokens": [{"name": "many", "created": "-1d", "expires": "+80d", "count": MANY}]}]}
POLICY = """
gitlab: { url: "http://127.0.0.1", credential: gitlab-token }
lifetimes: [ { for: "*", max_lifetime: 90d } ]
limits: { settle: 1s }
tokens:
  - token: "project:shop/**:*"
    scopes_at_most: [api]
    level_at_most: maintainer
    deliver: [ ci_variable: "{name:key}" ]
"""
SERVICE, TIMER = "glrotate.service", "glrotate.timer"
BOUND = "k6iUCUh0RJCQyvL8k8q1U"  # how a credential begins that is encrypted by the machine's key and its TPM
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400
MEBI = 1 << 20

whole = unittest.skipUnless(os.environ.get("GLROTATE_MACHINE_WHOLE"), "tests/machine.sh virtual has it")


class OnVirtual(unittest.TestCase):
    """One machine for all, in the order of their names: each goes on where the one before it ended."""

    @classmethod
    def setUpClass(cls):
        if not PACKAGE:
            raise unittest.SkipTest("there is no package: tests/package.sh builds it")
        cls.work = scratch()
        cls.addClassCleanup(shutil.rmtree, cls.work, ignore_errors=True)
        now = datetime.datetime.now(datetime.timezone.utc)
        cls.sim = Sim(WORLD, clock=now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        cls.addClassCleanup(cls.sim.close)
        try:
            cls.machine = Virtual(make_base(FOLDER, PACKAGE), cls.work, int(cls.sim.address.split(":")[1]))
            cls.addClassCleanup(cls.machine.power_cut)
            signal.signal(signal.SIGALRM, cls.out_of_time)
            signal.alarm(LIMIT_SEC)
            cls.chip = Tpm(cls.work / "chip")
            try:
                cls.machine.boot(cls.chip)
            except AssertionError as why:
                raise Impossible(str(why)) from why  # nothing of ours is in it yet
        except Impossible as why:
            if os.environ.get("GLROTATE_MACHINE_REQUIRED"):
                raise
            raise unittest.SkipTest(str(why)) from why

    @classmethod
    def out_of_time(cls, *_):
        """Whatever is asked of the machine fails from now on."""
        print(f"not done within {LIMIT_SEC} s: the power is cut; the console:\n{cls.machine.console()}", file=sys.stderr)
        cls.machine.power_cut()
        raise AssertionError(f"not done within {LIMIT_SEC} s")

    def setUp(self):
        self.begun = time.monotonic(), self.machine.spent()

    def tearDown(self):
        if self.machine.qemu:
            print(f"{self.id().rsplit('.', 1)[1]}: {time.monotonic() - self.begun[0]:.0f} s, of the processor's "
                  f"{self.machine.spent() - self.begun[1]:.0f}", flush=True)

    # --- what the machine and GitLab are asked ---

    def show(self, unit, *names):
        found = self.machine.sh(f"systemctl show -p {','.join(names)} {unit}")
        values = dict(line.split("=", 1) for line in found.splitlines())
        return values[names[0]] if len(names) == 1 else values

    def start(self):
        self.machine.sh(f"systemctl start --no-block {SERVICE}")

    def ends(self):
        def has_ended():
            state = self.show(SERVICE, "ActiveState", "Job", "Result", "ExecMainStatus")
            return state if state["ActiveState"] in ("inactive", "failed") and state.get("Job", "0") in ("", "0") else None
        return self.machine.until(has_ended, "the end of the run")

    def runs(self, result="success", status="0"):
        self.start()
        state = self.ends()
        self.assertEqual((state["Result"], state["ExecMainStatus"]), (result, status), self.told())

    def told(self, lines=30):
        return self.machine.sh(f"journalctl -b -o cat --no-pager -n {lines} -u {SERVICE}")

    def count(self):
        """How many runs have ended on this boot, by a line that a drop-in leaves."""
        return len(self.machine.sh("cat /run/runs 2>/dev/null || :").splitlines())

    def due(self, name):
        self.sim.act("create_token", kind="project", owner="shop/api", name=name, created="-85d", expires="+5d")
        self.sim.ask("DELETE", "/sim/requests")

    def rotations(self):
        return len([r for r in self.sim.ask("GET", "/sim/requests?method=POST").json if r["path"].endswith("/rotate")])

    def is_rotated(self, name, family=2):
        """Exactly one lives, its secret stands where it is used, and there were no more than are told."""
        tokens = self.sim.ask("GET", f"/sim/tokens?owner=shop/api&name={name}").json
        living = [t for t in tokens if t["alive"]]
        self.assertEqual((len(living), len(tokens)), (1, family), tokens)
        variables = self.sim.ask("GET", f"/sim/variables?owner=shop/api&key={name.upper()}").json
        self.assertEqual([v["value"] for v in variables], [living[0]["secret"]])

    def is_untouched(self, name):
        tokens = self.sim.ask("GET", f"/sim/tokens?owner=shop/api&name={name}").json
        self.assertEqual([t["alive"] for t in tokens], [True])

    def held(self, kind, **more):
        """A run whose request to rotate is under way, and what happens then."""
        self.sim.ask("DELETE", "/sim/faults")
        self.sim.fault(kind, method="POST", path="*/rotate", **more)
        self.start()
        self.machine.until(lambda: any(f["hits"] for f in self.sim.ask("GET", "/sim/faults").json), "the request")

    def jump(self, seconds):
        """The host's clock is off by so much from now on."""
        self.machine.sh(f"date -s @{int(self.true_now() + seconds)} >/dev/null")

    def true_now(self):
        found = self.sim.ask("GET", "/sim/clock").json["now"]
        return datetime.datetime.fromisoformat(found.replace("Z", "+00:00")).timestamp()

    # --- the tests ---

    def test_a_setup_binds_the_credentials_to_the_tpm(self):
        self.assertIn("yes", self.machine.sh("systemd-creds has-tpm2").splitlines())
        self.machine.write("/etc/glrotate/glrotate.yaml", POLICY)
        self.machine.write("/run/token", ROOT, "0600")
        self.machine.sh("glrotate setup </run/token; rm /run/token")
        self.assertEqual(self.machine.sh("cd /etc/credstore.encrypted; head -qc 21 * | fold -w 21; echo").split(), [BOUND, BOUND])
        self.assertEqual(self.machine.sh(f"grep -rl {ROOT} /etc /var/lib || :"), "")
        self.machine.sh(f"systemctl stop {TIMER}")
        self.runs()
        self.is_rotated("first")

    def test_b_secrets_are_locked_and_a_death_for_want_of_memory_is_mended(self):
        self.due("short")
        self.held("delay_after")
        status = self.machine.sh(f"cat /proc/$(systemctl show --value -p MainPID {SERVICE})/status")
        locked = int(status.split("VmLck:")[1].split()[0])
        self.assertGreater(locked, 0, status)
        self.machine.sh(f"systemctl set-property --runtime {SERVICE} MemoryMax=1M")
        self.assertEqual(self.ends()["Result"], "oom-kill")
        self.machine.until(lambda: self.machine.sh("journalctl -b -o cat --no-pager -t glrotate-failed"), "the alert")
        self.machine.sh(f"systemctl set-property --runtime {SERVICE} MemoryMax=512M")
        self.sim.ask("DELETE", "/sim/faults")
        self.runs()
        self.is_rotated("short", family=3)  # the lost one, and what came after it

    @whole
    def test_c_fewer_threads_do_the_same_and_what_cannot_be_locked_is_told(self):
        names = ("one", "two", "three")
        for name in names:
            self.due(name)
        self.machine.write(f"/run/systemd/system/{SERVICE}.d/few.conf", "[Service]\nTasksMax=2\nLimitMEMLOCK=8K\n")
        self.machine.sh("systemctl daemon-reload")
        self.runs()
        self.machine.sh(f"rm /run/systemd/system/{SERVICE}.d/few.conf; systemctl daemon-reload")
        self.assertNotEqual(self.machine.sh("cat /run/pids").split(), ["max", "0"])
        self.assertIn("secrets cannot be locked into memory", self.told())
        for name in names:
            self.is_rotated(name)

    @whole
    def test_d_nothing_is_begun_by_a_wrong_clock(self):
        self.due("clock")
        for off, words in ((2 * HOUR, r"(2h|1h 5\d min) ahead of"), (-YEAR, "365d behind")):
            with self.subTest(words):
                self.jump(off)
                self.runs("exit-code", "3")
                self.assertRegex(self.told(), f"this host's clock is {words} GitLab's")
                self.is_untouched("clock")
        self.assertEqual(self.rotations(), 0)
        self.jump(0)
        self.runs()
        self.is_rotated("clock")

    def test_e_the_clock_jumps_between_intent_and_answer(self):
        self.due("between")
        self.held("delay_after")
        for off in (YEAR, -3 * DAY):
            self.jump(off)
        self.sim.ask("DELETE", "/sim/faults")
        self.assertEqual(self.ends()["Result"], "success", self.told())
        self.jump(0)
        self.assertEqual(self.rotations(), 1)
        self.is_rotated("between")

    @whole
    def test_f_time_settles_by_gitlab_alone(self):
        """Whether a lost request can still happen: an hour of GitLab's time says so, and none of the host's."""
        self.machine.sh("sed -i 's/settle: 1s/settle: 1h/' /etc/glrotate/glrotate.yaml")
        self.due("settle")
        self.held("drop_before_commit")
        waits = lambda: "waiting for 1" in self.show(SERVICE, "StatusText")  # noqa: E731
        self.machine.until(waits, "the wait")
        asked = len(self.sim.ask("GET", "/sim/requests").json)
        for off in (2 * HOUR, -YEAR):
            self.jump(off)
            self.machine.sh("sleep 1")  # ten times as long as it takes to notice
            self.assertTrue(waits())
        self.assertEqual(len(self.sim.ask("GET", "/sim/requests").json), asked)
        self.machine.sh(f"systemctl stop {SERVICE}")
        self.sim.ask("POST", "/sim/clock", {"advance": "2h"})
        self.jump(0)
        self.runs()
        self.assertEqual(self.rotations(), 2)
        self.is_rotated("settle")
        self.machine.sh("sed -i 's/settle: 1h/settle: 1s/' /etc/glrotate/glrotate.yaml")

    @whole
    def test_i_many_tokens_take_little_memory(self):
        """The peak that the kernel counted, caches of files included."""
        self.machine.write("/etc/glrotate/glrotate.yaml", POLICY.replace("project:shop/**:*", "project:**:*"))
        self.runs()
        self.machine.write("/etc/glrotate/glrotate.yaml", POLICY)
        peak, most = int(self.machine.sh("cat /run/peak")), int(self.show(SERVICE, "MemoryMax"))
        print(f"peak of a run that adopts {MANY} tokens: {peak / MEBI:.1f} MiB of {most // MEBI}")
        self.assertLess(peak, most / 4)

    @whole
    def test_j_a_disk_beside_another_tpm_says_what_to_do(self):
        self.machine.sh("sync")
        self.machine.power_cut()
        self.machine.boot(Tpm(self.work / "another chip"))
        self.runs("exit-code", "243")
        self.machine.until(lambda: "cannot be decrypted on this machine" in self.machine.sh(
            "journalctl -b -o cat --no-pager -p alert -t glrotate-failed"), "the alert")
        done = self.machine.run("glrotate check")
        self.assertEqual(done.returncode, 3, done)
        for words in ("systemd cannot give glrotate.service its credentials", "What to do:", "GLR-131"):
            self.assertIn(words, done.stderr)
        self.machine.write("/run/token", ROOT, "0600")
        done = self.machine.run("glrotate setup </run/token")
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("gitlab-token cannot be decrypted on this machine: it is kept anew", done.stdout)
        self.assertIn("glrotate-key' cannot be decrypted on this machine, and the journal in", done.stderr)


if __name__ == "__main__":
    main(sys.argv[3:])
