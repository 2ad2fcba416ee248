"""The truth table of rotation and automatic reuse detection: who presents what where, and who dies of it.

Rows follow GitLab's source and specs: lib/gitlab/auth/auth_finders.rb, app/services/personal_access_tokens/
rotate_service.rb and revoke_token_family_service.rb, spec/requests/api/personal_access_tokens/self_rotation_spec.rb.
Each family is T1 → T2 → T3: T1 and T2 were rotated away, T3 lives; S is a sibling of T3 that a race has made."""
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
                "tokens": [pat("family", "group-1")],
                "service_accounts": [{"username": "robot", "tokens": [pat("family", "robot-1")]}]}],
    "projects": [{"path": "shop/api", "tokens": [pat("family", "project-1"),
                                                 pat("stranger", "bot-of-another", access_level="maintainer"),
                                                 pat("high", "high-1", access_level="owner")],
                  "members": [{"user": "eve", "level": "maintainer"}]}]}

# Where the families live, and the path that names one of their tokens.
HOMES = {"bob-1": PAT, "project-1": "/projects/shop%2Fapi/access_tokens", "group-1": "/groups/shop/access_tokens",
         "robot-1": PAT}

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
    ("an id that nobody has, by an administrator", "root", "POST", "99999", "/rotate", 404, "404 Not Found", set()),
    ("an id that nobody has, by somebody", "eve", "POST", "99999", "/rotate", 401, "401 Unauthorized", set()),
    ("somebody else's, by somebody", "eve", "POST", "T3", "/rotate", 401, "401 Unauthorized", set()),
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
            others = {"root": "root-secret", "eve": "eve-1", "nobody": "glpat-nobody"}
            token = others.get(presented) or tokens[presented]["secret"]
            other = self.sim.truth(name="other")["id"]
            at = tokens[target]["id"] if target in tokens else {"other": other}.get(target, target)
            path = at if str(at).startswith("/") else f"{home}/{at}{suffix}"
            answer = self.sim.ask(method, path, {} if method == "POST" else None, token=token)
            if status:
                self.assertEqual(answer.status, status, (what, answer.text))
            if text:
                self.assertIn(text, answer.text, what)
            living = {name for name in ("T3", "S") if self.sim.alive(tokens[name]["id"])}
            self.assertEqual({"T3", "S"} - living, dead, what)

    def test_who_presents_what_where(self):
        for secret, home in HOMES.items():
            for row in REUSE:
                if home != PAT and row[1] in ("eve", "root") and row[3] == "99999":
                    continue  # the words differ: see test_the_words_of_projects_and_groups
                if home == "/projects/shop%2Fapi/access_tokens" and row[1] == "eve":
                    continue  # eve maintains the project
                with self.subTest(family=secret, row=row[0]):
                    self.check(home, secret, row)

    def test_after_the_date_nothing_is_detected(self):
        for secret, home in HOMES.items():
            for row in LATE:
                with self.subTest(family=secret, row=row[0]):
                    self.check(home, secret, row, late=True)


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
        project, group = "/projects/shop%2Fapi/access_tokens", "/groups/shop/access_tokens"
        rows = [
            ("an administrator rotates anybody's", f"{PAT}/{self.number('bob-other')}", "root-secret", {}, 200, "token"),
            ("somebody rotates their own other one", f"{PAT}/{self.number('eve-reads')}", "eve-1", {}, 200, "token"),
            ("a blocked user's, by an administrator", f"{PAT}/{self.number('gone-1')}", "root-secret", {}, 200, "token"),
            ("a blocked user's own hand", f"{PAT}/self", "gone-1", {}, 403, "Your account has been blocked"),
            ("without the scope", f"{PAT}/self", "eve-reads", {}, 403, "insufficient_scope"),
            ("self_rotate is enough for self", f"{PAT}/self", "eve-turns", {}, 200, "token"),
            ("a maintainer's hand on an owner's token", f"{project}/{self.number('high-1')}", "eve-1", {}, 400,
             "400 Bad request - Not eligible to rotate tokens with permissions not held by the user"),
            ("a bot's hand on another bot's token", f"{project}/{self.number('project-1')}", "bot-of-another", {}, 401,
             "401 Unauthorized"),
            ("a group's owner", f"{group}/{self.number('group-1')}", "bob-1", {}, 200, "token"),
            ("a person on a bot's path to self", f"{project}/self", "eve-1", {}, 405, "405"),
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

    def test_the_words_of_projects_and_groups(self):
        for path in ("/projects/shop%2Fapi/access_tokens", "/groups/shop/access_tokens"):
            self.assertEqual(self.rotate(f"{path}/99999", "eve-turns").status, 403)
            self.assertEqual(self.rotate(f"{path}/99999", "bot-of-another").status, 401)
            self.assertEqual(self.rotate(f"{path}/99999", "root-secret").status, 404)

    def test_a_new_one_has_a_new_number_the_old_name_and_was_never_used(self):
        old = self.sim.truth(name="other")
        answer = self.rotate(f"{PAT}/{old['id']}", "root-secret", expires_at="2026-12-24").json
        self.assertGreater(answer["id"], old["id"])
        self.assertEqual((answer["name"], answer["user_id"], answer["scopes"], answer["last_used_at"],
                          answer["expires_at"]), ("other", old["user_id"], ["api"], None, "2026-12-24"))

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
