"""The matrix: whole rotations × everything that can go wrong, each at every point where it can.

matrix.py [--all] [--jobs N] [--road NAME] [--case NAME] [--list] [--seed FIRST [--walks N]]

A case is a road (roads.py), disturbed once (axes.py), run again until it is settled, and then asked for the truth
(invariants.py). Its name is enough to play it again: --case NAME prints all that was said. What is disturbed comes from
a clean run of each road, so that a request or a write that is new cannot be forgotten."""
import argparse
import collections
import fnmatch
import multiprocessing
import os
import sys
import time
import traceback

import axes
import invariants
from expected import expected
from roads import ROADS
from stage import Stage, told

RUNS_TO_SETTLE = 2  # after the last fault


class Result:
    def __init__(self, case):
        self.name, self.axis = case.name, case.axis
        self.hit, self.breaches, self.transcript, self.seconds = True, [], "", 0.0


def settle(stage, ends):
    yield from settle_now(stage, ends)
    for span in stage.road.afterwards:
        yield from invariants.breaches(stage, ("one_token_of_a_name_lives",))
        stage.sim.ask("POST", "/sim/clock", {"advance": span})
        yield from settle_now(stage, ends)


def settle_now(stage, ends):
    """Runs until all is well, or as well as it can be, and once more."""
    for _ in range(RUNS_TO_SETTLE):
        code = stage.run("run").code
        if code == 0:
            break
    if code not in ends:
        yield "it_settles", f"ends with {code} and not {ends}: {stage.runs[-1]}"
    before = len(stage.look().requests)
    idle = stage.run("run")
    if idle.code != code:
        yield "an_idle_run_is_as_the_last", f"{idle}"
    for request in stage.look().requests[before:]:
        if request["method"] != "GET":
            yield "an_idle_run_changes_nothing", f"{request}"


def play(case):
    began = time.monotonic()
    result = Result(case)
    stage = Stage(case.road)
    try:
        result.hit = case.disturb(stage)
        stage.clear()
        waived = case.waived + expected(case.name)
        result.breaches = [breach for breach in settle(stage, case.ends) if breach[0] not in waived]
        result.breaches += invariants.breaches(stage, waived)
    except Exception:  # a broken case is a breach too, and not the end of all others
        result.breaches.append(("the_case_can_be_played", traceback.format_exc()))
    finally:
        result.transcript = "".join(f"{ran}\n" for ran in stage.runs)
        if result.breaches:
            result.transcript += stage.run("history").out + stage.run("status", "--all").out + "".join(
                f"{told({k: v for k, v in t.items() if k != 'secret'})}\n" for t in stage.look().tokens.values())
        stage.close()
    result.seconds = time.monotonic() - began
    return result


def learn(road):
    """What a clean run of a road asks and writes."""
    stage = Stage(road)
    try:
        ran = stage.run(*road.verb, log=True)
        return axes.Course(road, stage.look().requests, stage.calls(), ran)
    finally:
        stage.close()


def play_numbered(number):
    return play(CASES[number])


CASES = []  # inherited by the workers


def wanted(options, courses):
    if options.seed is not None:
        road = next(road for road in ROADS if road.name == "several")
        return [axes.walk_case(road, options.seed + number) for number in range(options.walks)]
    cases = [case for course in courses for case in axes.cases(course)]
    if options.case:
        return [case for case in cases if fnmatch.fnmatch(case.name, options.case)]
    return cases if options.all else axes.sample(cases)


def report(result, verbose):
    for rule, text in result.breaches:
        print(f"BROKEN {result.name}: {rule}: {text}")
    if verbose:
        print(f"--- {result.name}\n{result.transcript}")
    sys.stdout.flush()


def play_all(options):
    figures = collections.Counter()
    with multiprocessing.Pool(options.jobs) as pool:
        for result in pool.imap_unordered(play_numbered, range(len(CASES))):
            figures[f"{result.axis} cases"] += 1
            figures["cases"] += 1
            figures["missed"] += not result.hit
            figures["broken"] += len(result.breaches)
            figures["failed"] += bool(result.breaches)
            report(result, options.case)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every case, and not the fixed selection")
    parser.add_argument("--short", action="store_true", help="the fixed selection (this is the default)")
    parser.add_argument("--road", default="*")
    parser.add_argument("--case", default="", help="a name or a pattern of names")
    parser.add_argument("--seed", type=int, help="walks alone, from this seed on")
    parser.add_argument("--walks", type=int, default=1, help="how many of them")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    began = time.monotonic()
    roads = [road for road in ROADS if fnmatch.fnmatch(road.name, options.road) and
             (not options.case or options.case.split("/")[0] in (road.name, "*"))]
    with multiprocessing.Pool(options.jobs) as pool:
        CASES.extend(wanted(options, pool.map(learn, roads)))
    if options.list:
        print("\n".join(case.name for case in CASES))
        return 0
    figures = play_all(options)
    axes_told = ", ".join(f"{count} {name[:-6]}" for name, count in sorted(figures.items()) if name.endswith(" cases"))
    print(f"matrix: {figures['cases']} cases ({axes_told}), {figures['cases'] - figures['missed']} faults met, "
          f"{figures['failed']} failed, {figures['broken']} invariants broken, {time.monotonic() - began:.0f} s")
    return 1 if figures["failed"] or not figures["cases"] else 0


if __name__ == "__main__":
    sys.exit(main())
