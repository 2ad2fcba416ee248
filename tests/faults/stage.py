"""One case on the stage: a simulator, a host, and runs of the program under the shim; what was there before and after."""
import bisect
import datetime
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scenario"))
os.environ.setdefault("GLROTATE", "glrotate")
from harness import BY_TESTS, ROOT, Host, Sim  # noqa: E402

SHIM = os.environ.get("GLROTATE_SHIM", "")
DEADLINE = 600  # seconds: for what hangs, however slow the machine is
SETTLE = 8  # seconds; naps take no time


class Ran:
    """One run of the program: how it was called, how it ended, what it said."""

    def __init__(self, verb, code, out, err):
        self.verb, self.code, self.out, self.err = verb, code, out, err

    def __repr__(self):
        return f"$ glrotate {' '.join(self.verb)}  → {self.code}\n{self.out}{self.err}"


class Call:
    """A line of the shim's log."""

    def __init__(self, line):
        number, self.name, self.file, size = line.split()
        self.number, self.size = int(number), int(size)


class Stage:
    def __init__(self, road, disks=None):
        """`disks`: where its state and its files stand, when the power is to be cut (tests/machine/power.py)."""
        self.road, self.disks = road, disks
        self.sim = Sim(road.world, road.version)
        self.host = Host(self.sim, "  []", lifetimes=road.lifetimes, limits=f"{{ settle: {SETTLE}s }}",
                         credential=road.credential)
        self.out = self.host.path / "out"
        if disks:
            self.host.state, self.out = disks.state, disks.out
        self.out.mkdir()
        for name, content in road.files.items():
            (self.out / name).write_text(content)
            (self.out / name).chmod(0o600)
        if disks:
            disks.keep()
        self.log, self.hit = self.host.path / "calls", self.host.path / "hit"
        self.policy, self.renamed = road.policy, {}
        self.edit()
        self.runs = []
        self.under_way, self.begun = 0, []  # runs; when, by the simulator's clock, one begins beside which there is none
        self.also_good = ()  # what may be managed instead, when the policy was edited
        self.acts = []  # (the order, what came of it)
        self.disturbed = 0
        for verb in road.before:
            if isinstance(verb, str):
                self.sim.ask("POST", "/sim/clock", {"advance": verb})
            else:
                self.run(*verb)
        self.first_run = len(self.runs)
        self.sim.ask("DELETE", "/sim/requests")
        self.baseline = self.look()

    def close(self):
        self.sim.close()
        self.host.remove()

    def set_gitlab(self):
        """What the road says of the gitlab section; a credential of its own instead of the host's."""
        text = (self.host.path / "glrotate.yaml").read_text()
        if "credential: OUT/own" in self.road.gitlab:
            text = "".join(line for line in text.splitlines(True) if not line.startswith("  credential:"))
        text = text.replace("lifetimes:", self.road.gitlab + "lifetimes:", 1)
        self.host.set_policy(text.replace("OUT", str(self.out)))

    # --- running ---

    def environment(self, fault=None, log=False):
        env = {**os.environ, "LD_PRELOAD": SHIM, "SHIM_CLOCK": self.sim.address.split(":")[1],
               "SSL_CERT_FILE": "/nowhere",  # reading all roots is most of what a short run does
               "SHIM_WATCH": f"{self.host.state}:{self.out}", "SHIM_HIT": str(self.hit)}
        if fault:
            env["SHIM_FAULT"] = fault
        if log:
            env["SHIM_LOG"] = str(self.log)
        if self.disks:
            env["SHIM_FLUSH"] = self.disks.lying
        return env

    def start(self, *verb, fault=None, log=False, state=None, naps=False):
        self.hit.unlink(missing_ok=True)
        if not self.under_way:
            self.begun.append(seconds(self.sim.ask("GET", "/sim/clock").json["now"]))
        self.under_way += 1
        env = self.environment(fault, log)
        if naps:
            del env["SHIM_CLOCK"]
        return subprocess.Popen(self.host.command(*verb, state=state), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, text=True, cwd=self.host.path,
                                env=env)

    def finish(self, verb, process):
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += "\nit hung"
        self.under_way -= 1
        self.runs.append(Ran(verb, process.returncode, out, err))
        return self.runs[-1]

    def run(self, *verb, fault=None, log=False, state=None):
        return self.finish(verb, self.start(*verb, fault=fault, log=log, state=state))

    def shim_hit(self):
        return self.hit.exists()

    def calls(self):
        return [Call(line) for line in self.log.read_text().splitlines()]

    # --- the world ---

    def faults_hit(self):
        return sum(f["hits"] for f in self.sim.ask("GET", "/sim/faults").json)

    def clear(self):
        """The end of all disturbance that was ordered; what came of other hands is remembered."""
        self.disturbed += self.faults_hit()
        self.sim.ask("DELETE", "/sim/faults")
        for row in self.sim.ask("GET", "/sim/acts").json:
            if row["hits"]:
                self.remember_act(row["act"], row["last"]["status"], row["last"]["answer"])
        self.sim.ask("DELETE", "/sim/acts")

    def remember_act(self, order, status, answer):
        assert status == 200, f"another hand slipped: {order}: {answer}"
        if order["act"] == "several":
            for one, came in zip(order["acts"], answer):
                self.remember_act(one, status, came)
        else:
            self.acts.append((order, answer))
        if order["act"] == "rename_project":
            self.renamed[order["path"]] = order["to"]

    def act(self, act, **more):
        done = self.sim.ask("POST", "/sim/act", {"act": act, **more})
        self.remember_act({"act": act, **more}, done.status, done.json)
        return done.json

    def acts_hit(self):
        return sum(row["hits"] for row in self.sim.ask("GET", "/sim/acts").json)

    def edit(self, **more):
        """A policy that a person changed: `policy` as roads have it, or lines of the host."""
        self.policy = more.pop("policy", self.policy)
        for name, value in more.items():
            setattr(self.host, name, value)
        self.host.set_tokens(self.policy)
        self.set_gitlab()

    def look(self):
        return Look(self)

    def run_at(self, moment):
        """Which run was under way: the first is 1."""
        return bisect.bisect_left(self.begun, moment)

    # --- the journal, read as anybody could read it ---

    def rows(self, query):
        file = self.host.state / "journal.db"
        if not file.exists():
            return []
        with sqlite3.connect(file) as db:
            db.row_factory = sqlite3.Row
            found = [dict(row) for row in db.execute(query)]
        db.close()
        return found


class Look:
    """What is there at one moment."""

    def __init__(self, stage):
        ask = stage.sim.ask
        self.tokens = {t["id"]: t for t in ask("GET", "/sim/tokens").json}
        # They count for themselves, and know no "revoked".
        now = ask("GET", "/sim/clock").json["now"]
        self.tokens |= {f"deploy {t['id']}": {**t, "revoked": not t["alive"] and (t["expires_at"] or "9") > now}
                        for t in ask("GET", "/sim/deploy_tokens").json}
        self.variables = {(v["owner"], v["key"], v.get("environment_scope") or "*"): v
                          for v in ask("GET", "/sim/variables").json}
        self.requests = [r for r in ask("GET", "/sim/requests").json if r["query"] != BY_TESTS]
        self.files = {file.name: file.read_text() for file in stage.out.iterdir() if file.is_file()}

    def secrets(self, road):
        """Those that came into the program's hands."""
        names = {managed.name for managed in road.managed}
        return {t["secret"] for t in self.tokens.values() if t["name"] in names} | {road.credential}


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def killed(ran):
    return ran.code == -signal.SIGKILL


def told(thing):
    return json.dumps(thing, ensure_ascii=False)
