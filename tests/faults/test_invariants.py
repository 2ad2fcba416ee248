"""Each invariant sees what it is there for: a clean case is tampered with, and exactly that rule speaks up."""
import os
import sqlite3
import types
import unittest

import invariants
from roads import OLD, ROADS
from stage import Stage

ROAD = next(road for road in ROADS if road.name == "project")
API = "/projects/shop%2Fapi"


def token_of(stage):
    return next(t for t in stage.look().tokens.values() if t["name"] == "push" and t["alive"] and t["owner"] == "shop/api")


def unknown_successor(stage):
    """Made with our credential, and not by the program."""
    stage.sim.ask("POST", f"{API}/access_tokens", {"name": "push", "scopes": ["api"], "expires_at": "2027-01-01"})


def stamp(stage, generation):
    uuid = stage.rows("SELECT uuid FROM self")[0]["uuid"]
    stage.sim.ask("PUT", "/projects/10/variables/PUSH?filter%5Benvironment_scope%5D=%2A", {"description": f"[glrotate #100 2026-11-21 g{generation} {uuid}]"})


def failed_authentications(stage):
    for _ in range(11):
        stage.sim.ask("GET", "/personal_access_tokens/self", token="glpat-nobody")


def event(stage, text):
    with sqlite3.connect(stage.host.state / "journal.db") as db:
        db.execute(text)
    db.close()


def rotated_again(stage):
    columns = [row["name"] for row in stage.rows("PRAGMA table_info(rotations)") if row["name"] != "id"]
    event(stage, f"INSERT INTO rotations ({', '.join(columns)}) SELECT {', '.join(columns)} FROM rotations")


def say(stage, code, err):
    stage.runs.append(type(stage.runs[-1])(("run",), code, "", err))


# (the rules that must speak up, what is done after a clean run)
TAMPERING = [
    ({"each_destination_holds_a_living_secret"},
     lambda stage: stage.sim.ask("POST", "/sim/act", {"act": "set_variable", "owner": "shop/api", "key": "PUSH", "value": OLD})),
    ({"each_destination_holds_a_living_secret"}, lambda stage: (stage.out / "push").write_text(OLD)),
    ({"each_destination_holds_a_living_secret"}, lambda stage: (stage.out / "push").unlink()),
    ({"each_destination_holds_a_living_secret", "one_token_of_a_name_lives"},
     lambda stage: stage.sim.ask("POST", "/sim/act", {"act": "revoke", "token": token_of(stage)["id"]})),
    ({"what_lives_through_us_is_in_the_journal", "one_token_of_a_name_lives", "no_more_is_rotated_than_was_lost",
      "each_request_has_its_intent"}, unknown_successor),
    ({"no_family_was_revoked", "a_credential_is_proven_before_it_walks", "each_request_has_its_intent",
      "each_destination_holds_a_living_secret", "one_token_of_a_name_lives"},
     lambda stage: stage.sim.ask("POST", "/personal_access_tokens/self/rotate", {"expires_at": "2027-01-01"}, token=OLD)),
    ({"each_request_has_its_intent", "a_credential_is_proven_before_it_walks", "nothing_else_was_touched",
      "what_lives_through_us_is_in_the_journal"},
     lambda stage: (stage.sim.ask("POST", "/sim/clock", {"advance": "1m"}),
                    stage.sim.ask("POST", f"{API}/access_tokens/61/rotate", {"expires_at": "2026-12-01"}))),
    ({"nothing_else_was_touched"},
     lambda stage: stage.sim.ask("PUT", "/groups/shop/variables/OTHER", {"value": "changed-000000"})),
    ({"nothing_else_was_touched"},
     lambda stage: stage.sim.ask("POST", f"{API}/variables", {"key": "STRAY", "value": "stray-000000"})),
    ({"nothing_else_was_touched"}, lambda stage: (stage.out / "stray").write_text("")),
    ({"each_request_has_its_intent", "each_date_is_asked_for", "no_more_is_rotated_than_was_lost",
      "what_lives_through_us_is_in_the_journal", "each_destination_holds_a_living_secret"},
     lambda stage: stage.sim.ask("POST", f"{API}/access_tokens/{token_of(stage)['id']}/rotate", {})),
    ({"few_authentications_fail"}, failed_authentications),
    ({"no_secret_is_left_lying_about"}, lambda stage: say(stage, 0, token_of(stage)["secret"])),
    ({"no_secret_is_left_lying_about"}, lambda stage: (stage.host.state / "note").write_text(OLD.encode().hex())),
    ({"no_secret_is_left_lying_about"}, lambda stage: (stage.host.path / "note").write_text(
        "".join(f"%{byte:02x}" for byte in token_of(stage)["secret"].encode()))),
    ({"nothing_half_done_is_left"}, lambda stage: (stage.host.state / "journal.new").write_text("")),
    ({"nothing_half_done_is_left", "nothing_else_was_touched"},
     lambda stage: (stage.out / ".push.glrotate-abcdef").write_text("")),
    ({"nothing_half_done_is_left"}, lambda stage: event(stage, "UPDATE rotations SET sealed = x'00'")),
    ({"no_stamp_goes_backwards"}, lambda stage: stamp(stage, 0)),
    ({"nothing_rotates_twice_a_day"}, rotated_again),
    ({"each_run_ends_well"}, lambda stage: say(stage, -11, "")),
    ({"each_run_ends_well"}, lambda stage: say(stage, 3, "something is wrong")),
    ({"each_run_ends_well"}, lambda stage: say(stage, 0, "runtime error: shift")),
    ({"the_chain_is_whole"}, lambda stage: event(
        stage, "DROP TRIGGER events_keep; ") or event(stage, "UPDATE events SET text = 'other' WHERE id = 1")),
]


# --- what order.py looks for is told: (second of the hour, method, path, more) of each request; a new run begins at each minute ---

def asked(second, method, path, status=200, **more):
    body = more.pop("body", None)
    return {"at": f"2026-11-21T10:{second // 60:02}:{second % 60:02}.500Z", "method": method, "path": "/api/v4" + path,
            "query": more.pop("query", ""), "body": body, "status": status, "outcome": status, "token_id": 1, "user_id": 1,
            "credential": "active", "fault": None, **more}


ROTATE, LIST = "/projects/10/access_tokens/51/rotate", "/projects/10/access_tokens"
VARIABLE = "/projects/10/variables/PUSH"
LOST = {"status": None, "fault": "drop_before_commit", "outcome": None}
SELF = "/personal_access_tokens/self"
READY = (asked(1, "GET", SELF), asked(2, "PUT", VARIABLE))
DOUBT, BELIEVED = "doubt_is_settled_by_reading", "what_never_happened_is_believed_late"
PROVEN, WRITTEN = "a_credential_is_proven_before_it_walks", "each_place_is_written_before_the_old_one_dies"
READ = "each_place_is_read_before_the_old_one_is_retired"
AGAIN = (asked(35, "GET", SELF), asked(36, "PUT", VARIABLE), asked(37, "POST", ROTATE))
STORIES = [
    (set(), "all is well", [*READY, asked(3, "POST", ROTATE)]),
    ({PROVEN}, "never proven", [asked(2, "PUT", VARIABLE), asked(3, "POST", ROTATE)]),
    ({PROVEN}, "proven half a minute before", [*READY, asked(31, "POST", ROTATE)]),
    ({PROVEN}, "another credential was proven", [asked(1, "GET", SELF, token_id=2), *READY[1:], asked(3, "POST", ROTATE)]),
    ({PROVEN}, "the proof was refused", [asked(1, "GET", SELF, 401), *READY[1:], asked(3, "POST", ROTATE)]),
    ({PROVEN}, "the proof cannot be read", [asked(1, "GET", SELF, fault="cut_body"), *READY[1:], asked(3, "POST", ROTATE)]),
    ({WRITTEN}, "no preflight", [*READY[:1], asked(3, "POST", ROTATE)]),
    ({WRITTEN}, "of another scope", [*READY[:1], asked(2, "PUT", VARIABLE, query="filter%5Benvironment_scope%5D=live"),
                                     asked(3, "POST", ROTATE)]),
    ({WRITTEN}, "it was only read", [*READY[:1], asked(2, "GET", VARIABLE), asked(3, "POST", ROTATE)]),
    ({WRITTEN}, "it was refused", [*READY[:1], asked(2, "PUT", VARIABLE, 403), asked(3, "POST", ROTATE)]),
    ({WRITTEN}, "a minute before", [*READY, asked(50, "GET", SELF), asked(62, "POST", ROTATE)]),
    (set(), "it is made", [*READY[:1], asked(2, "POST", "/projects/10/variables", 201, body={"key": "PUSH"}), asked(3, "POST", ROTATE)]),
    (set(), "lost, and read twice", [*READY, asked(3, "POST", ROTATE, **LOST), asked(4, "GET", LIST), asked(24, "GET", LIST), *AGAIN]),
    ({DOUBT, BELIEVED}, "lost, and not read", [*READY, asked(3, "POST", ROTATE, **LOST), asked(4, "POST", ROTATE)]),
    ({DOUBT, BELIEVED}, "lost, and another list read", [*READY, asked(3, "POST", ROTATE, **LOST), asked(4, "GET", "/projects/10"), *AGAIN]),
    ({BELIEVED}, "lost, and read once", [*READY, asked(3, "POST", ROTATE, **LOST), asked(24, "GET", LIST), *AGAIN]),
    ({BELIEVED}, "lost, and read too soon", [*READY, asked(3, "POST", ROTATE, **LOST), asked(4, "GET", LIST), asked(7, "GET", LIST), *AGAIN]),
    ({DOUBT, BELIEVED}, "lost, and the list, too", [*READY, asked(3, "POST", ROTATE, **LOST), asked(4, "GET", LIST, **LOST), *AGAIN]),
    ({BELIEVED}, "not told by a proxy", [*READY, asked(3, "POST", ROTATE, 502, fault="html", outcome=None), asked(24, "GET", LIST), *AGAIN]),
    (set(), "refused, and read once", [*READY, asked(3, "POST", ROTATE, 429, fault="too_many", outcome=None), asked(4, "GET", LIST), *AGAIN]),
    ({DOUBT}, "the run ended after it", [*READY, asked(3, "POST", ROTATE), asked(61, "GET", SELF), asked(62, "PUT", VARIABLE),
                                         asked(63, "POST", "/projects/10/access_tokens/100/rotate")]),
    (set(), "retired", [asked(1, "GET", VARIABLE), asked(2, "DELETE", LIST + "/51", 204)]),
    ({READ}, "retired unread", [asked(2, "DELETE", LIST + "/51", 204)]),
    ({READ}, "read in another run", [asked(1, "GET", VARIABLE), asked(62, "DELETE", LIST + "/51", 204)]),
    ({READ}, "read before it was written", [asked(1, "GET", VARIABLE), asked(2, "PUT", VARIABLE), asked(3, "DELETE", LIST + "/51", 204)]),
    (set(), "an orphan is ended", [asked(2, "DELETE", LIST + "/100", 204)]),
]


def told_story(requests):
    """The rules of order.py that speak up."""
    pushes = {number: {"name": "push", "owner": "shop/api"} for number in (51, 100)}
    stage = types.SimpleNamespace(road=ROAD, renamed={}, rows=lambda _: [], also_good=(), baseline=types.SimpleNamespace(tokens={51: pushes[51]}),
                                  run_at=lambda moment: moment // 60)
    end = types.SimpleNamespace(tokens=pushes, requests=[{"n": number, **r} for number, r in enumerate(requests, 1)])
    return {rule.__name__ for rule in invariants.RULES if rule.__module__ == "order" and list(rule(stage, end))}


class Invariants(unittest.TestCase):
    def spoken_up(self, tamper=None):
        stage = Stage(ROAD)
        try:
            self.assertEqual(stage.run("run").code, 0)
            if tamper:
                tamper(stage)
            return {rule for rule, _ in invariants.breaches(stage)}
        finally:
            stage.close()

    def test_a_clean_run_breaks_none(self):
        self.assertEqual(self.spoken_up(), set())

    def test_each_tampering_is_seen_by_its_rules(self):
        for number, (rules, tamper) in enumerate(TAMPERING):
            with self.subTest(number=number, rules=sorted(rules)):
                self.assertEqual(self.spoken_up(tamper), rules)

    def test_each_story_is_seen_through(self):
        for rules, what, requests in STORIES:
            with self.subTest(what):
                self.assertEqual(told_story(requests), rules)

    def test_no_rule_is_there_that_nothing_breaks(self):
        met = set().union(*(rules for rules, _ in TAMPERING), *(rules for rules, _, _ in STORIES))
        self.assertEqual({rule.__name__ for rule in invariants.RULES} - met, set())


if __name__ == "__main__":
    assert os.environ.get("GLROTATE_SHIM"), "GLROTATE_SHIM names the shim"
    unittest.main()
