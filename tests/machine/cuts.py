"""A case of power.py: a run that is cut off, and what must hold when the power is back."""
import dataclasses
import os
import random
import signal
import subprocess

import axes
import invariants
import matrix
from roads import FAR, OLD, ROADS, Managed, Road, entry, world
from stage import Stage, told

ENTRY = "FIRST=1\nTOKEN={}\nLAST=2\n"
TO_ENTRY = entry("project:shop/api:push", "file: { path: OUT/env, format: env, key: TOKEN }")
PUSH = (Managed("shop/api", "push"),)
EXTRA = [  # whose file is read, changed and exchanged
    Road("entry", world(), TO_ENTRY, PUSH, files={"env": ENTRY.format(OLD)}),
    Road("entry-order", world(FAR), TO_ENTRY, PUSH, before=(("run",),), verb=("rotate", "push", "--reason", "test"),
         files={"env": ENTRY.format(OLD)}),
]


@dataclasses.dataclass
class Cut:
    moment: str
    weather: str


@dataclasses.dataclass
class Case:
    road: str
    layout: str
    cuts: list
    is_late: bool = False

    @property
    def name(self):
        words = [f"{cut.moment}+{cut.weather}" for cut in self.cuts]
        words[0] = words[0].replace("+", "~+" if self.is_late else "+")
        return ":".join([self.road, self.layout, *words])


def named(name):
    road, layout, *cuts = name.replace("~", "").split(":")
    return Case(road, layout, [Cut(*cut.split("+")) for cut in cuts], "~" in name)


def stands_still(process):
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)


class Play:
    """A road of the matrix, cut off as its case says; then run until it is settled, cut off once more, and asked for the truth."""
    spoils = False  # its disks, for the next case

    def __init__(self, case, road, course, disks):
        self.case, self.course = case, course
        self.stage = Stage(road, disks)
        self.dice = random.Random(case.name)
        self.breaches, self.cuts, self.told = [], 0, []

    def close(self):
        self.stage.close()

    def say(self, rule, text):
        self.breaches.append((rule, text))

    def must(self, condition, rule, text):
        if not condition:
            self.say(rule, text)

    # --- one run, and the cut in it ---

    def go_on(self, cut, verb):
        stage, at = self.stage, cut.moment
        stage.log.unlink(missing_ok=True)
        process = stage.start(*verb, fault=f"{at}:halt" if at.isdigit() else None, log=True)
        if at.endswith("ms"):
            self.halt_after(process, int(at[:-2]) / 1000)
        elif at.isdigit():
            stands_still(process)
        if at == "end":
            stage.finish(verb, process)
        before = self.files()
        stage.disks.cut(process, cut.weather, self.dice)
        if at != "end":
            stage.finish(verb, process)
        self.cuts += 1
        stage.disturbed += 1
        last = stage.log.read_text().splitlines()[-1:] if stage.log.exists() else []
        self.told.append(f"cut at {at}, {cut.weather}: it ended with {stage.runs[-1].code}; its last call {last}")
        self.look_at_disks(before)

    @staticmethod
    def halt_after(process, seconds):
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGSTOP)
            stands_still(process)

    # --- what is on the disks then ---

    def files(self):
        """What is read where the files stand; drafts are nobody's."""
        return {file.name: file.read_text() for file in self.stage.out.iterdir() if not file.name.startswith(".")}

    def good_contents(self, name):
        road, secrets = self.stage.road, [t["secret"] for t in self.stage.look().tokens.values()]
        shape = ENTRY if road.policy == TO_ENTRY else "{}"
        return {road.files.get(name), *(shape.format(secret) for secret in secrets)}

    def look_at_disks(self, before):
        now = self.files()
        for name in before.keys() | now.keys():
            self.must(now.get(name) in self.good_contents(name), "a_file_is_whole",
                      f"{name} holds {now.get(name)!r}, and held {before.get(name)!r}")
        self.look_at_image()

    def look_at_image(self):
        raw = self.stage.disks.all[0].raw()
        for secret in self.stage.look().secrets(self.stage.road):
            for disguise in invariants.disguises(secret):
                self.must(disguise not in raw, "no_secret_is_on_the_disk_of_the_state", f"in clear: {disguise}")

    # --- the whole ---

    def play(self):
        stage = self.stage
        if self.case.is_late:
            change = next(r for r in self.course.requests if axes.is_change_of_token(r))
            stage.sim.fault("commit_later", method=change["method"], path=change["path"], lag="2s")
        verb = stage.road.verb
        for cut in self.case.cuts:
            self.go_on(cut, verb)
            verb = ("run",)
        stage.clear()
        self.breaches += matrix.settle(stage, (0,))
        self.what_was_said_is_kept()
        self.breaches += invariants.breaches(stage)

    def what_was_said_is_kept(self):
        """After a cut there is nothing to do."""
        stage, rule = self.stage, "what_was_said_is_kept"
        before = len(stage.look().requests)
        self.go_on(Cut("end", "calm"), ("history",))
        ran = stage.run("run")
        self.must(ran.code == 0, rule, f"after a cut: {ran}")
        for request in stage.look().requests[before:]:
            self.must(request["method"] == "GET", rule, f"after a cut it asks for {told(request)}")
        for ran in stage.runs[stage.first_run:]:
            self.must(ran.code not in (2, 3, 4), "nobody_is_needed", f"{ran}")
        if stage.road.policy == TO_ENTRY:
            living = [ENTRY.format(t["secret"]) for t in stage.look().tokens.values()
                      if t["alive"] and (t["name"], t["owner"]) == ("push", "shop/api")]
            self.must(self.files().get("env") in living, "each_destination_holds_a_living_secret", f"{self.files()}")

    def waived(self):
        """An order that dies in its preflight left no row: the next writing to that place sweeps what the probe left."""
        return ("nothing_half_done_is_left", "nothing_else_was_touched") if self.stage.road.verb[0] == "rotate" else ()

    def broken(self):
        return [breach for breach in self.breaches if breach[0] not in self.waived()]


PLAYS = {road.name: (Play, road) for road in ROADS + EXTRA}
