"""The truth table of rotation and automatic reuse detection: who presents what where, and who dies of it.

Rows follow GitLab's source and specs: lib/gitlab/auth/auth_finders.rb, app/services/personal_access_tokens/
rotate_service.rb and revoke_token_family_service.rb, spec/requests/api/personal_access_tokens/self_rotation_spec.rb.
Each family is T1 → T2 → T3: T1 and T2 were rotated away, T3 lives; S is a sibling of T3 that a race has made."""
import http.client
import json
import unittest

from sim_client import Sim

PAT = "/personal_access_tokens"
REVOKED = "Token was revoked. You have to re-authorize from the user."
EXPIRED = "Token is expired. You can either do re-authorization or token refresh."


def pat(name, secret, **more):
    return {"name": name, "secret": secret, "scopes": ["api"], "expires": "+30d", **more}


WORLD = {
    "users": [{"username": "bob", "tokens": [pat("family", "bob-1"), pat("other", "bob-other")]},
              {"username": "eve", "tokens": [pat("eve", "eve-1"), pat("reads", "eve-reads", scopes=["read_api"]),
                                             pat("turns", "eve-turns", scopes=["self_rotate"])]},
              {"username": "gone", "state": "blocked", "tokens": [pat("blocked", "gone-1")]}],
    "groups": [{"path": "shop", "members": [{"user": "bob", "level": "owner"}],
                "tokens": [pat("family", "group-1"), pat("high", "group-high", access_level="owner")],
                "service_accounts": [{"username": "robot", "tokens": [pat("family", "robot-1")]}]}],
    "projects": [{"path": "shop/api", "tokens": [pat("family", "project-1"),
                                                 pat("stranger", "bot-of-another", access_level="maintainer"),
                                                 pat("high", "high-1", access_level="owner")],
                  "members": [{"user": "eve", "level": "maintainer"}]}]}

# Where the families live, and the path that names one of their tokens.
PROJECT, GROUP = "/projects/shop%2Fapi/access_tokens", "/groups/shop/access_tokens"
SERVICE = "/groups/shop/service_accounts/{robot}/personal_access_tokens"
HOMES = [("bob-1", PAT), ("project-1", PROJECT), ("project-1", PAT), ("group-1", GROUP), ("group-1", PAT),
         ("robot-1", PAT), ("robot-1", SERVICE)]

# Presented: T1, T2, T3 of the family, or another secret. Target: the id in the path, or self.
# (what it shows, presented, method, target, suffix, status, body or None, who of the family dies)
REUSE = [
    ("an old one on self", "T1", "POST", "self", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("an old one on the living one's id", "T1", "POST", "T3", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("an old one on its own id", "T1", "POST", "T1", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("an old one on a stranger's id", "T1", "POST", "other", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("an old one on an id that nobody has", "T1", "POST", "99999", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("the one in the middle", "T2", "POST", "self", "/rotate", 401, REVOKED, {"T3", "S"}),
    # The path alone counts; which status a wrong method gets is assumed.
    ("a GET of the path", "T1", "GET", "self", "/rotate", None, None, {"T3", "S"}),
    ("a final slash is another path", "T1", "POST", "self", "/rotate/", None, None, set()),
    ("so is a format", "T1", "POST", "self", "/rotate.json", None, None, set()),
    ("an old one on a reading", "T1", "GET", "self", "", 401, REVOKED, set()),
    ("an old one on a deletion", "T1", "DELETE", "self", "", 401, REVOKED, set()),
    ("an old one on another path", "T1", "GET", "/user", "", 401, REVOKED, set()),
    ("a secret that nobody knows", "nobody", "POST", "self", "/rotate", 401, "401 Unauthorized", set()),
    ("an old one by another's hand", "root", "POST", "T1", "/rotate", 400,
     "400 Bad request - Token already revoked", set()),
    ("the one in the middle by another's hand", "root", "POST", "T2", "/rotate", 400,
     "400 Bad request - Token already revoked", set()),
]
# The same when the old ones' date has passed: the window of detection is closed.
LATE = [
    ("an old one on self", "T1", "POST", "self", "/rotate", 401, EXPIRED, set()),
    ("the one in the middle on an id", "T2", "POST", "T3", "/rotate", 401, EXPIRED, set()),
]


class Truth(unittest.TestCase):
    def family(self, secret):
        """{name: token} of T1 … T3 and S, the last with a later date than the others."""
        tokens = {"T1": self.sim.truth(id=next(t["id"] for t in self.sim.ask("GET", "/sim/tokens").json
                                               if t["secret"] == secret))}
        tokens["T2"] = self.sim.act("rotate", token=tokens["T1"]["id"], expires_at="2026-12-20")
        tokens["T3"] = self.sim.act("rotate", token=tokens["T2"]["id"], expires_at="2027-06-01")
        tokens["S"] = self.sim.act("rotate", token=tokens["T2"]["id"], expires_at="2027-06-01")
        return {name: self.sim.truth(id=token["id"]) for name, token in tokens.items()}

    def check(self, home, secret, row, late=False):
        what, presented, method, target, suffix, status, text, dead = row
        with Sim(WORLD) as self.sim:
            tokens = self.family(secret)
            if late:
                self.sim.ask("POST", "/sim/clock", {"advance": "60d"})
            others = {"root": "root-secret", "nobody": "glpat-nobody"}
            token = others.get(presented) or tokens[presented]["secret"]
            other = self.sim.truth(name="other")["id"]
            at = tokens[target]["id"] if target in tokens else {"other": other}.get(target, target)
            home = home.format(robot=tokens["T1"]["user_id"])
            path = at if str(at).startswith("/") else f"{home}/{at}{suffix}"
            answer = self.sim.ask(method, path, {} if method == "POST" else None, token=token)
            if status:
                self.assertEqual(answer.status, status, (what, answer.text))
            if text:
                self.assertIn(text, answer.text, what)
            living = {name for name in ("T3", "S") if self.sim.alive(tokens[name]["id"])}
            self.assertEqual({"T3", "S"} - living, dead, what)

    def test_who_presents_what_where(self):
        for secret, home in HOMES:
            for row in REUSE:
                # There is no `self` under an account, so what is no rotation there is a wrong method or no path.
                if home == SERVICE and row[3] == "self" and row[4] != "/rotate":
                    row = (*row[:5], None, None, row[7])
                with self.subTest(family=secret, path=home, row=row[0]):
                    self.check(home, secret, row)

    def test_after_the_date_nothing_is_detected(self):
        for secret, home in HOMES:
            for row in LATE:
                with self.subTest(family=secret, path=home, row=row[0]):
                    self.check(home, secret, row, late=True)

    def test_what_was_purged_is_unknown(self):
        for secret, home in HOMES:
            with self.subTest(family=secret, path=home), Sim(WORLD) as self.sim:
                tokens = self.family(secret)
                home = home.format(robot=tokens["T1"]["user_id"])
                self.sim.act("purge_bot", token=tokens["T3"]["id"])
                for name in ("T1", "T3"):
                    answer = self.sim.ask("POST", f"{home}/self/rotate", {}, token=tokens[name]["secret"])
                    self.assertEqual((answer.status, answer.json), (401, {"message": "401 Unauthorized"}))
                answer = self.sim.ask("POST", f"{home}/{tokens['T3']['id']}/rotate", {})
                self.assertEqual(answer.status, 404, answer.text)

    def test_ancestors_and_siblings_are_not_touched(self):
        """T1 → T2 → T3 → (killed), T2 → S: T3's reuse finds no descendants, and S and its line live on."""
        for secret, home in HOMES:
            with self.subTest(family=secret, path=home), Sim(WORLD) as self.sim:
                tokens = self.family(secret)
                home = home.format(robot=tokens["T1"]["user_id"])
                heir = self.sim.act("rotate", token=tokens["T3"]["id"], expires_at="2027-06-01")["id"]
                path = f"{home}/{tokens['S']['id']}/rotate"
                answer = self.sim.ask("POST", path, {}, token=tokens["T3"]["secret"])
                self.assertIn(REVOKED, answer.text)
                self.assertEqual((self.sim.alive(heir), self.sim.alive(tokens["S"]["id"])), (False, True))
                # Once more does no more, and nothing revives the heir.
                self.sim.ask("POST", path, {}, token=tokens["T3"]["secret"])
                self.assertEqual((self.sim.alive(heir), self.sim.alive(tokens["S"]["id"])), (False, True))


ALREADY = "400 Bad request - Token already revoked"
BLOCKED = "403 Forbidden - Your account has been blocked."
OUTRANKED = "400 Bad request - Not eligible to rotate tokens with permissions not held by the user"
OK = (200, '"token":')
NO = (401, '{"message":"401 Unauthorized"}')
HIDDEN_PROJECT, HIDDEN_GROUP = (404, "404 Project Not Found"), (404, "404 Group Not Found")
UNKNOWN = (404, "404 Not Found")

# By whose hand a token is rotated by its id. "itself" presents the target; ("the path", the target's owner in
# words) → {actor: answer for a living target, and for an id that nobody has, None where there is no such row}.
# An actor is a secret of the world below.
BY_ID = {
    (PAT, "bob's"): ("bob-1", {
        "root-secret": (OK, UNKNOWN), "bob-other": (OK, NO), "itself": (OK, NO), "bot-of-another": (NO, NO),
        "eve-1": (NO, NO), "nobody-1": (NO, NO)}),
    (PAT, "a project bot's"): ("project-1", {
        "root-secret": (OK, UNKNOWN), "itself": (OK, NO), "bot-of-another": (NO, NO), "eve-1": (NO, NO)}),
    (PAT, "a service account's"): ("robot-1", {
        "root-secret": (OK, UNKNOWN), "itself": (OK, NO), "bot-of-another": (NO, NO), "bob-1": (NO, NO)}),
    (PROJECT, "a bot's"): ("project-1", {
        "root-secret": (OK, UNKNOWN), "bob-1": (OK, NO), "eve-1": (OK, NO), "itself": (OK, NO),
        "bot-of-another": (NO, NO), "dan-1": (NO, NO), "nobody-1": (HIDDEN_PROJECT, HIDDEN_PROJECT)}),
    (PROJECT, "an owner bot's"): ("high-1", {
        "root-secret": (OK, UNKNOWN), "bob-1": (OK, NO), "eve-1": ((400, OUTRANKED), NO), "itself": (OK, NO),
        "bot-of-another": (NO, NO)}),
    (GROUP, "a bot's"): ("group-1", {
        "root-secret": (OK, UNKNOWN), "bob-1": (OK, NO), "itself": (NO, NO), "bot-of-another": (NO, NO),
        "eve-1": (NO, NO), "nobody-1": (HIDDEN_GROUP, HIDDEN_GROUP)}),
    (GROUP, "an owner bot's"): ("group-high", {"bob-1": (OK, NO), "itself": (OK, NO), "bot-of-another": (NO, NO)}),
    (SERVICE, "an account's"): ("robot-1", {
        "root-secret": (OK, (404, "404 Personal Access Token Not Found")),
        "bob-1": (OK, (404, "404 Personal Access Token Not Found")),
        "eve-1": ((403, "403 Forbidden"), (403, "403 Forbidden")),
        "nobody-1": (HIDDEN_GROUP, HIDDEN_GROUP)}),
}

# A state of the target changes the answer of those that may rotate it, and what it says of itself.
# (state, the answer to who may, the answer to itself)
STATES = [("active", OK, OK), ("revoked", (400, ALREADY), (401, REVOKED)), ("expired", OK, (401, EXPIRED)),
          ("revoked and expired", (400, ALREADY), (401, EXPIRED))]


class Actors(unittest.TestCase):
    """Actor × state of the target × path: the answer, and who lives after it."""

    world = json.loads(json.dumps(WORLD))
    world["users"] += [{"username": name, "tokens": [pat(name, name + "-1")]} for name in ("dan", "nobody")]
    world["projects"][0]["members"].append({"user": "dan", "level": "developer"})

    def begin(self, secret, state):
        """A world in which all live for long, but for the target."""
        world = json.loads(json.dumps(self.world))
        for place in (*world["users"], *world["groups"], *world["projects"], *world["groups"][0]["service_accounts"]):
            for token in place.get("tokens", []):
                if token["secret"] == secret:
                    token.update({"revoked": "revoked" in state, "expires": "-1d" if "expired" in state else "+30d"})
        return Sim(world)

    def test_by_id(self):
        for (path, whose), (secret, actors) in BY_ID.items():
            for state, to_others, to_itself in STATES:
                for actor, (living, _) in actors.items():
                    # That it is revoked already is told before that it ranks higher.
                    told = living == OK or (living[1] == OUTRANKED and "revoked" in state)
                    expected = to_others if told else living
                    if actor == "itself" and state != "active":
                        expected = to_itself
                    with self.subTest(path=path, whose=whose, state=state, actor=actor):
                        self.check_by_id(path, secret, state, actor, expected)

    def check_by_id(self, path, secret, state, actor, expected):
        with self.begin(secret, state) as sim:
            target = next(t for t in sim.ask("GET", "/sim/tokens").json if t["secret"] == secret)
            home = path.format(robot=target["user_id"])
            answer = sim.ask("POST", f"{home}/{target['id']}/rotate", {}, token=secret if actor == "itself" else actor)
            self.assertEqual(answer.status, expected[0], answer.text)
            self.assertIn(expected[1], answer.text)
            self.assertEqual(sim.alive(target["id"]), state == "active" and expected != OK)
            if answer.status == 200:
                heir = sim.truth(id=answer.json["id"])
                self.assertEqual((heir["alive"], answer.json["active"], heir["predecessor"]), (True, True, target["id"]))

    def test_an_id_that_nobody_has(self):
        for (path, whose), (secret, actors) in BY_ID.items():
            with Sim(self.world) as sim:
                robot = next(t for t in sim.ask("GET", "/sim/tokens").json if t["secret"] == "robot-1")["user_id"]
                for actor, (_, expected) in actors.items():
                    with self.subTest(path=path, whose=whose, actor=actor):
                        answer = sim.ask("POST", f"{path.format(robot=robot)}/99999/rotate", {},
                                         token=secret if actor == "itself" else actor)
                        self.assertEqual(answer.status, expected[0], answer.text)
                        self.assertIn(expected[1], answer.text)

    def test_self(self):
        rows = [(PAT, "bob-1", OK), (PAT, "project-1", OK), (PAT, "group-1", OK), (PAT, "robot-1", OK),
                (PAT, "gone-1", (403, BLOCKED)), (PAT, "eve-turns", OK),
                (PAT, "eve-reads", (403, "insufficient_scope")),
                (PROJECT, "project-1", OK), (PROJECT, "bot-of-another", OK), (PROJECT, "high-1", OK),
                (PROJECT, "eve-1", (405, "405 Method Not Allowed")), (PROJECT, "group-1", (401, "401 Unauthorized")),
                (PROJECT, "nobody-1", HIDDEN_PROJECT), (GROUP, "group-1", OK),
                (GROUP, "project-1", (401, "401 Unauthorized")), (GROUP, "bob-1", (405, "405 Method Not Allowed"))]
        for path, secret, expected in rows:
            for state, _, to_itself in STATES:
                wanted = expected if state == "active" else to_itself
                with self.subTest(path=path, secret=secret, state=state), self.begin(secret, state) as sim:
                    number = next(t["id"] for t in sim.ask("GET", "/sim/tokens").json if t["secret"] == secret)
                    answer = sim.ask("POST", f"{path}/self/rotate", {}, token=secret)
                    self.assertEqual(answer.status, wanted[0], answer.text)
                    self.assertIn(wanted[1], answer.text)
                    self.assertEqual(sim.alive(number), state == "active" and wanted != OK)

    def test_what_a_blocked_users_new_token_is_good_for(self):
        with Sim(self.world) as sim:
            number = sim.truth(name="blocked")["id"]
            answer = sim.ask("POST", f"{PAT}/{number}/rotate", {})
            self.assertEqual(answer.status, 200, answer.text)
            self.assertIn(BLOCKED, sim.ask("GET", "/user", token=answer.json["token"]).text)


class Special(unittest.TestCase):
    """What is special about single cases."""

    def setUp(self):
        self.sim = Sim(WORLD)
        self.addCleanup(self.sim.close)

    def number(self, secret):
        return next(t["id"] for t in self.sim.ask("GET", "/sim/tokens").json if t["secret"] == secret)

    def rotate(self, path, token, **body):
        return self.sim.ask("POST", f"{path}/rotate", body, token=token)

    def test_the_rows_that_stand_alone(self):
        rows = [
            ("a date that is none", f"{PAT}/{self.number('eve-1')}", "root-secret", {"expires_at": "soon"}, 400,
             "expires_at is invalid"),
            ("a date too far", f"{PAT}/{self.number('eve-1')}", "root-secret", {"expires_at": "2029-01-01"}, 400,
             "Expiration date must be before"),
        ]
        for what, path, token, body, status, text in rows:
            with self.subTest(what), Sim(WORLD) as self.sim:
                answer = self.rotate(path, token, **body)
                self.assertEqual(answer.status, status, answer.text)
                self.assertIn(text, answer.text)

    def test_a_refused_date_leaves_the_token_as_it_was(self):
        self.rotate(f"{PAT}/{self.number('eve-1')}", "root-secret", expires_at="2029-01-01")
        self.assertEqual(self.sim.ask("GET", f"{PAT}/self", token="eve-1").status, 200)

    def test_an_expired_one_is_rotated_by_another_and_not_by_itself(self):
        self.sim.ask("POST", "/sim/clock", {"advance": "40d"})
        number = self.number("bob-other")
        self.assertIn(EXPIRED, self.rotate(f"{PAT}/self", "bob-other").text)
        answer = self.rotate(f"{PAT}/{number}", "root-secret")
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.json["active"])

    def test_a_new_one_has_a_new_number_the_old_name_and_was_never_used(self):
        old = self.sim.truth(name="other")
        answer = self.rotate(f"{PAT}/{old['id']}", "root-secret", expires_at="2026-12-24").json
        self.assertGreater(answer["id"], old["id"])
        self.assertEqual((answer["name"], answer["user_id"], answer["scopes"], answer["last_used_at"],
                          answer["expires_at"]), ("other", old["user_id"], ["api"], None, "2026-12-24"))

    def test_what_a_rotation_without_a_date_gives(self):
        """(release, settings, whose, the date before, the date after)"""
        off = {"require_personal_access_token_expiry": False}
        rows = [("16.0.0", {}, "bob-other", "+30d", "2026-11-28"), ("18.11.5", {}, "bob-other", None, "2026-11-28"),
                ("18.11.5", off, "bob-other", "+30d", None), ("17.2.0", off, "bob-other", "+30d", "2026-11-28"),
                ("18.11.5", {"max_personal_access_token_lifetime": 3}, "bob-other", "+30d", "2026-11-24"),
                ("18.11.5", {"service_access_tokens_expiration_enforced": False}, "robot-1", "+30d", None),
                ("18.11.5", {"service_access_tokens_expiration_enforced": True}, "robot-1", "+30d", "2026-11-28")]
        for release, settings, secret, before, after in rows:
            world = json.loads(json.dumps({**WORLD, "settings": settings}))
            world["users"][0]["tokens"][1]["expires"] = before
            with self.subTest(release=release, settings=settings, whose=secret), Sim(world, release) as self.sim:
                answer = self.rotate(f"{PAT}/{self.number(secret)}", "root-secret")
                self.assertEqual((answer.status, answer.json.get("expires_at")), (200, after), answer.text)

    def test_releases_that_knew_less(self):
        """(release, answer to a revoked target, does the first one's reuse kill the second)"""
        rows = [("16.2.0", "token already revoked", False), ("16.3.0", "token already revoked", True),
                ("17.0.0", "Token already revoked", True)]
        for release, text, kills in rows:
            with self.subTest(release), Sim(WORLD, release) as self.sim:
                number = self.number("bob-other")
                second = self.sim.act("rotate", token=number)["id"]
                self.assertEqual(self.rotate(f"{PAT}/{number}", "root-secret").json,
                                 {"message": f"400 Bad request - {text}"})
                self.assertTrue(self.sim.alive(second))
                self.rotate(f"{PAT}/{number}", "bob-other")
                self.assertEqual(self.sim.alive(second), not kills)

    def test_what_an_answer_says_of_the_old_token(self):
        """(fault, status or None for a lost answer, does the old one live)"""
        rows = [("drop_before_commit", {}, None, True), ("drop_after_commit", {}, None, False),
                ("cut_body", {}, None, False), ("garbage", {}, 200, False), ("wrong_content_type", {}, 200, False),
                ("too_many", {}, 429, True), ("redirect", {"location": "/"}, 301, True)]
        rows += [("status", {"status": status, "commit": done}, status, not done)
                 for status, done in [(409, False), (500, True), (500, False), (502, True), (503, False), (504, True)]]
        for fault, more, status, lives in rows:
            with self.subTest(fault=fault, **more), Sim(WORLD) as self.sim:
                number = self.number("bob-other")
                self.sim.fault(fault, path="*/rotate", **more)
                try:
                    got = self.rotate(f"{PAT}/self", "bob-other").status
                except (http.client.HTTPException, OSError):
                    got = None
                self.assertEqual((got, self.sim.alive(number)), (status, lives))
                # To ask again with the old one is safe exactly when it lives; a look at itself always is.
                probe = self.sim.ask("GET", f"{PAT}/self", token="bob-other")
                self.assertEqual((probe.status, REVOKED in probe.text), (200, False) if lives else (401, True))
                self.assertEqual(len([t for t in self.sim.ask("GET", "/sim/tokens?name=other").json if t["alive"]]), 1)

    def test_two_hands_at_once_may_fork_a_family(self):
        number = self.number("bob-other")
        first = self.sim.act("rotate", token=number)
        second = self.sim.act("rotate", token=number)
        self.assertTrue(self.sim.alive(first["id"]) and self.sim.alive(second["id"]))
        # Whoever presents the common ancestor kills both.
        self.rotate(f"{PAT}/self", "bob-other")
        self.assertFalse(self.sim.alive(first["id"]) or self.sim.alive(second["id"]))


if __name__ == "__main__":
    unittest.main()
