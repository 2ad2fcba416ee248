"""What real GitLabs answered, replayed: the simulator of the same release must answer alike.

A case is a list of recorded requests of one client. Numbers, times, hosts, names of bots and secrets differ from run to
run; status, keys and their order, kinds and formats of values, error texts and paging headers must not."""
import json
import os
import pathlib
import re
import sys
import unittest
import urllib.parse

from sim_client import Sim

# optional: the folder with gitlab-RELEASE.jsonl, one JSON object a line
RECORDED = pathlib.Path(os.environ.get("GLROTATE_RECORDED") or  # optional
                        pathlib.Path(__file__).resolve().parents[3] / "shared" / "recorded")

# Objects of which the simulator has the keys that clients of tokens use, and no others.
PARTS = {"/users": "users", "/groups/": "groups", "/projects/": "projects", "/metadata": "the release"}
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
    "groups": [{"path": "example", "members": [{"user": "normal-user", "level": "owner"}]}, {"path": "test"},
               {"path": "level-1"}, {"path": "level-1/level-2"}, {"path": "level-1/level-2/level-3"},
               {"path": "service-accounts"}],
    "projects": [{"path": "example/example", "members": [{"user": "normal-user", "level": "maintainer"}]},
                 {"path": "service-accounts/project"}]}

# Whose token a case begins with, by the beginning of its name.
ACTORS = [("TestWithAdminUser", "admin-initial"), ("TestWithNormalUser", "normal-initial"),
          ("TestWithGroupDeployToken", "normal-initial"), ("TestWithProjectDeployToken", "normal-initial"),
          ("TestWithPipeline", "normal-initial"), ("TestGitlabClient_InvalidToken", "nobody-knows-this"),
          ("TestGitlabClient_RotateCurrentToken", "admin-auto"), ("", "admin-root")]

MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
DATE = re.compile(r"^\d{4}-\d\d-\d\d$")


def kind_of(value):
    """What a value is, without which one it is."""
    if isinstance(value, str):
        return "moment" if MOMENT.match(value) else "date" if DATE.match(value) else "text"
    return type(value).__name__


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


def differences(recorded, ours, where, part):
    """What is not alike, as sentences."""
    if isinstance(recorded, list) and isinstance(ours, list):
        if bool(recorded) != bool(ours):
            yield f"{where}: {len(ours)} items, recorded {len(recorded)}"
        elif recorded:
            yield from differences(recorded[0], ours[0], where + "[0]", part)
    elif isinstance(recorded, dict) and isinstance(ours, dict):
        keys, others = list(recorded), list(ours)
        if part:
            keys = [key for key in keys if key in ours]
        if keys != others:
            yield f"{where}: keys {others}, recorded {keys}"
        for key in keys:
            if key in ours:
                yield from differences(recorded[key], ours[key], f"{where}.{key}", part)
    elif where.split(".")[-1] in ("message", "error", "error_description"):
        if recorded != ours:
            yield f"{where}: {ours!r}, recorded {recorded!r}"
    elif part and None in (recorded, ours):
        pass  # of people and places much may be set or not; of tokens nothing
    elif kind_of(recorded) != kind_of(ours):
        yield f"{where}: {ours!r}, recorded {recorded!r}"


def link_shape(link):
    """The relations of a Link header, each with the names of its parameters."""
    found = []
    for url, relation in re.findall(r'<([^>]*)>; rel="(\w+)"', link):
        query = urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True)
        found.append((relation, [name for name, _ in query]))
    return found


def compare(line, answer):
    if answer.status != line["status"]:
        yield f"status {answer.status} {answer.text[:200]}, recorded {line['status']}"
        return
    if line["content_type"] and answer.headers.get("content-type", "").split(";")[0] != line["content_type"]:
        yield f"content type {answer.headers.get('content-type')}, recorded {line['content_type']}"
    part = line["method"] == "GET" and any(line["path"].startswith(prefix) and "token" not in line["path"]
                                           and "triggers" not in line["path"] for prefix in PARTS)
    if line["response"]:
        yield from differences(json.loads(line["response"]), answer.json, "", part)
    for name, value in line["headers"].items():
        got = answer.headers.get(name.lower())
        if name == "Link":
            if got is None or link_shape(got) != link_shape(value):
                yield f"Link {got}, recorded {value}"
        elif name.startswith("X-") and (got is None or got.isdigit() != value.isdigit()):
            yield f"{name} {got}, recorded {value}"
        elif name == "Www-Authenticate" and got != value:
            yield f"{name} {got}, recorded {value}"


class Recorded(unittest.TestCase):
    def replay(self, release):
        lines = [json.loads(line) for line in open(RECORDED / f"gitlab-{release}.jsonl", encoding="utf-8")]
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
