"""Each invariant sees what it is there for: a clean case is tampered with, and exactly that rule speaks up."""
import os
import sqlite3
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

    def test_no_rule_is_there_that_nothing_breaks(self):
        met = set().union(*(rules for rules, _ in TAMPERING))
        self.assertEqual({rule.__name__ for rule in invariants.RULES} - met, set())


if __name__ == "__main__":
    assert os.environ.get("GLROTATE_SHIM"), "GLROTATE_SHIM names the shim"
    unittest.main()
