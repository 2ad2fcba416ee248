"""A walk: faults, kills, other hands, clock jumps and runs side by side, as a seed throws the dice; at its end all is well."""
import datetime
import random

from faults import EFFECTS, FAULTS, simulator_fault
from states import must

STEPS = 8
CALLS = 900  # about as many as a run of that road makes
NAMES = {"push": "shop/api", "ci": "shop", "laptop": "alice"}


def today(stage):
    return datetime.date.fromisoformat(stage.sim.ask("GET", "/sim/clock").json["now"][:10])


def under_faults(stage, dice):
    for fault in dice.sample(sorted(FAULTS), dice.randint(1, 3)):
        stage.sim.ask("POST", "/sim/faults", {**simulator_fault(fault, **FAULTS[fault]), "seed": dice.randint(1, 10**6),
                                              "probability": dice.choice((0.03, 0.1, 0.3))})
    stage.run("run")
    stage.clear()


def under_the_shim(stage, dice):
    effect = dice.choice(sorted({effect for effects in EFFECTS.values() for effect in effects}))
    name, _, times = effect.partition(":")
    stage.run("run", fault=f"{dice.randint(1, CALLS)}:{name}:{times or 1}")


def after_a_while(stage, dice):
    stage.sim.ask("POST", "/sim/clock", {"advance": dice.choice(("1h", "1d", "5d", "40d"))})
    stage.run("run")


def after_somebody_rotated(stage, dice):
    name = dice.choice(sorted(NAMES))
    living = [t for t in stage.look().tokens.values() if t["alive"] and (t["name"], t["owner"]) == (name, NAMES[name])]
    if living:
        stage.act("rotate", token=living[-1]["id"], expires_at=str(today(stage) + datetime.timedelta(days=300)))
    stage.run("run")


def beside_another(stage, dice):
    runs = [stage.start("run") for _ in range(2)]
    for ran in [stage.finish(("run",), run) for run in runs]:
        if ran.code == 4:
            stage.runs.remove(ran)


def by_order(stage, dice):
    stage.run("rotate", dice.choice(sorted(NAMES)), "--reason", "walk")


MOVES = (under_faults, under_faults, under_the_shim, under_the_shim, under_the_shim, after_a_while,
         after_somebody_rotated, beside_another, by_order)


def walked(seed):
    def disturb(stage):
        dice = random.Random(seed)
        must(stage.run("run").code == 0, "not even a clean run")
        for _ in range(STEPS):
            dice.choice(MOVES)(stage, dice)
        # What somebody took is taken back by order, as the message says.
        if stage.run("run").code == 3:
            for name in NAMES:
                stage.run("rotate", name, "--reason", "taken back")
        must(stage.runs, "no run at all")
        return True
    return disturb
