"""What can go wrong, and where: from what a clean run asked and wrote to the cases of the matrix."""
import collections
import dataclasses
import re

JSON = {"content_type": "application/json"}
REVOKED = {"body": '{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from '
                   'the user."}', **JSON}
# Name: what the simulator is told. All that it knows to do to an answer.
FAULTS = {
    "drop_before_commit": {}, "drop_after_commit": {}, "reset_before_commit": {}, "reset_after_commit": {},
    "reset_body": {}, "cut_body": {}, "garbage": {}, "wrong_content_type": {}, "twice": {},
    "commit_later": {"lag": "2s"}, "delay": {"ms": 20}, "delay_after": {"ms": 20},
    "too_many": {}, "too_many+retry": {"retry_after": 1}, "too_many+commit": {"commit": True},
    "redirect": {"location": "https://elsewhere.example.com/"},
    "redirect+commit": {"location": "https://elsewhere.example.com/", "commit": True},
    "html+nginx": {"status": 502, "by": "nginx"}, "html+nginx+commit": {"status": 504, "by": "nginx", "commit": True},
    "html+haproxy": {"status": 503, "by": "haproxy"}, "html+gitlab+commit": {"status": 500, "by": "gitlab", "commit": True},
    "status+500": {"status": 500}, "status+500+commit": {"status": 500, "commit": True},
    "status+503": {"status": 503}, "status+409": {"status": 409, "body": '{"message":"409 Conflict: Resource lock"}', **JSON},
    "status+400": {"status": 400, "body": '{"message":"400 Bad request"}', **JSON},
    "status+403": {"status": 403, "body": '{"message":"403 Forbidden"}', **JSON},
    "status+404": {"status": 404, "body": '{"message":"404 Not Found"}', **JSON},
    "status+401": {"status": 401, "body": '{"message":"401 Unauthorized"}', **JSON},
    "status+401+revoked": {"status": 401, **REVOKED},
    "status+200+empty": {"status": 200, "body": "", **JSON},
    "status+200+list": {"status": 200, "body": "[]", **JSON},
    "status+200+object": {"status": 200, "body": "{}", **JSON},
}
# From a request on, until the run is over.
OUTAGES = {"drop_before_commit": {}, "drop_after_commit": {}, "status+503": {"status": 503},
           "status+401+revoked": {"status": 401, **REVOKED}, "too_many+retry": {"retry_after": 1},
           "status+403": {"status": 403, "body": '{"message":"403 Forbidden"}', **JSON}}
# What may happen to a call. With `:0` it goes on to the end of the run.
EFFECTS = {
    "pwrite": ("kill", "torn", "cut", "eio", "enospc", "enospc:0", "eio:0", "short"),
    "write": ("kill", "torn", "cut", "eio", "enospc", "enospc:0", "short"),
    "fdatasync": ("kill", "after", "cut", "eio", "eio:0"),
    "fsync": ("kill", "after", "cut", "eio", "eio:0"),
    "ftruncate": ("kill", "cut", "eio"),
    "rename": ("kill", "after", "cut", "eio", "enospc"),
    "create": ("kill", "after", "eio", "enospc", "enospc:0"),
    "unlink": ("kill", "after", "eio"),
    "setxattr": ("kill", "after", "eio", "enospc"),
    "send": ("kill", "after", "cut", "eio", "enospc:0", "enospc:40"),
    "recv": ("kill", "cut"),
}


@dataclasses.dataclass
class Case:
    name: str
    axis: str
    road: object
    disturb: object  # (stage) → whether it met what it was aimed at


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


def simulator_fault(name, **more):
    return {"fault": name.split("+")[0], "path": "*", **more}


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


AXES = (requests_by_faults, outages, calls_by_effects)


def cases(course):
    for axis in AXES:
        yield from axis(course)


# --- the fixed selection of the short form ---

WHOLE = "project"  # the road that is gone to the end in every suite
EVERY = {"request": 53, "outage": 31, "call": 97}  # of the other roads one case in so many, a prime so that all kinds are met
ALWAYS = ("kill", "cut", "eio", "enospc", "enospc:0")  # done to each call there; of the rest one in seven


def is_short(case, number):
    if case.road.name != WHOLE:
        return number % EVERY[case.axis] == 0
    if case.axis == "outage":
        return number % 3 == 0
    return case.axis != "call" or case.name.rsplit("/", 1)[1] in ALWAYS or number % 7 == 0


def sample(found):
    numbers = collections.Counter()
    for case in found:
        if is_short(case, numbers[case.axis]):
            yield case
        numbers[case.axis] += 1
