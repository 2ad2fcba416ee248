"""The simulator's own rules: who may rotate what, what a refusal looks like, who dies."""
import http.client
import socket
import subprocess
import sys
import threading
import time
import unittest
import zlib

from sim_client import ROOT, Sim, binary

UNAUTHORIZED = {"message": "401 Unauthorized"}
REVOKED = {"error": "invalid_token",
           "error_description": "Token was revoked. You have to re-authorize from the user."}
EXPIRED = {"error": "invalid_token",
           "error_description": "Token is expired. You can either do re-authorization or token refresh."}


def pat(name, secret, **more):
    return {"name": name, "secret": secret, "scopes": ["api"], "expires": "+30d", **more}


WORLD = {
    "users": [
        {"username": "alice", "tokens": [pat("agent", "alice-1"), pat("other", "alice-2")]},
        {"username": "bob", "tokens": [
            pat("bob", "bob-1"), pat("read", "bob-read", scopes=["read_api"]),
            pat("turn", "bob-turn", scopes=["self_rotate"]),
            pat("old", "bob-old", expires="-1d"), pat("today", "bob-today", expires="+0d"),
            pat("dead", "bob-dead", revoked=True),
            pat("dead-old", "bob-dead-old", revoked=True, expires="-1d"),
            pat("imp", "bob-imp", impersonation=True)]},
        {"username": "carol", "state": "blocked", "tokens": [pat("carol", "carol-1")]},
        {"username": "dave", "tokens": [pat("dave", "dave-1")]},
        {"username": "eve", "admin": True, "tokens": [
            pat("eve", "eve-1"), pat("eve-admin", "eve-2", scopes=["api", "admin_mode"])]},
    ],
    "service_accounts": [{"username": "deployer", "tokens": [pat("deploy", "deployer-1")]}],
    "groups": [{"path": "platform", "members": [{"user": "alice", "level": "owner"},
                                                {"user": "dave", "level": "developer"}],
                "tokens": [pat("group-ci", "group-1", access_level="maintainer")],
                "variables": [{"key": "G", "value": "1"},
                              {"key": "G", "value": "2", "environment_scope": "prod"}],
                "service_accounts": [{"username": "ci-bot", "tokens": [pat("sa", "sa-1")]}]}],
    "projects": [{"path": "platform/api", "members": [{"user": "bob", "level": "maintainer"}],
                  "tokens": [pat("ci", "project-1", access_level="developer"),
                             pat("ci-owner", "project-2", access_level="owner")]},
                 {"path": "platform/web"}],
}


class Case(unittest.TestCase):
    version = "18.11.5"
    world = WORLD

    def setUp(self):
        self.sim = Sim(self.world, self.version)
        self.ask = self.sim.ask

    def tearDown(self):
        self.sim.close()

    def number(self, name):
        return self.sim.truth(name=name)["id"]

    def check(self, answer, status, body=None):
        self.assertEqual((answer.status, answer.json if body is not None else None),
                         (status, body), answer.text)


class Credentials(Case):
    def test_each_state_of_a_credential_has_its_answer(self):
        rows = [("no token", None, UNAUTHORIZED), ("unknown", "nonsense", UNAUTHORIZED),
                ("expired", "bob-old", EXPIRED), ("expires today", "bob-today", EXPIRED),
                ("revoked", "bob-dead", REVOKED),
                ("revoked and expired", "bob-dead-old", EXPIRED)]
        for name, token, body in rows:
            with self.subTest(name):
                self.check(self.ask("GET", "/personal_access_tokens/self", token=token), 401, body)

    def test_bearer_is_as_good_as_private_token(self):
        answer = self.ask("GET", "/user", token=None, headers={"Authorization": "Bearer bob-1"})
        self.assertEqual(answer.json["username"], "bob")

    def test_a_blocked_owner_is_told_so(self):
        self.check(self.ask("GET", "/user", token="carol-1"), 403,
                   {"message": "403 Forbidden - Your account has been blocked."})

    def test_scopes_decide(self):
        lacking = {"error": "insufficient_scope", "error_description": "The request requires higher "
                   "privileges than provided by the access token.", "scope": "api"}
        self.check(self.ask("POST", "/projects", {"name": "x"}, "bob-read"), 403, lacking)
        self.assertEqual(self.ask("GET", "/user", token="bob-turn").status, 403)
        self.assertEqual(self.ask("GET", "/personal_access_tokens/self", token="bob-turn").status, 200)
        self.assertEqual(self.ask("POST", "/personal_access_tokens/self/rotate", token="bob-turn").status, 200)

    def test_admin_mode_wants_its_scope(self):
        self.assertEqual(self.ask("GET", "/service_accounts", token="eve-1").status, 200)
        self.ask("PUT", "/application/settings", {"admin_mode": True})
        self.check(self.ask("GET", "/service_accounts", token="eve-1"), 403, {"message": "403 Forbidden"})
        self.assertEqual(self.ask("GET", "/service_accounts", token="eve-2").status, 200)

    def test_unknown_routes(self):
        self.check(self.ask("GET", "/nothing"), 404, {"error": "404 Not Found"})


class Rotation(Case):
    """actor, target → status, and who is alive after it."""

    def test_by_id(self):
        rows = [  # actor, target, status, message, target lives on
            ("bob-1", "bob", 200, None, False),
            (ROOT, "agent", 200, None, False),
            ("dave-1", "other", 401, "401 Unauthorized", True),
            (ROOT, "old", 200, None, False),
            (ROOT, "dead", 400, "400 Bad request - Token already revoked", False),
            (ROOT, "carol", 200, None, False),
            (ROOT, "deploy", 200, None, False),
            (ROOT, "imp", 200, None, False),
        ]
        for actor, target, status, message, lives in rows:
            with self.subTest(f"{target} by {actor}"):
                number = self.number(target)
                answer = self.ask("POST", f"/personal_access_tokens/{number}/rotate", {}, actor)
                self.assertEqual(answer.status, status, answer.text)
                self.assertEqual(answer.json.get("message"), message)
                self.assertEqual(self.sim.alive(number), lives)
                if status == 200:
                    self.assertEqual(self.sim.truth(id=answer.json["id"])["predecessor"], number)
                    self.assertEqual(answer.json["expires_at"], "2026-11-28")

    def test_unknown_ids(self):
        self.check(self.ask("POST", "/personal_access_tokens/9999/rotate"), 404, {"message": "404 Not Found"})
        self.check(self.ask("POST", "/personal_access_tokens/9999/rotate", token="bob-1"), 401, UNAUTHORIZED)
        self.check(self.ask("DELETE", "/personal_access_tokens/9999", token="bob-1"), 404, {"message": "404 Not found"})
        self.check(self.ask("GET", "/personal_access_tokens/x"), 400, {"error": "id is invalid"})

    def test_reuse_kills_descendants_of_the_presented_credential_only(self):
        path = "/personal_access_tokens/{}/rotate"
        elsewhere = self.number("agent")
        rows = [  # method, path, whether the family dies
            ("GET", "/personal_access_tokens/self", False),
            ("GET", "/user", False),
            ("POST", "/personal_access_tokens/self/rotate/", False),
            ("POST", "/personal_access_tokens/self/rotate.json", False),
            ("POST", "/personal_access_tokens/self/rotate", True),
            ("POST", path.format(elsewhere), True),
            ("GET", path.format(1), True),
            ("POST", "/projects/1/access_tokens/5/rotate", True),
            ("POST", "/groups/none/access_tokens/self/rotate", True),
        ]
        for method, target, dies in rows:
            with self.subTest(f"{method} {target}"):
                first = self.sim.act("create_token", kind="personal", owner="alice", name="f")
                second = self.sim.act("rotate", token=first["id"])
                third = self.sim.act("rotate", token=second["id"])
                answer = self.ask(method, target, token=first["secret"])
                self.assertIn(answer.status, (401, 404, 405))
                self.assertEqual(self.sim.alive(third["id"]), not dies)
                self.assertTrue(self.sim.alive(elsewhere))

    def test_reuse_of_an_expired_credential_harms_nobody(self):
        second = self.sim.act("rotate", token=self.number("agent"), expires_at="2027-03-01")
        self.ask("POST", "/sim/clock", {"advance": "40d"})
        answer = self.ask("POST", "/personal_access_tokens/self/rotate", token="alice-1")
        self.check(answer, 401, EXPIRED)
        self.assertTrue(self.sim.alive(second["id"]))

    def test_a_fork_has_two_living_heads(self):
        number = self.number("agent")
        heads = [self.sim.act("rotate", token=number)["id"] for _ in range(2)]
        self.assertEqual([self.sim.alive(head) for head in heads], [True, True])
        self.ask("POST", "/personal_access_tokens/self/rotate", token="alice-1")
        self.assertEqual([self.sim.alive(head) for head in heads], [False, False])

    def test_a_refused_rotation_leaves_the_old_token(self):
        answer = self.ask("POST", "/personal_access_tokens/self/rotate", {"expires_at": "2027-11-22"}, "alice-1")
        self.check(answer, 400, {"message": "400 Bad request - Expiration date must be before 2027-11-21"})
        answer = self.ask("POST", "/personal_access_tokens/self/rotate", {"expires_at": "soon"}, "alice-1")
        self.check(answer, 400, {"error": "expires_at is invalid"})
        self.assertTrue(self.sim.alive(self.number("agent")))
        answer = self.ask("POST", "/personal_access_tokens/self/rotate", {"expires_at": "2027-11-21"}, "alice-1")
        self.assertEqual((answer.status, answer.json["expires_at"]), (200, "2027-11-21"))

    def test_without_the_requirement_nothing_expires(self):
        self.ask("PUT", "/application/settings", {"require_personal_access_token_expiry": "false"})
        answer = self.ask("POST", "/personal_access_tokens/self/rotate", token="alice-1")
        self.assertIsNone(answer.json["expires_at"])
        answer = self.ask("POST", f"/personal_access_tokens/{self.number('deploy')}/rotate")
        self.assertEqual(answer.json["expires_at"], "2026-11-28")

    def test_a_lifetime_limit_bounds_dates_and_defaults(self):
        self.ask("PUT", "/application/settings", {"max_personal_access_token_lifetime": 5})
        answer = self.ask("POST", "/personal_access_tokens/self/rotate", {"expires_at": "2026-12-01"}, "alice-1")
        self.check(answer, 400, {"message": "400 Bad request - Expiration date must be before 2026-11-26"})
        answer = self.ask("POST", "/personal_access_tokens/self/rotate", token="alice-1")
        self.assertEqual(answer.json["expires_at"], "2026-11-26")

    def test_secrets_are_routable_with_a_right_checksum(self):
        secret = self.ask("POST", "/personal_access_tokens/self/rotate", token="alice-1").json["token"]
        front, crc = secret[:-7], int(secret[-7:], 36)
        self.assertTrue(secret.startswith("glpat-"))
        self.assertEqual(zlib.crc32(front.encode()), crc)
        self.assertEqual(int(front[-2:], 36), len(secret.split(".")[0]) - len("glpat-"))


class ResourceTokens(Case):
    def test_rotate(self):
        project, group = "/projects/platform%2Fapi", "/groups/platform"
        rows = [  # actor, path, token, status, message
            ("bob-1", project, "ci", 200, None),
            ("bob-1", project, "ci-owner", 400, "400 Bad request - Not eligible to rotate tokens with "
                                                "permissions not held by the user"),
            ("alice-1", project, "ci-owner", 200, None),
            ("dave-1", project, "ci", 401, "401 Unauthorized"),
            ("bob-1", group, "group-ci", 401, "401 Unauthorized"),
            ("alice-1", group, "ci", 401, "401 Unauthorized"),
            (ROOT, group, "ci", 404, "404 Not Found"),
            ("alice-1", group, "group-ci", 200, None),
            ("group-1", group, "group-ci", 401, None),
            ("bob-1", "/projects/platform%2Fweb", "ci", 404, "404 Project Not Found"),
        ]
        numbers = {name: self.number(name) for name in ("ci", "ci-owner", "group-ci")}
        for actor, base, name, status, message in rows:
            with self.subTest(f"{name} by {actor}"):
                path = f"{base}/access_tokens/{numbers[name]}/rotate"
                answer = self.ask("POST", path, {}, actor)
                self.assertEqual((answer.status, answer.json.get("message")), (status, message))

    def test_self_rotate(self):
        rows = [("project-1", "/projects/platform%2Fapi", 200), ("group-1", "/groups/platform", 200),
                ("project-2", "/projects/platform%2Fweb", 404), ("bob-1", "/projects/platform%2Fapi", 405),
                ("group-1", "/groups/platform", 401)]
        for actor, base, status in rows:
            with self.subTest(f"{base} by {actor}"):
                answer = self.ask("POST", f"{base}/access_tokens/self/rotate", token=actor)
                self.assertEqual(answer.status, status, answer.text)
                if status == 200:
                    self.assertIn("access_level", answer.json)

    def test_create_list_get_delete(self):
        base = "/projects/platform%2Fapi/access_tokens"
        made = self.ask("POST", base, form=[("name", "n"), ("scopes[]", "read_api"), ("scopes[]", "read_registry"),
                                            ("access_level", "30")], token="bob-1")
        self.assertEqual(made.status, 201, made.text)
        self.assertEqual((made.json["scopes"], made.json["expires_at"]), (["read_api", "read_registry"], "2027-11-21"))
        self.assertEqual([t["name"] for t in self.ask("GET", base, token="bob-1").json], ["ci", "ci-owner", "n"])
        self.check(self.ask("GET", base, token="dave-1"), 401, UNAUTHORIZED)
        self.check(self.ask("DELETE", base + "/999", token="bob-1"), 404,
                   {"message": "404 project Access Token Not Found"})
        one = f"{base}/{made.json['id']}"
        self.check(self.ask("DELETE", one, token="dave-1"), 400, {"message": "400 Bad request - dave cannot delete n"})
        self.assertEqual(self.ask("DELETE", one, token="bob-1").status, 204)
        self.assertFalse(self.ask("GET", one, token="bob-1").json["active"])
        bot = self.sim.truth(name="n")
        self.assertRegex(bot["username"], r"^project_10_bot_[0-9a-f]{32}$")
        self.assertEqual(self.ask("GET", f"/projects/10/members/{bot['user_id']}").json["access_level"], 30)

    def test_refused_creation(self):
        base = "/projects/platform%2Fapi/access_tokens"
        good = {"name": "n", "scopes": ["api"]}
        rows = [({}, "bob-1", {"error": "name is missing, scopes is missing"}),
                ({**good, "scopes": ["sudo"]}, "bob-1", {"error": "scopes does not have a valid value"}),
                ({**good, "access_level": 33}, "bob-1", {"error": "access_level does not have a valid value"}),
                ({**good, "access_level": "x"}, "bob-1", {"error": "access_level is invalid"}),
                ({**good, "access_level": 50}, "bob-1", {"message": "400 Bad request - Access level of the token "
                                                         "contains permissions not held by the creating user"}),
                (good, "project-2", {"message": "400 Bad request - User does not have permission to create "
                                                "project access token"}),
                ({**good, "expires_at": "2027-11-22"}, "bob-1",
                 {"message": "400 Bad request - Expiration date must be before 2027-11-21"})]
        for body, actor, wrong in rows:
            with self.subTest(wrong):
                self.check(self.ask("POST", base, body, actor), 400, wrong)


class ServiceAccounts(Case):
    def test_of_a_group(self):
        base = "/groups/platform/service_accounts"
        user = self.sim.truth(name="sa")["user_id"]
        tokens = f"{base}/{user}/personal_access_tokens"
        self.assertEqual(self.ask("GET", base, token="dave-1").status, 403)
        self.assertEqual(self.ask("POST", base, {}, "alice-1").status, 403)
        self.assertEqual(list(self.ask("POST", base, {}).json), ["id", "username", "public_email", "name", "email"])
        made = self.ask("POST", tokens, {"name": "t", "scopes": "api,read_api"}, "alice-1")
        self.assertEqual((made.status, made.json["scopes"]), (201, ["api", "read_api"]))
        self.check(self.ask("POST", tokens, {"name": "t", "scopes": ["api"], "expires_at": "2028-01-01"}), 422,
                   {"message": "Expiration date must be before 2027-11-21"})
        turned = self.ask("POST", f"{tokens}/{made.json['id']}/rotate", {"expires_at": "2027-01-01"}, "alice-1")
        self.assertEqual((turned.status, turned.json["expires_at"]), (200, "2027-01-01"))
        self.check(self.ask("POST", f"{tokens}/{made.json['id']}/rotate", {}), 400,
                   {"message": "400 Bad request - Token already revoked"})
        self.check(self.ask("POST", f"{tokens}/999/rotate", {}), 404, {"message": "404 Personal Access Token Not Found"})
        self.check(self.ask("GET", f"{base}/999/personal_access_tokens"), 404, {"message": "404 User Not Found"})
        self.assertEqual(self.ask("DELETE", f"{tokens}/{turned.json['id']}").status, 204)
        self.assertEqual(len(self.ask("GET", tokens).json), 3)
        self.assertEqual(self.ask("GET", tokens + "?pagination=keyset").status, 405)

    def test_of_a_project_and_the_instance(self):
        made = self.ask("POST", "/projects/10/service_accounts", {})
        self.assertRegex(made.json["username"], r"^service_account_project_10_[0-9a-f]{32}$")
        self.assertEqual(self.ask("POST", "/service_accounts", {"username": "x", "name": "X"}).json["username"], "x")
        self.assertEqual(self.ask("GET", "/service_accounts", token="bob-1").status, 403)


class Lists(Case):
    world = {"users": [{"username": "alice", "tokens": [
        {"name": "many", "count": 105}, pat("alpha", "a-1", created="-10d", last_used="-2d"),
        pat("beta", "a-2", expires="+0d"), pat("gamma", "a-3", expires=None)]},
        {"username": "bob", "tokens": [pat("bob", "bob-1")]}]}

    def names(self, query, token="a-3"):
        return [t["name"] for t in self.ask("GET", "/personal_access_tokens?" + query, token=token).json]

    def test_pages_carry_all_headers(self):
        answer = self.ask("GET", "/personal_access_tokens?per_page=50&page=2", token="a-3")
        self.assertEqual([answer.headers[k] for k in ("x-page", "x-per-page", "x-next-page", "x-prev-page", "x-total",
                                                      "x-total-pages")], ["2", "50", "3", "1", "108", "3"])
        self.assertEqual([part.split("; ")[1] for part in answer.headers["link"].split(", ")],
                         ['rel="prev"', 'rel="next"', 'rel="first"', 'rel="last"'])
        last = self.ask("GET", "/personal_access_tokens?per_page=500&page=2", token="a-3")
        self.assertEqual((last.headers["x-per-page"], last.headers["x-next-page"], len(last.json)), ("100", "", 8))

    def test_filters(self):
        self.assertEqual(self.names("search=alp"), ["alpha"])
        self.assertEqual(self.names("created_before=2026-11-20T00:00:00Z"), ["alpha"])
        self.assertEqual(self.names("last_used_after=2026-11-01T00:00:00Z&last_used_before=2026-11-20T00:00:00Z"),
                         ["alpha"])
        self.assertEqual(self.names("expires_before=2026-11-22"), ["beta"])
        self.assertNotIn("beta", self.names("state=active&per_page=100&page=2"))
        self.assertEqual(self.names("state=inactive"), [])
        self.assertEqual(self.names("sort=name_asc&per_page=2"), ["alpha", "beta"])
        self.assertEqual(self.names("sort=nonsense&per_page=1"), ["many-0001"])
        self.check(self.ask("GET", "/personal_access_tokens?state=x"), 400,
                   {"error": "state does not have a valid value"})

    def test_whose(self):
        self.assertEqual(self.names("search=bob", ROOT), ["bob"])
        self.assertEqual(self.names("search=bob"), [])
        self.check(self.ask("GET", "/personal_access_tokens?user_id=3", token="a-3"), 401, UNAUTHORIZED)
        self.assertEqual(self.ask("GET", "/personal_access_tokens?user_id=99").status, 404)
        self.assertEqual(self.names("user_id=3", ROOT), ["bob"])


class Variables(Case):
    base = "/projects/10/variables"
    many = {"message": "There are multiple variables with provided parameters. "
                       "Please use 'filter[environment_scope]'"}

    def test_scopes_and_ambiguity(self):
        for scope in ("*", "prod"):
            self.assertEqual(self.ask("POST", self.base, {"key": "K", "value": scope, "environment_scope": scope},
                                      "bob-1").status, 201)
        self.check(self.ask("POST", self.base, {"key": "K", "value": "x"}), 400,
                   {"message": {"key": ["(K) has already been taken"]}})
        chosen = self.base + "/K?filter%5Benvironment_scope%5D=prod"
        for method in ("GET", "PUT", "DELETE"):
            self.check(self.ask(method, self.base + "/K", {}), 409, self.many)
        self.assertEqual(self.ask("GET", chosen).json["value"], "prod")
        self.assertEqual(self.ask("PUT", self.base + "/K", {"value": "n", "filter": {"environment_scope": "prod"}})
                         .json["value"], "n")
        self.check(self.ask("PUT", self.base + "/K?filter[environment_scope]=no", {"value": "n"}), 404,
                   {"message": "404 Variable Not Found"})
        self.assertEqual(self.ask("DELETE", chosen).status, 204)
        self.assertEqual(self.ask("GET", self.base + "/K").json["value"], "*")

    def test_validation(self):
        rows = [({"key": "A-B", "value": "x"}, {"key": ["can contain only letters, digits and '_'."]}),
                ({"key": "A", "value": "short", "masked": True}, {"value": ["is invalid"]}),
                ({"key": "A", "value": "long with blanks", "masked": True, "raw": True}, {"value": ["is invalid"]}),
                ({"key": "A", "value": "odd$ymbol", "masked": True}, {"value": ["is invalid"]})]
        for body, wrong in rows:
            with self.subTest(wrong):
                self.check(self.ask("POST", self.base, body), 400, {"message": wrong})
        self.assertEqual(self.ask("POST", self.base, {"key": "A", "value": "odd$ymbol", "masked": True, "raw": True})
                         .status, 201)
        self.check(self.ask("PUT", self.base + "/A", {"value": "short"}), 400, {"message": {"value": ["is invalid"]}})
        self.assertEqual(self.ask("GET", self.base + "/A").json["value"], "odd$ymbol")
        self.check(self.ask("POST", self.base, {"key": "B"}), 400, {"error": "value is missing"})

    def test_hidden_values_never_come_back(self):
        made = self.ask("POST", self.base, {"key": "H", "value": "12345678", "masked_and_hidden": True})
        self.assertEqual((made.json["value"], made.json["hidden"], made.json["masked"]), (None, True, True))
        self.assertIsNone(self.ask("PUT", self.base + "/H", {"value": "abcdefgh"}).json["value"])
        self.assertEqual(self.ask("GET", "/sim/variables?key=H").json[0]["value"], "abcdefgh")
        self.check(self.ask("PUT", self.base + "/H", {"masked": False}), 400, {"message": {"base": [
            "The visibility setting cannot be changed for masked and hidden variables."]}})

    def test_a_group_put_picks_any_row(self):
        base = "/groups/platform/variables/G"
        self.check(self.ask("GET", base), 409, self.many)
        self.assertEqual(self.ask("PUT", base, {"value": "x"}).json["environment_scope"], "*")
        wrong = self.ask("PUT", base + "?filter[environment_scope]=none", {"value": "y"})
        self.assertEqual((wrong.status, wrong.json["environment_scope"]), (200, "*"))
        self.assertEqual(self.ask("GET", base + "?filter[environment_scope]=prod").json["value"], "2")

    def test_roles(self):
        self.check(self.ask("GET", self.base, token="dave-1"), 403, {"message": "403 Forbidden"})
        self.assertEqual(self.ask("GET", "/projects/11/variables", token="bob-1").status, 404)
        self.assertEqual(self.ask("GET", "/groups/platform/variables", token="alice-1").status, 200)
        self.assertEqual(self.ask("GET", "/admin/ci/variables", token="alice-1").status, 403)
        made = self.ask("POST", "/admin/ci/variables", {"key": "I", "value": "1"})
        self.assertEqual(sorted(made.json), ["description", "key", "masked", "protected", "raw", "value",
                                             "variable_type"])


class Places(Case):
    def test_a_renamed_project_moves(self):
        self.sim.act("rename_project", path="platform/api", to="platform/new")
        answer = self.ask("GET", "/projects/platform%2Fapi/variables?page=1")
        self.assertEqual(answer.status, 301)
        self.assertTrue(answer.headers["location"].endswith("/api/v4/projects/10/variables?page=1"))
        self.assertEqual(self.ask("GET", "/projects/platform%2Fnew").json["id"], 10)

    def test_hierarchy_and_members(self):
        self.assertEqual([p["path_with_namespace"] for p in self.ask(
            "GET", "/groups/platform/projects?include_subgroups=true").json], ["platform/web", "platform/api"])
        alice = self.ask("GET", "/users?username=alice").json[0]["id"]
        self.assertEqual(self.ask("GET", f"/projects/10/members/{alice}").status, 404)
        self.assertEqual(self.ask("GET", f"/projects/10/members/all/{alice}").json["access_level"], 50)
        self.assertEqual([p["id"] for p in self.ask("GET", "/projects?membership=true", token="bob-1").json], [10])


class DeployTokens(Case):
    def test_live_and_vanish(self):
        base = "/projects/10/deploy_tokens"
        made = self.ask("POST", base, {"name": "gitlab-deploy-token", "scopes": ["read_registry"]}, "bob-1")
        self.assertEqual((made.status, made.json["username"]), (201, "gitlab+deploy-token-1"))
        self.assertEqual(list(made.json), ["id", "name", "username", "expires_at", "scopes", "revoked", "expired",
                                           "token"])
        dated = self.ask("POST", base, {"name": "x", "scopes": "read_registry,read_repository", "username": "u",
                                        "expires_at": "2026-11-21T09:00:00Z"})
        self.assertEqual((dated.json["expired"], dated.json["username"]), (False, "u"))
        self.assertEqual([t["id"] for t in self.ask("GET", base + "?active=true").json], [1])
        self.check(self.ask("GET", base, token="dave-1"), 403, {"message": "403 Forbidden"})
        self.assertEqual(self.ask("DELETE", base + "/1").status, 204)
        self.check(self.ask("DELETE", base + "/1"), 404, {"message": "404 Not found"})
        self.check(self.ask("POST", base, {"name": "x", "scopes": []}), 400, {"message": "Scopes can't be blank"})
        self.assertEqual(len(self.ask("GET", "/deploy_tokens").json), 1)


class Faults(Case):
    path = "/personal_access_tokens/self/rotate"

    def test_drops(self):
        for kind, rotated in (("drop_before_commit", False), ("drop_after_commit", True)):
            with self.subTest(kind):
                self.sim.fault(kind, method="POST", path="*/rotate")
                with self.assertRaises((http.client.HTTPException, OSError)):
                    self.ask("POST", self.path, token="bob-1")
                self.assertEqual(self.sim.ask("GET", "/sim/tokens?name=bob").json[0]["alive"], not rotated)
                last = self.ask("GET", "/sim/requests").json[-1]
                self.assertEqual((last["status"], last["fault"]), (None, kind))

    def test_answers(self):
        rows = [("garbage", {}, 200), ("wrong_content_type", {}, 200), ("status", {"status": 502, "body": "bad"}, 502),
                ("too_many", {"retry_after": 7}, 429), ("redirect", {"location": "/x"}, 301)]
        for kind, more, status in rows:
            with self.subTest(kind):
                self.sim.fault(kind, path="/user", **more)
                answer = self.ask("GET", "/user")
                self.assertEqual(answer.status, status)
                self.assertRaises(ValueError, lambda: answer.json)
        self.assertEqual(self.ask("GET", "/user").status, 200)
        self.assertEqual([rule["hits"] for rule in self.ask("GET", "/sim/faults").json], [1] * 5)

    def test_cut_body_commits(self):
        self.sim.fault("cut_body", path="rotate")
        with self.assertRaises(http.client.IncompleteRead):
            self.ask("POST", self.path, token="alice-1")
        self.assertFalse(self.sim.ask("GET", "/sim/tokens?name=agent").json[0]["alive"])

    def test_the_nth_is_hit_so_many_times(self):
        self.sim.fault("status", path="/user", nth=2, times=2)
        self.assertEqual([self.ask("GET", "/user").status for _ in range(4)], [200, 503, 503, 200])

    def test_a_delay_holds_up_nobody_else(self):
        self.sim.fault("delay", path="/user")
        slow = http.client.HTTPConnection(self.sim.address)
        slow.request("GET", "/api/v4/user", headers={"PRIVATE-TOKEN": ROOT})
        while not self.ask("GET", "/sim/faults").json[0]["hits"]:
            time.sleep(0.01)
        self.assertEqual(self.ask("GET", "/personal_access_tokens/self").status, 200)
        self.sim.release()
        self.assertEqual(slow.getresponse().status, 200)
        slow.close()


class Behaviour(Case):
    def test_maintenance_refuses_writes_only(self):
        self.ask("PUT", "/application/settings", {"maintenance_mode": True})
        self.assertEqual(self.ask("POST", "/personal_access_tokens/self/rotate", token="alice-1").status, 503)
        self.assertEqual(self.ask("GET", "/user", token="alice-1").status, 200)

    def test_associations(self):
        found = self.ask("GET", "/personal_access_tokens/self/associations", token="bob-1").json
        self.assertEqual(([g["id"] for g in found["groups"]], [p["id"] for p in found["projects"]]), ([], [10]))

    def test_requests_are_recorded_without_the_credential(self):
        self.ask("POST", "/personal_access_tokens/self/rotate?a=b", {"expires_at": "2027-01-01"}, "alice-1")
        self.ask("GET", "/user", token="alice-1")
        first, second = self.ask("GET", "/sim/requests").json
        self.assertEqual((first["method"], first["query"], first["body"], first["status"], first["credential"]),
                         ("POST", "a=b", {"expires_at": "2027-01-01"}, 200, "active"))
        self.assertEqual((second["credential"], second["status"]), ("revoked", 401))
        self.assertEqual(len(self.ask("GET", "/sim/requests?method=GET&path=*/user").json), 1)
        self.ask("DELETE", "/sim/requests")
        self.assertEqual(self.ask("GET", "/sim/requests").json, [])

    def test_the_clock_is_the_simulators(self):
        self.ask("POST", "/sim/clock", {"set": "2026-12-21T10:00:00Z"})
        answer = self.ask("GET", "/user", token="alice-1")
        self.check(answer, 401, EXPIRED)
        self.assertIn("21 Dec 2026 10:00", answer.headers["date"])

    def test_many_at_once(self):
        def work():
            connection = http.client.HTTPConnection(self.sim.address)
            for _ in range(50):
                connection.request("GET", "/api/v4/user", headers={"PRIVATE-TOKEN": ROOT})
                statuses.append((connection.getresponse().read(), 0)[1])
            connection.close()
        statuses = []
        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(statuses), 800)

    def test_nonsense_does_not_kill_it(self):
        host, port = self.sim.address.split(":")
        for data in (b"\x00\xff\r\n\r\n", b"GET /api/v4/%zz%00 HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"POST /api/v4/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
                     b"GET /api/v4/personal_access_tokens?a[=1&[]=2&page[]=3 HTTP/1.1\r\nHost: x\r\n\r\n"):
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(4096)
        self.assertEqual(self.ask("GET", "/version").status, 200)


class Versions(unittest.TestCase):
    def rotated(self, version, body, path="/personal_access_tokens/self/rotate", token="alice-1"):
        with Sim(WORLD, version) as sim:
            return sim.ask("POST", path, body, token)

    def test_rotation_learnt_its_parts(self):
        by_id = "/personal_access_tokens/100/rotate"
        rows = [("16.5.0", by_id, "2026-11-28"), ("16.6.0", by_id, "2027-01-01")]
        for version, path, expires in rows:
            with self.subTest(version):
                answer = self.rotated(version, {"expires_at": "2027-01-01"}, path, ROOT)
                self.assertEqual(answer.json["expires_at"], expires, answer.text)
        self.assertEqual(self.rotated("16.9.0", {}).json, {"error": "id is invalid"})
        self.assertEqual(self.rotated("16.10.0", {}).status, 200)
        self.assertRegex(self.rotated("17.11.7", {}).json["token"], r"^glpat-[A-Za-z0-9_-]{20}$")

    def test_keys_come_with_releases(self):
        common = ["id", "name", "revoked", "created_at", "scopes", "user_id", "last_used_at", "active", "expires_at"]
        rows = [("16.4", common), ("17.11.7", common[:4] + ["description"] + common[4:]),
                ("18.11.5", common[:4] + ["description"] + common[4:8] + ["granular", "expires_at", "last_used_ips"])]
        for version, keys in rows:
            with self.subTest(version), Sim(WORLD, version) as sim:
                self.assertEqual(list(sim.ask("GET", "/personal_access_tokens/self").json), keys)

    def test_reuse_detection_begins_with_16_3(self):
        for version, lives in (("16.2", True), ("16.3", False)):
            with self.subTest(version), Sim(WORLD, version) as sim:
                second = sim.act("rotate", token=100)
                sim.ask("POST", "/personal_access_tokens/5/rotate", token="alice-1")
                self.assertEqual(sim.alive(second["id"]), lives)

    def test_a_malformed_world_is_refused(self):
        for world in ('{"users":[{"name":"x"}]}', "{", '{"userz":[]}'):
            done = subprocess.run([binary(), "--listen", "127.0.0.1:0", "--version", "18.0", "--root-token", "x",
                                   "--world", "/dev/stdin"], input=world, capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn("gitlab-sim: ", done.stderr)


if __name__ == "__main__":
    binary()
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
