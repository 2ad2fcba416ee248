"""What a verb said is kept, and what it was at when the power went is there or not there, and never half: pauses, alerts, and
what `glrotate setup` writes."""
import os
import pathlib
import re
import shlex
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scenario"))
from cuts import Cut, Play  # noqa: E402
from harness import ROOT, day  # noqa: E402
from receiver import Receiver  # noqa: E402
from roads import FAR, Managed, Road, entry, world  # noqa: E402
from stage import SHIM  # noqa: E402

PUSH = entry("project:shop/api:push", "ci_variable: PUSH")
MANAGED = (Managed("shop/api", "push", (("shop/api", "PUSH", "*"),)),)
PAUSE = ("pause", "--all", "--until", day(20), "--reason", "freeze")
KEPT = "what_was_said_is_kept"


class Promise(Play):
    def is_there(self):
        raise NotImplementedError

    def play(self):
        """Cut off each time, it is done again until it says that it is done."""
        verb = self.stage.road.verb
        for cut in self.case.cuts:
            self.go_on(cut, verb)
            self.must(self.stage.runs[-1].code or self.is_there(), KEPT, f"{self.stage.runs[-1]}")
            self.opens()
        self.must(self.stage.run(*verb).code == 0, "it_can_be_done_again", f"{self.stage.runs[-1]}")
        self.go_on(Cut("end", "calm"), ("history",))
        self.must(self.is_there(), KEPT, f"{self.stage.runs}")
        self.opens()

    def opens(self):
        for verb in (("run",), ("history", "--verify")):
            ran = self.stage.run(*verb)
            self.must(ran.code == 0, "nobody_is_needed", f"{ran}")


class Pause(Promise):
    def is_there(self):
        return "freeze" in self.stage.run("pause").out


class Resume(Promise):
    def is_there(self):
        return "nothing is paused" in self.stage.run("pause").out


class Alert(Play):
    """A destination that cannot be written needs a person, who is told: once, but for what a cut takes back."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.receiver = Receiver()
        file = self.stage.host.path / "glrotate.yaml"
        file.write_text(file.read_text() + f"alerts: [ webhook: {self.receiver.url}/hook ]\n")

    def close(self):
        self.receiver.close()
        super().close()

    def play(self):
        for cut in self.case.cuts:
            self.go_on(cut, ("run",))
            self.must(self.stage.runs[-1].code != 3 or self.receiver.got, "a_person_is_told", f"{self.stage.runs[-1]}")
        self.must(self.stage.run("run").code == 3, "it_needs_a_person_still", f"{self.stage.runs[-1]}")
        told = len(self.receiver.got)
        self.must(1 <= told <= 1 + len(self.case.cuts), "a_person_is_told", f"{told} times: {self.receiver.got}")
        self.go_on(Cut("end", "calm"), ("history",))
        self.must(self.stage.run("run").code == 3, "it_needs_a_person_still", f"{self.stage.runs[-1]}")
        self.must(len(self.receiver.got) == told, KEPT, f"told again: {self.receiver.got}")


class SetUp(Play):
    """tests/scenario/setup_probe.c: all places of `glrotate setup` in one folder; systemd's programs are stubs,
    which encrypt nothing."""
    spoils = True

    def __init__(self, *arguments):
        super().__init__(*arguments)
        import test_setup  # pylint: disable=import-outside-toplevel
        self.home, self.place = self.stage.host.path, self.stage.disks.all[0].at / "root"
        (self.home / "bin").mkdir()
        for name, text in (("systemd-creds", test_setup.CREDS), ("systemctl", test_setup.SYSTEMCTL), ("check", test_setup.CHECK)):
            (self.home / "bin" / name).write_text(text)
            (self.home / "bin" / name).chmod(0o755)
        for folder in ("units", "state"):
            (self.place / folder).mkdir(parents=True)
        self.stage.disks.keep()
        (self.home / "given").write_text(ROOT + "\n")
        self.stage.host.state = self.place  # what the shim watches
        program = [test_setup.PROBE, self.place, self.home / "bin/check", "glrotate.service", "--url", "http://" + self.stage.sim.address]
        line = " ".join(shlex.quote(str(word)) for word in program)
        self.command = ["sh", "-c", f"export HOME={self.home} PATH={self.home}/bin:$PATH; LD_PRELOAD={SHIM} exec {line} <{self.home}/given"]
        self.stage.host.command = lambda *_, **__: self.command

    @staticmethod
    def halt_after(process, seconds):
        """What it started would not stand still with it."""
        process.wait()

    def written(self):
        """Each file that there is, as it is to be read."""
        found = {}
        if (self.place / "etc/glrotate.yaml").exists():
            found["policy"] = (self.place / "etc/glrotate.yaml").read_text()
        for name in ("gitlab-token", "glrotate-key"):
            file = self.place / "credstore" / f"glrotate.{name}"
            if file.exists():
                found[name] = subprocess.run([self.home / "bin/systemd-creds", "decrypt", f"--name={name}", file],
                                             env={**os.environ, "HOME": "/dev/null"}, capture_output=True, text=True, check=False).stdout
        return found

    def look_at_disks(self, before):
        now = self.written()
        for name, wanted in (("policy", r"(?s)# Which tokens .*# of the same project\n"), ("gitlab-token", re.escape(ROOT)), ("glrotate-key", "[0-9a-f]{64}")):
            self.must(name not in now or re.fullmatch(wanted, now[name]), "a_file_is_whole", f"{name} holds {now.get(name)!r}")

    def play(self):
        keys = []
        for cut in (*self.case.cuts, Cut("end", "calm"), Cut("end", "calm")):
            self.go_on(cut, ("run",))
            ran, now = self.stage.runs[-1], self.written()
            self.must(ran.code in (0, -9), "it_can_be_done_again", f"{ran}")
            self.must(ran.code or now.keys() == {"policy", "gitlab-token", "glrotate-key"}, KEPT, f"{now.keys()}: {ran}")
            if not ran.code:
                keys.append(now.get("glrotate-key"))
        self.must(len(set(keys)) == 1, KEPT, "the key that seals is another one")
        for file in self.place.rglob("*"):
            self.must(not re.search(r"\.glrotate-\w{6}$", file.name), "nothing_half_done_is_left", f"{file}")


TO_NOWHERE = entry("project:shop/api:push", "file: OUT/nowhere/push")
ROADS = {
    "pause": (Pause, Road("pause", world(FAR), PUSH, MANAGED, verb=PAUSE, before=(("run",),))),
    "first-pause": (Pause, Road("first-pause", world(FAR), PUSH, MANAGED, verb=PAUSE)),
    "resume": (Resume, Road("resume", world(FAR), PUSH, MANAGED, verb=("resume", "--all"), before=(("run",), PAUSE))),
    "alert": (Alert, Road("alert", world(), TO_NOWHERE, MANAGED)),
    "setup": (SetUp, Road("setup", world(FAR), "  []", ())),
}
if "SETUP_PROBE" not in os.environ:
    ROADS.pop("setup")
