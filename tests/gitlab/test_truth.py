"""The truth table of rotation and automatic reuse detection: who presents what where, and who dies of it.

Reuse     what a revoked credential does: its state, the method, the path; which of its family die, and that nothing
          revives them. GitLab: lib/gitlab/auth/auth_finders.rb (the condition), app/services/personal_access_tokens/
          revoke_token_family_service.rb with its spec (descendants, living ones only, no ancestors, no siblings), and
          "with a rotated token" of both self_rotation_spec.rb, of personal and of resource tokens.
Actors    who may rotate whose token, by its id and as `self`, in which state of the token, of the owner and of Admin
          Mode, and what the others are told. GitLab: the rotations in spec/requests/api/personal_access_tokens_spec.rb
          and resource_access_tokens_spec.rb, both self_rotation_spec.rb but for scopes.
What a rotation makes of a token, scopes, dates, releases and lost answers: test_rotation.py.

Each family is T1 → T2 → T3: T1 and T2 were rotated away, T3 lives; S is a sibling of T3 that a race has made."""
import json
import unittest

from sim_client import Sim

PAT = "/personal_access_tokens"
REVOKED = "Token was revoked. You have to re-authorize from the user."
EXPIRED = "Token is expired. You can either do re-authorization or token refresh."


def pat(name, secret, **more):
    return {"name": name, "secret": secret, "scopes": ["api"], "expires": "+30d", **more}


WORLD = {
    "users": [{"username": "bob", "tokens": [pat("family", "bob-1"), pat("other", "bob-other"),
                                             pat("family", "lent-1", impersonation=True)]},
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
HOMES = [("bob-1", PAT), ("lent-1", PAT), ("gone-1", PAT), ("project-1", PROJECT), ("project-1", PAT),
         ("group-1", GROUP), ("group-1", PAT), ("robot-1", PAT), ("robot-1", SERVICE)]

# Presented: T1, T2, T3 of the family, or another secret. Target: the id in the path, or self.
# (what it shows, presented, method, target, suffix, status, body or None, who of the family dies)
REUSE = [
    ("an old one on self", "T1", "POST", "self", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("an old one on the living one's id", "T1", "POST", "T3", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("an old one on its own id", "T1", "POST", "T1", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("an old one on a stranger's id", "T1", "POST", "other", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("an old one on an id that nobody has", "T1", "POST", "99999", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("the one in the middle", "T2", "POST", "self", "/rotate", 401, REVOKED, {"T3", "S"}),
    ("a query behind it", "T1", "POST", "self", "/rotate?expires_at=2027-01-01", 401, REVOKED, {"T3", "S"}),
    # The path alone counts; which status a wrong method gets is assumed.
    ("a GET of the path", "T1", "GET", "self", "/rotate", None, None, {"T3", "S"}),
    ("a PUT of it", "T1", "PUT", "T3", "/rotate", None, None, {"T3", "S"}),
    ("a DELETE of it", "T1", "DELETE", "T1", "/rotate", None, None, {"T3", "S"}),
    ("an id that is none", "T1", "POST", "none", "/rotate", None, None, set()),
    ("a number that goes on", "T1", "POST", "12x", "/rotate", None, None, set()),
    ("a word that begins with self", "T1", "POST", "selfish", "/rotate", None, None, set()),
    ("a path that goes on", "T1", "POST", "self", "/rotate/now", None, None, set()),
    ("a final slash is another path", "T1", "POST", "self", "/rotate/", None, None, set()),
    ("so is a format", "T1", "POST", "self", "/rotate.json", None, None, set()),
    ("an old one on a reading", "T1", "GET", "self", "", 401, REVOKED, set()),
    ("an old one on a deletion", "T1", "DELETE", "self", "", 401, REVOKED, set()),
    ("an old one on its own id", "T1", "GET", "T1", "", 401, REVOKED, set()),
    ("an old one on another path", "T1", "GET", "/user", "", 401, REVOKED, set()),
    ("an old one on a list", "T1", "GET", "/projects", "", 401, REVOKED, set()),
    ("the living one on an old id", "T3", "POST", "T1", "/rotate", None, None, set()),
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


# The same on other paths than the family's own: what counts is how they end. Which status paths get that are not
# there is not asked.
PATHS = [(PAT, True), (PROJECT, True), (GROUP, True), (SERVICE, True), ("/projects/99999/access_tokens", True),
         ("/groups/nowhere/access_tokens", True), ("/groups/shop/manage/personal_access_tokens", True),
         ("/groups/shop/manage/resource_access_tokens", True), ("/nowhere/access_tokens", True),
         ("/users/2/impersonation_tokens", False), ("/projects/shop%2Fapi/deploy_tokens", False),
         ("/projects/shop%2Fapi/triggers", False), ("/personal_access_token", False)]


class Reuse(unittest.TestCase):
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
                if home == SERVICE and not row[4].startswith("/rotate") and not row[3].startswith("/"):
                    row = (*row[:5], None, None, row[7])
                with self.subTest(family=secret, path=home, row=row[0]):
                    self.check(home, secret, row)

    def test_after_the_date_nothing_is_detected(self):
        for secret, home in HOMES:
            for row in LATE:
                with self.subTest(family=secret, path=home, row=row[0]):
                    self.check(home, secret, row, late=True)

    def test_other_paths(self):
        for secret in dict.fromkeys(secret for secret, _ in HOMES):
            for home, kills in PATHS:
                for target in ("self", "T3") if home == PAT else ("T3",):
                    row = (home, "T1", "POST", target, "/rotate", None, None, {"T3", "S"} if kills else set())
                    with self.subTest(family=secret, path=home, target=target):
                        self.check(home, secret, row)

    def test_however_it_is_presented(self):
        with Sim(WORLD) as self.sim:
            tokens = self.family("bob-1")
            answer = self.sim.ask("POST", f"{PAT}/self/rotate", {}, token=None,
                                  headers={"Authorization": "Bearer " + tokens["T1"]["secret"]})
            self.assertEqual((answer.status, self.sim.alive(tokens["T3"]["id"])), (401, False))

    def test_a_descendant_past_its_date_is_not_touched(self):
        """An old one before it kills it no more: its date has done so."""
        with Sim(WORLD) as self.sim:
            old = next(t for t in self.sim.ask("GET", "/sim/tokens").json if t["secret"] == "bob-1")
            past = self.sim.act("rotate", token=old["id"], expires_at="2026-11-20")["id"]
            heir = self.sim.act("rotate", token=past, expires_at="2027-06-01")["id"]
            spare = self.sim.act("rotate", token=old["id"], expires_at="2026-11-20")["id"]
            self.assertIn(REVOKED, self.sim.ask("POST", f"{PAT}/self/rotate", {}, token="bob-1").text)
            self.assertEqual((self.sim.alive(heir), self.sim.truth(id=spare)["revoked"]), (False, False))

    def test_what_is_seen_of_it_afterwards(self):
        """It looks like any that was revoked, keeps its date, and nothing revives it."""
        for secret, home in HOMES:
            with self.subTest(family=secret, path=home), Sim(WORLD) as self.sim:
                tokens = self.family(secret)
                home = home.format(robot=tokens["T1"]["user_id"])
                self.sim.ask("POST", f"{home}/self/rotate", {}, token=tokens["T1"]["secret"])
                killed = tokens["T3"]
                seen = self.sim.ask("GET", f"{PAT}/{killed['id']}").json
                self.assertEqual((seen["revoked"], seen["active"], seen["expires_at"]), (True, False, "2027-06-01"))
                self.assertFalse(any("previous" in key for key in seen))
                self.assertIn(ALREADY, self.sim.ask("POST", f"{home}/{killed['id']}/rotate", {}).text)
                self.assertIn(REVOKED, self.sim.ask("POST", f"{home}/self/rotate", {}, token=killed["secret"]).text)
                self.assertIn(REVOKED, self.sim.ask("GET", f"{PAT}/self", token=killed["secret"]).text)
                self.assertFalse(self.sim.alive(killed["id"]))

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

# Whom every path by id refuses alike: without the scope, blocked, unknown.
EVERYWHERE = {"eve-reads": (403, "insufficient_scope"), "eve-turns": (403, "insufficient_scope"),
              "gone-1": (403, BLOCKED), "glpat-unknown": NO}
for _, ACTORS in BY_ID.values():
    ACTORS.update({secret: (told, told) for secret, told in EVERYWHERE.items()})

# Tokens that are there, but not below that path.
GONE = (404, "404 Personal Access Token Not Found")
ELSEWHERE = [(PROJECT, "group-1", "root-secret", UNKNOWN), (PROJECT, "group-1", "bob-1", NO),
             (PROJECT, "bob-1", "root-secret", UNKNOWN), (PROJECT, "bob-1", "bob-other", NO),
             (GROUP, "project-1", "root-secret", UNKNOWN), (GROUP, "project-1", "bob-1", NO),
             (GROUP, "robot-1", "root-secret", UNKNOWN), (GROUP, "robot-1", "bob-1", NO),
             (SERVICE, "bob-1", "root-secret", GONE), (SERVICE, "group-1", "bob-1", GONE)]

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

    def begun(self, secret, state, cases):
        """(simulator, actor, expected): what is refused changes nothing, so all of these share a simulator."""
        with self.begin(secret, state) as sim:
            for actor, expected in cases:
                if expected != OK:
                    yield sim, actor, expected
        for actor, expected in cases:
            if expected == OK:
                with self.begin(secret, state) as sim:
                    yield sim, actor, expected

    def test_by_id(self):
        for (path, whose), (secret, actors) in BY_ID.items():
            for state, to_others, to_itself in STATES:
                cases = []
                for actor, (living, _) in actors.items():
                    # That it is revoked already is told before that it ranks higher.
                    told = living == OK or (living[1] == OUTRANKED and "revoked" in state)
                    itself = actor == "itself" and state != "active"
                    cases.append((actor, to_itself if itself else to_others if told else living))
                for sim, actor, expected in self.begun(secret, state, cases):
                    with self.subTest(path=path, whose=whose, state=state, actor=actor):
                        self.check_by_id(sim, path, secret, state, actor, expected)

    def check_by_id(self, sim, path, secret, state, actor, expected):
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

    def test_a_token_of_another_place(self):
        for path, secret, actor, expected in ELSEWHERE:
            with self.subTest(path=path, secret=secret, actor=actor), Sim(self.world) as sim:
                numbers = {t["secret"]: t for t in sim.ask("GET", "/sim/tokens").json}
                home = path.format(robot=numbers["robot-1"]["user_id"])
                answer = sim.ask("POST", f"{home}/{numbers[secret]['id']}/rotate", {}, token=actor)
                self.assertEqual(answer.status, expected[0], answer.text)
                self.assertIn(expected[1], answer.text)
                self.assertTrue(sim.alive(numbers[secret]["id"]))

    def test_admin_mode(self):
        """With Admin Mode on, an administrator's token without that scope is anybody's."""
        world = json.loads(json.dumps({**self.world, "settings": {"admin_mode": True}}))
        world["users"].append({"username": "ada", "admin": True, "tokens": [
            pat("plain", "ada-plain"), pat("full", "ada-full", scopes=["api", "admin_mode"])]})
        rows = [("ada-plain", "bob-1", NO), ("ada-full", "bob-1", OK), ("ada-plain", "99999", NO),
                ("ada-full", "99999", UNKNOWN), ("ada-plain", "ada-full", OK)]
        for actor, target, expected in rows:
            with self.subTest(actor=actor, target=target), Sim(world) as sim:
                number = next((t["id"] for t in sim.ask("GET", "/sim/tokens").json if t["secret"] == target), target)
                answer = sim.ask("POST", f"{PAT}/{number}/rotate", {}, token=actor)
                self.assertEqual(answer.status, expected[0], answer.text)
                self.assertIn(expected[1], answer.text)

    def test_an_owner_that_may_not_come_in(self):
        """(state of the user, what it is told); its token lives on, and does again when the user is let in."""
        rows = [("blocked", BLOCKED), ("ldap_blocked", BLOCKED), ("banned", BLOCKED),
                ("deactivated", "403 Forbidden - Your account has been deactivated by your administrator."),
                ("blocked_pending_approval", "403 Forbidden - Your request to join is pending approval")]
        for state, text in rows:
            world = json.loads(json.dumps(self.world))
            world["users"][2]["state"] = state
            with self.subTest(state), Sim(world) as sim:
                number = sim.truth(name="blocked")["id"]
                for path in ("self", str(number), str(sim.truth(name="other")["id"])):
                    answer = sim.ask("POST", f"{PAT}/{path}/rotate", {}, token="gone-1")
                    self.assertEqual(answer.status, 403)
                    self.assertIn(text, answer.text)
                self.assertTrue(sim.alive(number))

    def test_self(self):
        rows = [(PAT, "lent-1", OK), (PAT, "bob-1", OK), (PAT, "project-1", OK), (PAT, "group-1", OK),
                (PAT, "robot-1", OK),
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


if __name__ == "__main__":
    unittest.main()
