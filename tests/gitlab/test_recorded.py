"""What real GitLabs answered, replayed: the simulator of the same release must answer alike.

A case is a list of recorded requests of one client. Numbers, times, hosts, names of bots and secrets differ from run to
run; status, keys and their order, kinds and formats of values, error texts and paging headers must not."""
import json
import os
import pathlib
import re
import sys
import unittest

from sim_client import Sim

# optional: the folder with gitlab-RELEASE.jsonl, one JSON object a line
RECORDED = pathlib.Path(os.environ.get("GLROTATE_RECORDED") or  # optional
                        pathlib.Path(__file__).resolve().parents[3] / "shared" / "recorded")

# Values that cannot be alike, and why; that they are there, where, and of which type or null, is compared all the same.
DIFFERENT = {
    "revision": "the commit that a release was built from, of which the simulator has none",
    "email": "addresses are made of names in the simulator",
    "commit_email": "as email",
    "last_sign_in_at": "whether root had been at the browser",
    "current_sign_in_at": "as last_sign_in_at",
    "last_activity_on": "whether a case before this one had acted as that user",
    "ssh_url_to_repo": "the recorded GitLabs have ssh at a port of their own",
    "runners_token": "a secret that was blotted out in the recordings"}
# Lines that cannot be replayed: (release, case, step) or case, and why.
LEFT_OUT = {}

TODAY = "2026-06-17T09:00:00Z"  # of both


def owned(name, secret, scopes):
    return {"name": name, "secret": secret, "scopes": scopes, "created": "-10h", "expires": "+364d", "last_used": "-1h"}


WORLD = {
    "users": [
        {"username": "admin-user", "name": "Admin User", "id": 2, "admin": True, "tokens": [
            owned("Initial token", "admin-initial", ["api"]),
            owned("Root token", "admin-root", ["admin_mode", "api", "sudo"]),
            owned("Auto rotate token 1", "admin-auto", ["api"])]},
        {"username": "normal-user", "name": "Normal User", "id": 3, "tokens": [
            owned("Initial token", "normal-initial", ["api"])]}],
    "groups": [{"path": "example", "description": "An example group",
                "members": [{"user": "normal-user", "level": "owner"}]},
               {"path": "test", "description": "A test group"},
               {"path": "level-1", "name": "l1"},
               {"path": "level-1/level-2", "name": "l2", "description": "One level down"},
               {"path": "level-1/level-2/level-3", "name": "l3", "description": "Two levels down"},
               {"path": "service-accounts",
                "description": "Container group for the service account integration tests"}],
    "projects": [{"path": "example/example", "description": "An example project"},
                 {"path": "service-accounts/project",
                  "description": "Project hosting project-level service accounts for integration tests"}]}

# Whose token a case begins with, by the beginning of its name.
ACTORS = [("TestWithAdminUser", "admin-initial"), ("TestWithNormalUser", "normal-initial"),
          ("TestWithGroupDeployToken", "normal-initial"), ("TestWithProjectDeployToken", "normal-initial"),
          ("TestWithPipeline", "normal-initial"), ("TestGitlabClient_InvalidToken", "nobody-knows-this"),
          ("TestGitlabClient_RotateCurrentToken", "admin-auto"), ("", "admin-root")]

MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
PREFIXES = {"deploy_tokens": "gldt-", "triggers": "glptt-"}  # GitLab's others are "glpat-"
MASKS = [(re.compile(pattern), mask) for pattern, mask in [
    (r"(?:http|ws)s?://[^/]+", "HOST"), (r"@noreply\.[\w.]+", "@HOST"), (r"[0-9a-f]{32,}", "HASH"),
    (r"(\bid=|\btoken-|\bservice_account_(?:group|project)_|/api/v4/projects/)\d+", r"\1N")]]


def masked(text):
    """A text without hosts, numbers of rows and random parts."""
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


def shape(key, value):
    """A value without what differs from run to run: times, hosts, numbers and secrets."""
    if key in ("token", "last_used_ips") or key == "id" or key.endswith("_id"):
        return type(value).__name__
    if isinstance(value, str):
        return "a moment" if MOMENT.match(value) else masked(value)
    return value


class Replay:
    """One case on one fresh simulator."""

    def __init__(self, sim, case):
        self.sim = sim
        self.secret = next(secret for prefix, secret in ACTORS if case.startswith(prefix))
        self.first = self.secret
        self.made = None             # the last token that was created: (recorded number, secret)
        self.numbers = {}            # (collection, recorded number) → ours
        self.names = {}              # recorded user names of service accounts → ours

    def meet(self, lines):
        """People and places keep their numbers over all cases, so any line may tell whose one is."""
        for line in lines:
            path, named = line["path"], None
            recorded = json.loads(line["response"]) if line["response"] and line["status"] == 200 else None
            if line["method"] == "GET" and path.startswith("/users?username=") and recorded:
                collection, named = "users", recorded[0]["id"]
            elif line["method"] == "GET" and re.fullmatch(r"/(groups|projects)/[^/?]+", path) and recorded:
                collection, named = path.split("/")[1], recorded["id"]
            if named is None or (collection, str(named)) in self.numbers:
                continue
            ours = self.sim.ask("GET", path)
            if ours.status == 200 and ours.json:
                self.numbers[(collection, str(named))] = (ours.json[0] if collection == "users" else ours.json)["id"]

    def path(self, path):
        parts = path.split("?")[0].split("/")
        for i in range(1, len(parts)):
            collection = parts[i - 1].replace("personal_access_tokens", "access_tokens")
            parts[i] = str(self.numbers.get((collection, parts[i]), parts[i]))
        query = "?" + path.split("?")[1] if "?" in path else ""
        for recorded, ours in self.names.items():
            query = query.replace(recorded, ours)
        return "/".join(parts) + query

    def who(self, line):
        """A token that was just made is tried out by itself; everything else is the case's own."""
        if self.made and line["path"].endswith("/self"):
            recorded = json.loads(line["response"]) if line["response"] else {}
            if line["method"] == "DELETE" or recorded.get("id", self.made[0]) == self.made[0]:
                return self.made[1]
        return self.first

    def learn(self, line, answer):
        """Which of our numbers stands for a recorded one."""
        if not line["response"] or answer.status >= 300:
            return
        recorded, ours = json.loads(line["response"]), answer.json
        collection = line["path"].split("/")[-1]
        if (line["method"] != "POST" and collection != "self") or "id" not in recorded:
            return
        if collection in ("rotate", "personal_access_tokens", "self"):
            collection = "access_tokens"
        self.numbers[(collection, str(recorded["id"]))] = ours["id"]
        if collection == "service_accounts":
            self.numbers[("users", str(recorded["id"]))] = ours["id"]
            self.names[recorded["username"]] = ours["username"]
        if "token" in ours and collection == "access_tokens":
            self.made = (recorded["id"], ours["token"])

    def send(self, line):
        body = json.loads(line["request"]) if line["request"] else None
        answer = self.sim.ask(line["method"], self.path(line["path"]), body, token=self.who(line))
        self.learn(line, answer)
        return answer


def differences(recorded, ours, where):
    """What is not alike, as sentences."""
    key = where.split(".")[-1]
    if isinstance(recorded, list) and isinstance(ours, list) and key != "last_used_ips":
        if len(recorded) != len(ours):
            yield f"{where}: {len(ours)} items, recorded {len(recorded)}"
        for i, (one, other) in enumerate(zip(recorded, ours)):
            yield from differences(one, other, f"{where}[{i}]")
    elif isinstance(recorded, dict) and isinstance(ours, dict):
        if list(recorded) != list(ours):
            yield f"{where}: keys {list(ours)}, recorded {list(recorded)}"
        for name in recorded:
            if name in ours:
                yield from differences(recorded[name], ours[name], f"{where}.{name}")
    elif key in DIFFERENT:
        if None not in (recorded, ours) and type(recorded) is not type(ours):
            yield f"{where}: {ours!r}, recorded {recorded!r}"
    elif shape(key, recorded) != shape(key, ours):
        yield f"{where}: {ours!r}, recorded {recorded!r}"


def header_differences(line, answer):
    for name in ("Link", "X-Next-Page", "X-Page", "X-Per-Page", "X-Prev-Page", "X-Total", "X-Total-Pages",
                 "Www-Authenticate"):
        recorded, ours = line["headers"].get(name), answer.headers.get(name.lower())
        if recorded is None or ours is None:
            if recorded is not ours:
                yield f"{name}: {ours}, recorded {recorded}"
        elif masked(recorded) != masked(ours):
            yield f"{name}: {ours}, recorded {recorded}"


def compare(line, answer):
    if answer.status != line["status"]:
        yield f"status {answer.status} {answer.text[:200]}, recorded {line['status']}"
        return
    if line["content_type"] and answer.headers.get("content-type", "").split(";")[0] != line["content_type"]:
        yield f"content type {answer.headers.get('content-type')}, recorded {line['content_type']}"
    if not line["response"] and answer.text:
        yield f"a body, {answer.text[:200]}, recorded none"
    if line["response"]:
        recorded = json.loads(line["response"])
        yield from differences(recorded, answer.json, "")
        if line["method"] == "POST" and "token" in recorded:
            prefix = PREFIXES.get(line["path"].split("/")[-1], "glpat-")
            if not answer.json["token"].startswith(prefix):
                yield f"the token does not begin with {prefix}"
    yield from header_differences(line, answer)


class Recorded(unittest.TestCase):
    def replay(self, release):
        text = (RECORDED / f"gitlab-{release}.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        for case in dict.fromkeys(line["case"] for line in lines):
            with Sim(WORLD, release, TODAY) as sim:
                replay = Replay(sim, case)
                replay.meet(lines)
                for line in (line for line in lines if line["case"] == case):
                    if case in LEFT_OUT or (release, case, line["step"]) in LEFT_OUT:
                        continue
                    with self.subTest(case=case, step=line["step"], asked=f"{line['method']} {line['path']}"):
                        self.assertEqual(list(compare(line, replay.send(line))), [])

    def test_17_11_7(self):
        self.replay("17.11.7")

    def test_18_11_5(self):
        self.replay("18.11.5")


if __name__ == "__main__":
    if not RECORDED.is_dir():
        print("skipped: no recorded answers here")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
