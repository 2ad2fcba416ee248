"""What a rotation makes of a token, which date it gets, who lacks what, and what a lost answer leaves.

Rotation  what the new one has of the old one and what not, dates, scopes, releases, refusals and what they leave.
          GitLab: app/services/personal_access_tokens/rotate_service.rb with its spec, "scoped token" and the deploy
          and job tokens of both self_rotation_spec.rb.
Lost      each answer to a rotation and whether the old token lives after it; the way back to a readable secret.
          GitLab has no spec of it: this follows from its transaction, which ends before the answer is written.
Who presents what where, and reuse: test_truth.py. Not simulated, so not here: OAuth, DPoP and FIPS, a database that
refuses, fine-grained tokens themselves, and what old releases did to memberships."""
import http.client
import json
import unittest

from sim_client import Sim
from test_truth import GROUP, HIDDEN_PROJECT, NO, PAT, PROJECT, REVOKED, EXPIRED, WORLD, pat


class Rotation(unittest.TestCase):

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
        self.assertGreater(answer["created_at"], old["created_at"])
        self.assertEqual((answer["name"], answer["user_id"], answer["scopes"], answer["last_used_at"],
                          answer["expires_at"]), ("other", old["user_id"], ["api"], None, "2026-12-24"))
        self.assertEqual(self.sim.truth(id=answer["id"])["predecessor"], old["id"])
        self.assertFalse(self.sim.alive(old["id"]))

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

    def test_what_goes_over(self):
        """(release, key, of the old one, of the new one)"""
        rows = [("17.6.0", "description", "charts", None), ("17.7.0", "description", "charts", "charts"),
                ("18.11.5", "impersonation", True, True),
                ("18.11.5", "scopes", ["api", "read_user"], ["api", "read_user"])]
        for release, key, before, after in rows:
            world = json.loads(json.dumps(WORLD))
            world["users"][0]["tokens"][1][key] = before
            with self.subTest(release=release, key=key), Sim(world, release) as self.sim:
                answer = self.rotate(f"{PAT}/{self.number('bob-other')}", "root-secret")
                self.assertEqual(answer.status, 200, answer.text)
                where = f"{PAT}/{answer.json['id']}"
                if key == "impersonation":
                    where = f"/users/{answer.json['user_id']}/impersonation_tokens/{answer.json['id']}"
                self.assertEqual(self.sim.ask("GET", where).json.get(key), after)

    def test_dates(self):
        """(release, path, whose, by whom, what is sent, the date it gets, does it live)"""
        week = "2026-11-28"
        robot = self.sim.truth(id=self.number("robot-1"))["user_id"]
        service = f"/groups/shop/service_accounts/{robot}/personal_access_tokens"
        rows = [("16.5.0", PAT, "bob-other", {"expires_at": "2026-12-24"}, week, True),
                ("16.6.0", PAT, "bob-other", {"expires_at": "2026-12-24"}, "2026-12-24", True),
                ("16.5.0", PROJECT, "project-1", {"expires_at": "2026-12-24"}, week, True),
                ("16.6.0", PROJECT, "project-1", {"expires_at": "2026-12-24"}, "2026-12-24", True),
                ("16.5.0", GROUP, "group-1", {"expires_at": "2026-12-24"}, week, True),
                ("16.6.0", GROUP, "group-1", {"expires_at": "2026-12-24"}, "2026-12-24", True),
                ("17.8.0", service, "robot-1", {"expires_at": "2026-12-24"}, week, True),
                ("17.9.0", service, "robot-1", {"expires_at": "2026-12-24"}, "2026-12-24", True),
                ("18.11.5", PAT, "bob-other", {"expires_at": "2027-11-21"}, "2027-11-21", True),
                # A date that has come is taken, and the token is dead when it arrives.
                ("18.11.5", PAT, "bob-other", {"expires_at": "2026-11-21"}, "2026-11-21", False),
                ("18.11.5", PAT, "bob-other", {"expires_at": "2025-01-01"}, "2025-01-01", False),
                ("18.11.5", PAT, "bob-other", {"expires_at": "2026-11-22"}, "2026-11-22", True),
                # What only GitLab's own pages send is not heard here.
                ("18.11.5", PAT, "bob-other", {"keep_token_lifetime": True}, week, True)]
        for release, path, secret, body, date, lives in rows:
            with self.subTest(release=release, path=path, body=body), Sim(WORLD, release) as self.sim:
                answer = self.rotate(f"{path}/{self.number(secret)}", "root-secret", **body)
                self.assertEqual((answer.status, answer.json.get("expires_at")), (200, date), answer.text)
                self.assertEqual((answer.json["active"], self.sim.alive(answer.json["id"])), (lives, lives))

    def test_the_last_day_it_may_have(self):
        """(path, whose, the day after the last): the text says before it, and means up to it."""
        for path, secret in ((PAT, "bob-other"), (PROJECT, "project-1"), (GROUP, "group-1"), (PAT, "robot-1")):
            with self.subTest(path=path, secret=secret), Sim(WORLD) as self.sim:
                where = f"{path}/{self.number(secret)}"
                answer = self.rotate(where, "root-secret", expires_at="2027-11-22")
                self.assertEqual((answer.status, answer.json), (400, {
                    "message": "400 Bad request - Expiration date must be before 2027-11-21"}))
                self.assertTrue(self.sim.alive(self.number(secret)))
                self.assertEqual(self.rotate(where, "root-secret", expires_at="2027-11-21").status, 200)

    def test_scopes(self):
        """`self` wants api or self_rotate, alone or among others; of people, of bots and of impersonation tokens."""
        personal = ["read_api", "read_user", "create_runner", "manage_runner", "k8s_proxy", "read_repository",
                    "write_repository", "read_registry", "write_registry", "ai_features", "sudo", "admin_mode"]
        bots = ["read_api", "create_runner", "manage_runner", "k8s_proxy", "read_repository", "write_repository",
                "read_registry", "write_registry", "ai_features"]
        tokens = [([scope, *more], bool(more) or scope == "api")
                  for more in ([], ["self_rotate"]) for scope in ["api", *personal]] + [(["self_rotate"], True)]
        world = json.loads(json.dumps(WORLD))
        rows = []
        for number, (scopes, enough) in enumerate(tokens):
            for home, where, more in ((world["users"][0], PAT, {}), (world["users"][0], PAT, {"impersonation": True}),
                                      (world["projects"][0], PROJECT, {}), (world["groups"][0], GROUP, {})):
                if where != PAT and scopes[0] in set(personal) - set(bots):
                    continue
                secret = f"s-{len(rows)}-{number}"
                home["tokens"].append(pat(secret, secret, scopes=scopes, **more))
                rows.append((where, secret, scopes, enough))
        with Sim(world) as self.sim:
            for where, secret, scopes, enough in rows:
                with self.subTest(path=where, scopes=scopes):
                    answer = self.rotate(f"{where}/self", secret)
                    self.assertEqual(answer.status, 200 if enough else 403, answer.text)
                    if not enough:
                        self.assertEqual((answer.json["error"], answer.json["scope"]),
                                         ("insufficient_scope", "api self_rotate"))
                        self.assertTrue(self.sim.truth(name=secret)["alive"])

    def test_what_is_no_such_token(self):
        """Deploy and job tokens rotate nothing, however they come."""
        world = json.loads(json.dumps(WORLD))
        world["projects"][0]["deploy_tokens"] = [{"name": "d", "scopes": ["read_registry"], "secret": "gldt-1"}]
        with Sim(world) as self.sim:
            for path in (PAT, PROJECT, GROUP):
                for header in ("Deploy-Token", "JOB-TOKEN", "PRIVATE-TOKEN"):
                    with self.subTest(path=path, header=header):
                        answer = self.sim.ask("POST", f"{path}/self/rotate", {}, token=None, headers={header: "gldt-1"})
                        self.assertEqual((answer.status, answer.json), (401, {"message": "401 Unauthorized"}))

    def test_a_bot_of_another_place_by_what_it_can_see(self):
        rows = [("private", HIDDEN_PROJECT), ("internal", NO), ("public", NO)]
        for visibility, (status, text) in rows:
            world = json.loads(json.dumps(WORLD))
            world["projects"] += [{"path": "far/away", "tokens": [pat("far", "far-1")]}]
            world["projects"][0]["visibility"] = world["groups"][0]["visibility"] = visibility
            for path in (PROJECT, GROUP):
                with self.subTest(visibility=visibility, path=path), Sim(world) as self.sim:
                    answer = self.rotate(f"{path}/self", "far-1")
                    self.assertEqual(answer.status, status, answer.text)
                    self.assertIn(text if path == PROJECT else text.replace("Project", "Group"), answer.text)
                    self.assertTrue(self.sim.alive(self.number("far-1")))

    def test_before_there_was_such_a_path(self):
        """(release, path, secret, status): there `self` was an id that nobody has, and the token is as it was."""
        rows = [("16.9.0", f"{PAT}/self", "bob-other", 400), ("16.10.0", f"{PAT}/self", "bob-other", 200),
                ("17.8.0", f"{PROJECT}/self", "project-1", 401), ("17.9.0", f"{PROJECT}/self", "project-1", 200),
                ("17.8.0", f"{GROUP}/self", "group-1", 401), ("17.9.0", f"{GROUP}/self", "group-1", 200)]
        for release, path, secret, status in rows:
            with self.subTest(release=release, path=path), Sim(WORLD, release) as self.sim:
                self.assertEqual(self.rotate(path, secret).status, status)
                self.assertEqual(self.sim.alive(self.number(secret)), status != 200)

    def test_when_only_fine_grained_ones_may_be_rotated(self):
        """From 19.0 an instance may say so: (whose, status). Bots and accounts are not meant."""
        refused = "400 Bad request - Rotation of legacy personal access tokens is disabled. " \
                  "Use a fine-grained token instead."
        rows = [("18.11.5", "bob-other", 200, None), ("19.0.0", "bob-other", 400, refused),
                ("19.0.0", "project-1", 200, None), ("19.0.0", "robot-1", 200, None)]
        world = {**WORLD, "settings": {"granular_tokens_enforced": True}}
        for release, secret, status, text in rows:
            with self.subTest(release=release, secret=secret), Sim(world, release) as self.sim:
                answer = self.rotate(f"{PAT}/{self.number(secret)}", "root-secret")
                self.assertEqual((answer.status, answer.json.get("message")), (status, text))
                self.assertEqual(self.sim.alive(self.number(secret)), status == 400)

    def test_two_hands_at_once_may_fork_a_family(self):
        number = self.number("bob-other")
        first = self.sim.act("rotate", token=number)
        second = self.sim.act("rotate", token=number)
        self.assertTrue(self.sim.alive(first["id"]) and self.sim.alive(second["id"]))
        # Whoever presents the common ancestor kills both.
        self.rotate(f"{PAT}/self", "bob-other")
        self.assertFalse(self.sim.alive(first["id"]) or self.sim.alive(second["id"]))


class Lost(unittest.TestCase):
    setUp, number, rotate = Rotation.setUp, Rotation.number, Rotation.rotate

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

    def test_maintenance_refuses_before_any_work(self):
        with Sim({**WORLD, "settings": {"maintenance_mode": True}}) as self.sim:
            self.assertEqual(self.rotate(f"{PAT}/self", "bob-other").status, 503)
            self.assertEqual(self.sim.ask("GET", f"{PAT}/self", token="bob-other").status, 200)

    def test_what_a_plain_401_says_is_told_by_a_look_at_oneself(self):
        """(whose token is asked for, by whom, what a look at oneself answers)"""
        rows = [("bob-other", "eve-1", 200), ("bob-other", "glpat-nobody", 401), (None, "eve-1", 200)]
        for target, actor, status in rows:
            number = self.number(target) if target else 99999
            answer = self.rotate(f"{PAT}/{number}", actor)
            self.assertEqual((answer.status, answer.json), (401, {"message": "401 Unauthorized"}))
            self.assertEqual(self.sim.ask("GET", f"{PAT}/self", token=actor).status, status)

    def heirs(self, old):
        """What an independent hand finds of an unreadable successor."""
        found = self.sim.ask("GET", f"{PAT}?user_id={old['user_id']}&revoked=false&search={old['name']}"
                                    f"&created_after=2026-11-21T09:59:00Z&per_page=100").json
        return [t for t in found if t["id"] > old["id"] and t["name"] == old["name"] and t["scopes"] == ["api"]]

    def test_the_way_back(self):
        """A look at oneself, a list by another hand, and a rotation of what it finds, which harms nobody."""
        for secret in ("bob-other", "project-1", "group-1", "robot-1"):
            with self.subTest(secret), Sim(WORLD) as self.sim:
                old = self.sim.truth(id=self.number(secret))
                self.assertEqual(self.heirs(old), [])
                self.sim.fault("drop_after_commit", path="*/rotate")
                with self.assertRaises((http.client.HTTPException, OSError)):
                    self.rotate(f"{PAT}/self", secret)
                for _ in range(2):
                    self.assertIn(REVOKED, self.sim.ask("GET", f"{PAT}/self", token=secret).text)
                [heir] = self.heirs(old)
                self.assertFalse({"token", "previous_personal_access_token_id"} & set(heir))
                self.assertTrue(self.sim.alive(heir["id"]))
                answer = self.rotate(f"{PAT}/{heir['id']}", "root-secret")
                self.assertEqual(answer.status, 200)
                self.assertEqual(self.sim.ask("GET", f"{PAT}/self", token=answer.json["token"]).status, 200)

    def test_a_race_leaves_two_and_a_date_that_came_tells_nothing(self):
        old = self.sim.truth(id=self.number("bob-other"))
        self.sim.act("rotate", token=old["id"])
        self.sim.act("rotate", token=old["id"])
        self.assertEqual(len(self.heirs(old)), 2)
        self.sim.ask("POST", "/sim/clock", {"advance": "40d"})
        self.assertIn(EXPIRED, self.sim.ask("GET", f"{PAT}/self", token="bob-other").text)


if __name__ == "__main__":
    unittest.main()
