"""What can go wrong, and where: from what a clean run asked and wrote to the cases of the matrix."""
import collections
import dataclasses
import re

import walk
from faults import EFFECTS, FAULTS, OUTAGES, simulator_fault
from hands import HANDS
from states import EDITS, FORGOTTEN, killed_twice, rolled_back, second_run, stopped_reader

WHOLE = "project"  # the road that is gone to the end in every suite
@dataclasses.dataclass
class Case:
    name: str
    axis: str
    road: object
    disturb: object  # (stage) → whether it met what it was aimed at
    ends: tuple = (0,)
    waived: tuple = ()


@dataclasses.dataclass
class Course:
    """A road, and what was seen on it when nothing was in the way."""
    road: object
    requests: list
    calls: list
    ran: object

    def __post_init__(self):
        assert self.ran.code == 0 and self.requests, f"{self.road.name}: not even a clean run: {self.ran}"


def request_name(number, request):
    path = re.sub(r"^/api/v4/", "", request["path"]).replace("/", ".")
    return f"{number:02}-{request['method']}-{path}"


def disturbed_by(rule):
    def disturb(stage):
        stage.sim.fault(rule["fault"], **{k: v for k, v in rule.items() if k != "fault"})
        stage.run(*stage.road.verb)
        return stage.faults_hit() > 0
    return disturb


def requests_by_faults(course):
    for number, request in enumerate(course.requests, 1):
        for fault, more in FAULTS.items():
            yield Case(f"{course.road.name}/request/{request_name(number, request)}/{fault}", "request", course.road,
                       disturbed_by(simulator_fault(fault, nth=number, **more)))


def outages(course):
    for number, request in enumerate(course.requests, 1):
        for fault, more in OUTAGES.items():
            yield Case(f"{course.road.name}/outage/{request_name(number, request)}/{fault}", "outage", course.road,
                       disturbed_by(simulator_fault(fault, nth=number, times=0, **more)))


def is_hit_by(fault):
    def disturb(stage):
        stage.run(*stage.road.verb, fault=fault)
        hit = stage.shim_hit()
        stage.disturbed += hit
        return hit
    return disturb


def one_of_each_stretch(calls):
    """The first, the middle and the last of many calls of one kind on one file; every other call."""
    stretch = []
    for call in [*calls, None]:
        if call and stretch and (call.name, call.file) == (stretch[0].name, stretch[0].file):
            stretch.append(call)
            continue
        yield from {c.number: c for c in stretch[:1] + stretch[len(stretch) // 2:][:1] + stretch[-1:]}.values()
        stretch = [call]


def calls_by_effects(course):
    for call in one_of_each_stretch(course.calls):
        for effect in EFFECTS[call.name]:
            name, _, times = effect.partition(":")
            file = re.sub(r"glrotate-\w{6}$", "glrotate-", call.file)
            yield Case(f"{course.road.name}/call/{call.number:03}-{call.name}-{file}/{effect}", "call", course.road,
                       is_hit_by(f"{call.number}:{name}" + (f":{times}" if times else "")))


def sends(course):
    """The call that sends each request."""
    return [call for call in course.calls if call.name == "send"]


def is_change_of_token(request):
    return request["method"] != "GET" and re.search(r"tokens(/(\d+|self)(/rotate)?)?$", request["path"])


def slowly(call, span, change=None, fault=None):
    """So many seconds pass in a call; and perhaps something happens to a change of a token."""
    def disturb(stage):
        if change:
            stage.sim.fault(fault, method=change["method"], path=change["path"])
        stage.run(*stage.road.verb, fault=f"{call.number}:wait:{span}")
        hit = stage.shim_hit() and (not change or stage.faults_hit() > 0)
        stage.disturbed += hit
        return hit
    return disturb


def lost_with_its_run(call, change):
    """The answer is lost, and the run dies before it writes that down; the next one comes when nobody waits any more."""
    def disturb(stage):
        stage.sim.fault("drop_before_commit", method=change["method"], path=change["path"])
        stage.run(*stage.road.verb, fault=f"{call.number + 1}:kill")
        hit = stage.shim_hit() and stage.faults_hit() > 0
        stage.sim.ask("POST", "/sim/clock", {"advance": "1h"})
        return hit
    return disturb


def slow_calls(course):
    """A disk, or an answer, that takes so long that what was proven before it is spent."""
    answers = [call for call in course.calls if call.name == "recv"]
    commits = [call for call in course.calls if (call.name, call.file) == ("fdatasync", "journal.db")]
    for call in answers + commits:
        of = request_name(answers.index(call) + 1, course.requests[answers.index(call)]) if call in answers else "commit"
        for span in (40, 70):
            yield Case(f"{course.road.name}/slow/{call.number:03}-{of}/{span}", "slow", course.road, slowly(call, span))
    for number, (change, call) in enumerate(zip(course.requests, sends(course)), 1):
        if is_change_of_token(change):
            yield Case(f"{course.road.name}/slow/{call.number:03}-killed/{request_name(number, change)}", "slow",
                       course.road, lost_with_its_run(call, change))
    for number, change in enumerate(course.requests, 1):
        for call in commits if is_change_of_token(change) else ():
            for fault in ("drop_before_commit", "drop_after_commit"):
                yield Case(f"{course.road.name}/slow/{call.number:03}-commit/{request_name(number, change)}-{fault}", "slow",
                           course.road, slowly(call, 20, change, fault))


def moved_by(hand, number):
    def disturb(stage):
        for order in hand.before:
            stage.act(**order)
        for order in hand.acts:
            stage.sim.ask("POST", "/sim/act", {**order, "before": {"nth": number, "path": "*"}})
        stage.run(*stage.road.verb)
        hit = stage.acts_hit() > 0
        stage.clear()
        if hand.mend:
            hand.mend(stage)
        return hit
    return disturb


def hands(course):
    if course.road.name == WHOLE:
        for number, request in enumerate(course.requests, 1):
            for hand in HANDS:
                yield Case(f"{course.road.name}/hand/{request_name(number, request)}/{hand.name}", "hand", course.road,
                           moved_by(hand, number), hand.ends, hand.waived)


def starters(course):
    """Runs that leave their rows wherever a row can rest: dead at each answer, and cut off from GitLab at each request."""
    for call in course.calls:
        if call.name == "recv":
            yield f"{call.number:03}-killed", is_hit_by(f"{call.number}:kill")
    for number, request in enumerate(course.requests, 1):
        yield (f"{request_name(number, request)}-cut-off",
               disturbed_by(simulator_fault("drop_before_commit", nth=number, times=0)))


def then(starter, edit):
    def disturb(stage):
        hit = starter(stage)
        stage.clear()
        edit.do(stage)
        return hit
    return disturb


def edits(course):
    if course.road.name == WHOLE:
        for name, starter in starters(course):
            for edit in EDITS:
                yield Case(f"{course.road.name}/edit/{name}/{edit.name}", "edit", course.road, then(starter, edit),
                           edit.ends, edit.waived)


def backups(course):
    if course.road.name != WHOLE:
        return
    for call in course.calls:
        if (call.name, call.file) == ("fdatasync", "journal.db"):
            for orders in (0, 1, 2):
                yield Case(f"{course.road.name}/backup/{call.number:03}/{orders}-later", "backup", course.road,
                           rolled_back(call.number, orders), (0, 3), FORGOTTEN)


def neighbours(course):
    if course.road.name != WHOLE:
        return
    for number, (request, call) in enumerate(zip(course.requests, sends(course)), 1):
        name = f"{course.road.name}/neighbour/{request_name(number, request)}"
        yield Case(f"{name}/second-run", "neighbour", course.road, second_run(call))
        for nth_read in (2, 5, 9):
            yield Case(f"{name}/stopped-reader-{nth_read}", "neighbour", course.road, stopped_reader(number, nth_read))


def kills_twice(course):
    answers = [call.number for call in course.calls if call.name == "recv"]
    commits = [call.number for call in course.calls if (call.name, call.file) == ("fdatasync", "journal.db")]
    if course.road.name == WHOLE:
        for first in answers + commits:
            for second in range(60, 360, 20):
                yield Case(f"{course.road.name}/twice/{first:03}/{second:03}", "twice", course.road,
                           killed_twice(first, second))


def walks(course):
    if course.road.name == "several":
        for seed in range(SEEDS):
            yield walk_case(course.road, seed)


def walk_case(road, seed):
    return Case(f"{road.name}/walk/seed-{seed}", "walk", road, walk.walked(seed), (0,),
                ("no_more_is_rotated_than_was_lost",))  # tokens fall due again while the clock jumps


AXES = (requests_by_faults, outages, calls_by_effects, slow_calls, hands, edits, backups, neighbours, kills_twice, walks)


def cases(course):
    for axis in AXES:
        yield from axis(course)


# --- the fixed selection of the short form ---

SEEDS = 400  # walks of the long form
EVERY = {"request": 53, "outage": 31, "call": 97, "slow": 61, "walk": 24}  # of the other roads one case in so many, a prime so that all kinds are met
ALWAYS = ("kill", "cut", "eio", "enospc", "enospc:0")  # done to each call there; of the rest one in twelve

SLOW = r"-commit/[47]0$|-commit/.*drop_before_commit$|-killed/|-PUT-.*/70$"  # there these

SELDOM = {"outage": 3, "hand": 3, "edit": 3, "backup": 2, "neighbour": 3, "twice": 9}  # one in so many of these there


def is_short(case, number):
    if case.road.name != WHOLE:
        return number % EVERY[case.axis] == 0
    if case.axis in SELDOM:
        return number % SELDOM[case.axis] == 0
    if case.axis == "slow":
        return re.search(SLOW, case.name) is not None
    return case.axis != "call" or case.name.rsplit("/", 1)[1] in ALWAYS or number % 12 == 0


def sample(found):
    numbers = collections.Counter()
    for case in found:
        if is_short(case, numbers[case.axis]):
            yield case
        numbers[case.axis] += 1
