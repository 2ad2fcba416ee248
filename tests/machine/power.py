"""Power cuts: the shipped program on disks that lose what was not flushed, hundreds of times.

power.py [--short | --cycles N] [--seed S] [--jobs N] [--road NAME] [--case NAME] [--list]

A case is a road of the matrix (tests/faults), whose run is cut off at one of its calls, at any moment or at its end, and whose
repair is perhaps cut off as well; then it is run until it is settled, cut off once more, and asked for the truth. Its name is
enough to play it again: ROAD:LAYOUT:MOMENT+WEATHER:…, where a moment is the number of a call, a span as in 80ms, or `end`, and
a layout or a weather is one of disk.py. With `~` behind the first moment GitLab does what it was asked to later than its answer
is lost. All that can be cut off comes from a clean run of each road. Afterwards a disk lies about each kind of flush in turn,
which must be seen.

Wants root, loop devices and the right to mount; without them it says SKIPPED, why, and ends with 77."""
import argparse
import collections
import dataclasses
import fnmatch
import multiprocessing
import os
import pathlib
import random
import shutil
import signal
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "faults"))
import axes  # noqa: E402
import disk  # noqa: E402
import promises  # noqa: E402
from cuts import PLAYS, Case, Cut, named  # noqa: E402

SKIPPED = 77
LONGEST_MSEC = 150  # about as long as a run takes
PLAYS.update(promises.ROADS)
SHORT = ("project", "several", "create", "entry", "replace", "retire", "deploy", "slot", "self", "own", "takeover", "alert",
         "first-pause", "resume", "setup")
SHORT_CYCLES = 45
ALWAYS = ("entry:4k-ordered:end+calm",)  # what was broken once

COURSES, DISKS, FOLDER = {}, {}, []  # inherited by the workers; of one of them: its disks, by their layouts


# --- which ---

def moment(dice, calls):
    """Of a run about which nothing more is known than how many calls a clean one makes."""
    return dice.choice((str(dice.randint(1, calls)), str(dice.randint(1, calls)), f"{dice.randrange(LONGEST_MSEC)}ms", "end"))


def case_at(dice, road, call):
    course = COURSES[road]
    cuts = [str(call.number)] + [moment(dice, len(course.calls)) for _ in range(dice.choice((0, 0, 1, 2)))]
    if dice.random() < 0.1:
        cuts[0] = moment(dice, len(course.calls))
    late = dice.random() < 0.1 and any(axes.is_change_of_token(request) for request in course.requests)
    return Case(road, dice.choice(sorted(disk.LAYOUTS)), [Cut(cut, dice.choice(disk.WEATHERS)) for cut in cuts], late)


def cases(seed):
    """Without end, in turns of all roads: each call comes once before any of its road comes again."""
    dice, piles = random.Random(seed), {road: [] for road in sorted(COURSES)}
    while True:
        for road in dice.sample(sorted(piles), len(piles)):
            if not piles[road]:
                piles[road] = list(axes.one_of_each_stretch(COURSES[road].calls))
                dice.shuffle(piles[road])
            yield case_at(dice, road, piles[road].pop())


def chosen(options):
    if options.case:
        return [named(options.case)]
    found, cuts = [case for case in map(named, ALWAYS) if case.road in COURSES], 0
    for case in cases(options.seed):
        if cuts >= options.cycles:
            return found
        found.append(case)
        cuts += len(case.cuts) + 1


# --- playing ---

def disks_of(layout):
    if layout not in DISKS:
        DISKS[layout] = disk.Disks(FOLDER[0], layout)
    DISKS[layout].empty()
    return DISKS[layout]


def forget(layout):
    DISKS.pop(layout).close()


def start(case):
    kind, road = PLAYS[case.road]
    return kind(case, road, COURSES.get(case.road), disks_of(case.layout))


@dataclasses.dataclass
class Result:
    name: str
    breaches: list
    cuts: int
    transcript: str


def play(case, lying="-"):
    playing = start(case)
    DISKS[case.layout].lying = lying
    try:
        playing.play()
    except Exception:  # a broken case is a breach too, and not the end of all others
        playing.say("the_case_can_be_played", traceback.format_exc())
        playing.spoils = True
    finally:
        transcript = "".join(f"{line}\n" for line in [*playing.told, *playing.stage.runs])
        playing.close()
        if playing.spoils:
            forget(case.layout)
    return Result(case.name, playing.broken(), playing.cuts, transcript)


Course = collections.namedtuple("Course", "requests calls")


def learn(name):
    """What a clean run asks and writes."""
    playing = start(Case(name, "4k-ordered", [Cut("end", "calm")]))
    try:
        stage = playing.stage
        ran = stage.run(*stage.road.verb, log=True)
        assert ran.code == (3 if name == "alert" else 0), ran
        return name, Course(stage.look().requests, stage.calls())
    finally:
        playing.close()
        if playing.spoils:
            forget("4k-ordered")


# --- a disk that lies ---

@dataclasses.dataclass
class Lie:
    """`paths` are not flushed though that is said; seen when a run of `road` is cut off before one of the calls `before`."""
    what: str
    paths: str
    road: str
    before: tuple  # (name of the call, file), or None: at the end
    weather: str


TRIES = 3  # somebody else's sync may come between
LIES = [
    Lie("the sealing key before it has its name", "*/key.new", "project", ("fsync", "glrotate"), "commit"),
    Lie("the journal before it has its name", "*/journal.new*", "project", ("fsync", "glrotate"), "commit"),
    Lie("the journal (as with synchronous = OFF)", "*/journal.db*", "project", None, "calm"),
    Lie("the journal's own file alone", "*/journal.db", "project", ("send", "-"), "calm"),
    Lie("the rollback journal alone", "*/journal.db-journal", "project", ("fdatasync", "journal.db"), "spill"),
    Lie("a file before it is delivered", "*/.push.glrotate-*", "project", ("fsync", "out"), "commit"),
    Lie("the folder of a file that is replaced", "*/out", "project", None, "calm"),
    Lie("a file before it is exchanged", "*/.env.glrotate-*", "entry", ("fsync", "out"), "commit"),
    Lie("the folder of a file that is exchanged", "*/out", "entry", None, "calm"),
]


def expose(number):
    """Tries one place after the other until it is seen: (number, by which case, the breaches)."""
    lie = LIES[number]
    calls = [str(c.number) for c in COURSES[lie.road].calls if (c.name, c.file) == lie.before] if lie.before else ["end"]
    for layout in ("4k-ordered", "1k-writeback") * TRIES:
        for at in calls:
            result = play(Case(lie.road, layout, [Cut(at, lie.weather)]), lie.paths)
            if result.breaches:
                return number, result
    return number, None


def expose_all(pool):
    unseen = 0
    for number, result in pool.imap_unordered(expose, range(len(LIES))):
        if not result:
            unseen += 1
            print(f"BROKEN not seen: that a disk does not flush {LIES[number].what}")
        else:
            print(f"seen: {LIES[number].what} is not flushed: {result.name}: {', '.join(sorted({b[0] for b in result.breaches}))}")
        sys.stdout.flush()
    return unseen


# --- all of them ---

def play_all(options, pool):
    figures = collections.Counter()
    for result in pool.imap_unordered(play, chosen(options)):
        figures.update(cases=1, cuts=result.cuts, failed=int(bool(result.breaches)), broken=len(result.breaches))
        for rule, text in result.breaches:
            print(f"BROKEN {result.name}: {rule}: {text}")
        if options.case:
            print(f"--- {result.name}\n{result.transcript}")
        sys.stdout.flush()
    return figures


def run(options):
    began = time.monotonic()
    wanted = [named(options.case).road] if options.case else fnmatch.filter(
        [road for road in sorted(PLAYS) if road in SHORT or not options.short], options.road)
    with multiprocessing.Pool(options.jobs) as pool:
        COURSES.update(pool.map(learn, wanted, 1))
        pool.close()
        pool.join()
    if options.list:
        print("\n".join(case.name for case in chosen(options)))
        return 0
    with multiprocessing.Pool(options.jobs) as pool:
        figures = play_all(options, pool)
        seconds = time.monotonic() - began
        if not options.case and options.road == "*":
            figures.update(lies=len(LIES), failed=expose_all(pool))
        pool.close()
        pool.join()
    print(f"power: {figures['cases']} cases of {len(COURSES)} roads, {figures['cuts']} cuts, {figures['lies']} lies, "
          f"{figures['failed']} failed, {figures['broken']} invariants broken, "
          f"{1000 * seconds / max(figures['cuts'], 1):.0f} ms a cut, {time.monotonic() - began:.0f} s")
    return 1 if figures["failed"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="few cuts, on roads that have little in common")
    parser.add_argument("--cycles", type=int, default=500, help="so many cuts, or a few more")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--road", default="*", help="a name or a pattern of names; with one, the disks do not lie")
    parser.add_argument("--case", default="", help="a name")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=int, default=min(8, len(os.sched_getaffinity(0))))
    options = parser.parse_args()
    if options.short:
        options.cycles = SHORT_CYCLES
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and the workers with it, and what they started
    FOLDER.append(disk.folder_for_images())
    try:
        disk.enter_own_namespace()
        disk.must_lose(FOLDER[0])
        return run(options)
    except disk.Impossible as why:
        print(f"power: SKIPPED: {why}")
        return SKIPPED
    finally:
        disk.leave(FOLDER[0])
        shutil.rmtree(FOLDER[0])


if __name__ == "__main__":
    sys.exit(main())
