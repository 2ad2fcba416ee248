"""Agents, runners, webhooks and what else stands beside tokens: who may, what comes back, what dies."""
import json
import subprocess
import sys
import unittest

from sim_client import DEADLINE, ROOT, Sim, binary

FORBIDDEN = {"message": "403 Forbidden"}
NO_ACCESS = {"message": "403 Forbidden - No access granted"}
NOT_FOUND = {"message": "404 Not found"}


def pat(name, secret, **more):
    return {"name": name, "secret": secret, "scopes": ["api"], "expires": "+30d", **more}


WORLD = {
    "users": [{"username": name, "tokens": [pat(name, name)]}
              for name in ("owner", "keeper", "maintainer", "developer", "stranger")]
    + [{"username": "limited", "tokens": [pat("create", "limited-create", scopes=["create_runner"]),
                                          pat("manage", "limited-manage", scopes=["manage_runner"]),
                                          pat("read", "limited-read", scopes=["read_api"])]}],
    "groups": [{"path": "platform", "id": 20, "members": [{"user": "owner", "level": "owner"},
                                                          {"user": "limited", "level": "owner"},
                                                          {"user": "keeper", "level": "maintainer"}]},
               {"path": "other", "id": 21}],
    "projects": [{"path": "platform/api", "id": 30, "members": [
        {"user": "maintainer", "level": "maintainer"}, {"user": "developer", "level": "developer"}]},
        {"path": "platform/web", "id": 31}],
}


class Case(unittest.TestCase):
    version = "18.11.5"
    world = WORLD

    def setUp(self):
        self.sim = Sim(self.world, self.version)
        self.ask = self.sim.ask

    def tearDown(self):
        self.sim.close()

    def check(self, answer, status, body=None):
        self.assertEqual((answer.status, answer.json if body is not None else None),
                         (status, body), answer.text)

    def statuses(self, method, path, body, rows):
        """rows: who asks, and the status."""
        for who, status in rows:
            with self.subTest(f"{method} {path} by {who}"):
                self.assertEqual(self.ask(method, path, body, who).status, status)


class Agents(Case):
    base = "/projects/30/cluster_agents"

    def setUp(self):
        super().setUp()
        self.agent = self.ask("POST", self.base, {"name": "prod"}, "maintainer").json["id"]
        self.tokens = f"{self.base}/{self.agent}/tokens"

    def token(self, name="a"):
        return self.ask("POST", self.tokens, {"name": name}, "maintainer")

    def test_roles_decide(self):
        self.statuses("GET", self.base, None, [("maintainer", 200), ("developer", 200), ("stranger", 404)])
        self.statuses("POST", self.base, {"name": "x"}, [("developer", 403), ("stranger", 404)])
        self.statuses("POST", self.tokens, {"name": "x"}, [("developer", 403), ("stranger", 404), ("maintainer", 201)])
        self.statuses("GET", self.tokens, None, [("developer", 200), ("stranger", 404)])

    def test_the_secret_is_shown_once(self):
        made = self.token().json
        self.assertRegex(made["token"], r"^glagent-[A-Za-z0-9_-]{50}$")
        self.assertEqual(list(made), ["id", "name", "description", "agent_id", "status", "created_at",
                                      "created_by_user_id", "last_used_at", "token"])
        self.assertNotIn("token", self.ask("GET", f"{self.tokens}/{made['id']}", token="developer").json)
        self.assertNotIn("last_used_at", self.ask("GET", self.tokens, token="developer").json[0])

    def test_an_agent_has_two_active_tokens_at_most(self):
        first = self.token("a").json["id"]
        self.token("b")
        full = {"message": "400 Bad request - An agent can have only two active tokens at a time"}
        self.check(self.token("c"), 400, full)
        self.assertEqual(self.ask("DELETE", f"{self.tokens}/{first}", token="maintainer").status, 204)
        self.assertEqual(self.token("c").status, 201)

    def test_before_16_2_there_may_be_more(self):
        with Sim(WORLD, "16.1.0") as sim:
            sim.ask("POST", self.base, {"name": "prod"})
            for _ in range(3):
                answer = sim.ask("POST", self.base + "/1/tokens", {"name": "a"})
            self.assertEqual(answer.status, 201)

    def test_a_revoked_token_is_gone_from_sight_and_revoked_again_without_fault(self):
        path = f"{self.tokens}/{self.token().json['id']}"
        self.assertEqual(self.ask("DELETE", path, token="maintainer").status, 204)
        self.check(self.ask("GET", path, token="maintainer"), 404, NOT_FOUND)
        self.assertEqual(self.ask("GET", self.tokens, token="maintainer").json, [])
        self.assertEqual(self.ask("DELETE", path, token="maintainer").status, 204)

    def test_agents_of_other_projects_are_not_found(self):
        for path in ("/projects/31/cluster_agents/1/tokens", self.base + "/99/tokens"):
            self.check(self.ask("GET", path), 404, NOT_FOUND)

    def test_names_are_host_names_and_one_of_a_kind(self):
        for name in ("Prod", "-a", "a-", "a b", "x" * 64):
            self.assertIn("Name can contain only lowercase", self.ask("POST", self.base, {"name": name}).text)
        self.assertIn("already been taken", self.ask("POST", self.base, {"name": "prod"}).text)


class Runners(Case):
    def create(self, who=ROOT, **more):
        return self.ask("POST", "/user/runners", more, who)

    def test_roles_decide_who_creates(self):
        refused = {"message": "403 Forbidden - Insufficient permissions"}
        rows = [(ROOT, {"runner_type": "instance_type"}, 201), ("owner", {"runner_type": "instance_type"}, 403),
                ("owner", {"runner_type": "group_type", "group_id": 20}, 201),
                ("keeper", {"runner_type": "group_type", "group_id": 20}, 403),
                ("maintainer", {"runner_type": "project_type", "project_id": 30}, 201),
                ("developer", {"runner_type": "project_type", "project_id": 30}, 403)]
        for who, body, status in rows:
            with self.subTest(f"{who} {body}"):
                self.check(self.create(who, **body), status, refused if status == 403 else None)

    def test_what_it_is_for_has_to_be_told(self):
        rows = [({}, {"error": "runner_type is missing"}),
                ({"runner_type": "x"}, {"error": "runner_type does not have a valid value"}),
                ({"runner_type": "group_type"}, {"error": "group_id is missing"}),
                ({"runner_type": "project_type"}, {"error": "project_id is missing"}),
                ({"runner_type": "group_type", "group_id": 999},
                 {"message": "400 Bad request - Missing/invalid scope"})]
        for body, wrong in rows:
            with self.subTest(str(body)):
                self.check(self.create(**body), 400, wrong)

    def test_scopes_decide(self):
        group = {"runner_type": "group_type", "group_id": 20}
        self.assertEqual(self.create("limited-read", **group).json["error"], "insufficient_scope")
        made = self.create("limited-create", **group)
        self.assertEqual(made.status, 201, made.text)
        path = f"/runners/{made.json['id']}"
        reset = path + "/reset_authentication_token"
        self.statuses("GET", path, None, [("limited-create", 403), ("limited-manage", 200), ("limited-read", 200)])
        self.statuses("POST", reset, {}, [("limited-create", 403), ("limited-read", 403), ("limited-manage", 201)])
        self.statuses("GET", "/runners", None, [("limited-manage", 403), ("limited-read", 200)])

    def test_secrets_tell_the_kind_of_runner_from_17_7(self):
        rows = [("17.6", r"^glrt-[A-Za-z0-9_-]{20}$"), ("17.7", r"^glrt-t2_[A-Za-z0-9_-]{20}$")]
        for version, pattern in rows:
            with self.subTest(version), Sim(WORLD, version) as sim:
                made = sim.ask("POST", "/user/runners", {"runner_type": "group_type", "group_id": 20}).json
                self.assertRegex(made["token"], pattern)
                self.assertEqual(list(made), ["id", "token", "token_expires_at"])

    def test_a_reset_kills_the_old_secret_and_keeps_the_id(self):
        old = self.create("maintainer", runner_type="project_type", project_id=30).json
        for path, body, who in ((f"/runners/{old['id']}/reset_authentication_token", {}, "maintainer"),
                                ("/runners/reset_authentication_token", None, None)):
            before = old["token"]
            answer = self.ask("POST", path, {"token": before} if body is None else body, who)
            self.assertEqual((answer.status, list(answer.json)), (201, ["token", "token_expires_at"]), answer.text)
            self.check(self.ask("POST", "/runners/verify", {"token": before}, None), 403, FORBIDDEN)
            now = self.ask("POST", "/runners/verify", {"token": answer.json["token"]}, None)
            self.assertEqual((now.status, now.json["id"]), (200, old["id"]))
            old["token"] = answer.json["token"]
        self.check(self.ask("POST", "/runners/reset_authentication_token", {"token": "nonsense"}, None),
                   403, FORBIDDEN)
        self.check(self.ask("POST", "/runners/reset_authentication_token", {}, None),
                   400, {"error": "token is missing"})

    def test_roles_decide_who_resets_and_sees(self):
        project = self.create(runner_type="project_type", project_id=30).json["id"]
        group = self.create(runner_type="group_type", group_id=20).json["id"]
        instance = self.create(runner_type="instance_type").json["id"]
        rows = [(project, "developer", 403, 403), (project, "maintainer", 200, 201), (project, "owner", 200, 201),
                (group, "maintainer", 403, 403), (group, "keeper", 200, 403), (group, "owner", 200, 201),
                (instance, "stranger", 200, 403), (instance, ROOT, 200, 201), (999, "stranger", 404, 404)]
        for runner, who, see, reset in rows:
            with self.subTest(f"{who} {runner}"):
                self.assertEqual(self.ask("GET", f"/runners/{runner}", token=who).status, see)
                answer = self.ask("POST", f"/runners/{runner}/reset_authentication_token", {}, who)
                self.check(answer, reset, {403: NO_ACCESS, 404: NOT_FOUND}.get(reset))

    def test_intervals_end_secrets(self):
        self.ask("PUT", "/application/settings", {"project_runner_token_expiration_interval": 86400})
        made = self.create(runner_type="project_type", project_id=30).json
        self.assertRegex(made["token_expires_at"], "^2026-11-22T10:00:")
        self.assertIsNone(self.create(runner_type="group_type", group_id=20).json["token_expires_at"])
        self.ask("POST", "/sim/clock", {"advance": "2d"})
        self.check(self.ask("POST", "/runners/verify", {"token": made["token"]}, None), 403, FORBIDDEN)

    def test_no_view_shows_the_secret(self):
        made = self.create(runner_type="instance_type", description="d", tag_list=["x"]).json
        for path in ("/runners/all", f"/runners/{made['id']}", "/projects/30/runners", "/groups/20/runners"):
            answer = self.ask("GET", path)
            self.assertEqual(answer.status, 200)
            self.assertIn('"description":"d"', answer.text.replace(": ", ":"))
            self.assertNotIn(made["token"], answer.text)
        self.assertEqual(self.ask("GET", f"/runners/{made['id']}").json["tag_list"], ["x"])

    def test_lists_have_what_one_may_manage(self):
        for body in ({"runner_type": "instance_type"}, {"runner_type": "group_type", "group_id": 20},
                     {"runner_type": "project_type", "project_id": 30}):
            self.create(**body)
        rows = [("maintainer", "/runners", [3]), ("owner", "/runners", [2, 3]), ("stranger", "/runners", []),
                ("maintainer", "/projects/30/runners", [1, 2, 3]), (ROOT, "/projects/31/runners", [1, 2]),
                (ROOT, "/groups/21/runners", [1]), (ROOT, "/runners/all?type=group_type", [2])]
        for who, path, ids in rows:
            with self.subTest(f"{who} {path}"):
                self.assertEqual([row["id"] for row in self.ask("GET", path, token=who).json], ids)
        self.statuses("GET", "/runners/all", None, [("owner", 403)])
        self.statuses("GET", "/projects/30/runners", None, [("developer", 403)])

    def test_both_ways_to_delete(self):
        first = self.create(runner_type="project_type", project_id=30).json
        second = self.create(runner_type="project_type", project_id=30).json
        self.check(self.ask("DELETE", f"/runners/{first['id']}", token="developer"), 403, NO_ACCESS)
        self.assertEqual(self.ask("DELETE", f"/runners/{first['id']}", token="maintainer").status, 204)
        self.assertEqual(self.ask("DELETE", "/runners", {"token": second["token"]}, None).status, 204)
        self.assertEqual(self.ask("GET", "/runners/all").json, [])

    def test_what_is_sent_changes(self):
        runner = self.create(runner_type="instance_type", description="a", locked=True).json["id"]
        seen = self.ask("PUT", f"/runners/{runner}", {"paused": True}).json
        self.assertEqual((seen["paused"], seen["active"], seen["status"], seen["description"], seen["locked"]),
                         (True, False, "paused", "a", True))


class Webhooks(Case):
    def test_the_token_goes_in_and_never_comes_out(self):
        for base in ("/projects/30/hooks", "/groups/20/hooks"):
            made = self.ask("POST", base, {"url": "https://x.example", "token": "hidden-1"})
            self.assertEqual(made.status, 201, made.text)
            one = f"{base}/{made.json['id']}"
            for answer in (made, self.ask("GET", base), self.ask("GET", one),
                           self.ask("PUT", one, {"token": "hidden-2"})):
                self.assertNotIn("hidden", answer.text)
                self.assertNotIn('"token"', answer.text)

    def test_only_what_is_sent_changes(self):
        made = self.ask("POST", "/projects/30/hooks", {"url": "https://x.example", "token": "a", "note_events": True,
                                                       "push_events": False}).json
        seen = self.ask("PUT", f"/projects/30/hooks/{made['id']}", {"token": "b"}).json
        self.assertEqual(seen, made)
        self.assertEqual((seen["note_events"], seen["push_events"], seen["job_events"],
                          seen["enable_ssl_verification"], seen["project_id"]), (True, False, False, True, 30))

    def test_what_is_refused(self):
        self.ask("POST", "/projects/30/hooks", {"url": "https://x.example"})
        rows = [("POST", "", {}, 400, {"error": "url is missing"}),
                ("POST", "", {"url": "ftp://x"}, 422, {"error": "Invalid url given"}),
                ("PUT", "/1", {"url": "x"}, 422, {"error": "Invalid url given"}),
                ("PUT", "/1", {}, 400, {"error": "No parameters provided"}),
                ("PUT", "/9", {"token": "x"}, 404, NOT_FOUND), ("DELETE", "/9", None, 404, NOT_FOUND)]
        for method, path, body, status, wrong in rows:
            with self.subTest(f"{method} {path}"):
                self.check(self.ask(method, "/projects/30/hooks" + path, body), status, wrong)

    def test_roles_decide(self):
        body = {"url": "https://x.example"}
        self.statuses("POST", "/projects/30/hooks", body, [("maintainer", 201), ("developer", 403), ("stranger", 404)])
        self.statuses("POST", "/groups/20/hooks", body, [("owner", 201), ("keeper", 403), ("stranger", 404)])
        self.statuses("DELETE", "/projects/30/hooks/1", None, [("developer", 403), ("maintainer", 204),
                                                               ("maintainer", 404)])

    def test_one_of_another_home_is_not_found(self):
        self.ask("POST", "/projects/30/hooks", {"url": "https://x.example"})
        self.check(self.ask("GET", "/projects/31/hooks/1"), 404, NOT_FOUND)
        self.check(self.ask("GET", "/groups/20/hooks/1"), 404, NOT_FOUND)

    def test_keys_come_with_releases_and_homes(self):
        for version, key, there in (("16.9", "resource_access_token_events", False),
                                    ("16.10", "resource_access_token_events", True),
                                    ("17.0", "name", False), ("17.1", "name", True)):
            with self.subTest(f"{version} {key}"), Sim(WORLD, version) as sim:
                made = sim.ask("POST", "/projects/30/hooks", {"url": "https://x.example"}).json
                self.assertEqual(key in made, there)
        body = {"url": "https://x.example", "subgroup_events": True}
        self.assertNotIn("subgroup_events", self.ask("POST", "/projects/30/hooks", body).json)
        self.assertTrue(self.ask("POST", "/groups/20/hooks", body).json["subgroup_events"])

    def test_they_go_with_their_project(self):
        self.ask("POST", "/projects/30/hooks", {"url": "https://x.example"})
        self.ask("POST", "/projects/30/cluster_agents", {"name": "a"})
        self.ask("POST", "/user/runners", {"runner_type": "project_type", "project_id": 30})
        self.assertEqual(self.ask("DELETE", "/projects/30").status, 202)
        self.assertEqual(self.ask("GET", "/runners/all").json, [])


class AdminToken(Case):
    world = {**WORLD, "settings": {}, "users": WORLD["users"] + [
        {"username": "person", "tokens": [pat("mine", "glpat-person")]}],
        "service_accounts": [{"username": "deployer", "tokens": [pat("sa", "glpat-sa")]}],
        "runners": [{"secret": "glrt-one"}],
        "projects": [{"path": "platform/api", "id": 30, "tokens": [pat("ci", "glpat-bot")],
                      "deploy_tokens": [{"name": "pull", "secret": "gldt-one"}],
                      "agents": [{"name": "prod", "tokens": [{"name": "kas", "secret": "glagent-one"}]}],
                      "triggers": [{"description": "nightly", "secret": "glptt-one"}]}]}
    not_found = {"message": {"error": "Not found"}}

    def identify(self, secret, who=ROOT, method="POST"):
        return self.ask(method, "/admin/token", {"token": secret}, who)

    def test_it_tells_whose_a_secret_is_by_its_prefix(self):
        rows = [("glpat-person", "name", "mine"), ("glpat-bot", "name", "ci"), ("gldt-one", "name", "pull"),
                ("glagent-one", "name", "kas"), ("glptt-one", "description", "nightly"),
                ("glrt-one", "runner_type", "instance_type")]
        for secret, key, value in rows:
            with self.subTest(secret):
                answer = self.identify(secret)
                self.assertEqual((answer.status, answer.json[key]), (200, value), answer.text)
                if secret != "glptt-one":
                    self.assertNotIn(secret, answer.text)

    def test_what_it_does_not_know(self):
        rows = [("glpat-none", 404, self.not_found), ("gldt-none", 404, self.not_found),
                ("glft-none", 404, self.not_found), ("nonsense", 422, {"message": "Token type not supported."})]
        for method in ("POST", "DELETE"):
            for secret, status, body in rows:
                with self.subTest(f"{method} {secret}"):
                    self.check(self.identify(secret, method=method), status, body)
        self.check(self.ask("POST", "/admin/token", {}), 400, {"error": "token is missing"})

    def test_administrators_only(self):
        self.check(self.identify("glpat-person", "owner"), 403, FORBIDDEN)
        self.check(self.identify("glpat-person", None), 401, {"message": "401 Unauthorized"})

    def test_revoked_secrets_are_known_still(self):
        self.ask("DELETE", "/personal_access_tokens/self", token="glpat-person")
        self.assertIs(self.identify("glpat-person").json["revoked"], True)

    def test_an_own_prefix_counts(self):
        self.ask("PUT", "/application/settings", {"personal_access_token_prefix": "acme-"})
        self.check(self.identify("acme-none"), 404, self.not_found)

    def test_ending_by_secret(self):
        for secret in ("glpat-person", "glpat-bot", "gldt-one", "glagent-one"):
            with self.subTest(secret):
                self.assertEqual(self.identify(secret, method="DELETE").status, 204)
                if secret != "glagent-one":
                    self.assertIs(self.identify(secret).json["revoked"], True)
        self.assertEqual(self.identify("glagent-one").json["status"], "revoked")
        self.assertEqual(self.identify("glrt-one", method="DELETE").status, 204)
        self.check(self.identify("glrt-one"), 404, self.not_found)
        for secret in ("glptt-one", "glpat-sa"):
            with self.subTest(secret):
                self.assertEqual(self.identify(secret, method="DELETE").status, 422)
        self.assertEqual(self.ask("GET", "/projects/30/deploy_tokens").json[0]["revoked"], True)
        self.assertEqual(self.ask("GET", "/projects/30/deploy_tokens?active=true").json, [])

    def test_it_came_with_17_5_and_the_ending_with_17_7(self):
        for version, method, status in (("17.4", "POST", 404), ("17.5", "POST", 200), ("17.6", "DELETE", 405),
                                        ("17.7", "DELETE", 204)):
            with self.subTest(f"{version} {method}"), Sim(self.world, version) as sim:
                self.assertEqual(sim.ask(method, "/admin/token", {"token": "glpat-person"}).status, status)


class Inventory(Case):
    base = "/groups/20/manage"
    world = {"settings": {"saas": True},
             "users": [{"username": "owner", "tokens": [pat("owner", "owner")]},
                       {"username": "maintainer", "tokens": [pat("maintainer", "maintainer")]},
                       {"username": "ours", "tokens": [pat("ours-1", "ours-1", id=500), pat("ours-2", "ours-2", revoked=True),
                                                       pat("imp", "imp", impersonation=True, id=501)]},
                       {"username": "theirs", "tokens": [pat("theirs", "theirs", id=502)]}],
             "groups": [{"path": "top", "id": 20, "enterprise_users": ["ours"],
                         "members": [{"user": "owner", "level": "owner"}, {"user": "maintainer", "level": "maintainer"}],
                         "tokens": [pat("group", "group", id=510)]},
                        {"path": "top/sub", "id": 21, "tokens": [pat("sub", "sub", id=511)]},
                        {"path": "other", "id": 22, "members": [{"user": "owner", "level": "owner"}], "enterprise_users": ["theirs"],
                         "tokens": [pat("other", "other", id=512)]}],
             "projects": [{"path": "top/sub/app", "id": 30, "tokens": [pat("app", "app", id=513)]}]}

    def names(self, path):
        return [row["name"] for row in self.ask("GET", self.base + path, token="owner").json]

    def test_lists_have_enterprise_users_and_bots_below(self):
        self.assertEqual(self.names("/personal_access_tokens"), ["ours-2", "ours-1"])
        self.assertEqual(self.names("/personal_access_tokens?state=active"), ["ours-1"])
        self.assertEqual(self.names("/resource_access_tokens"), ["group", "sub", "app"])
        self.assertEqual(self.ask("GET", self.base + "/resource_access_tokens?search=app").json[0]["resource_id"], 30)
        self.assertEqual(self.names("/ssh_keys"), [])

    def test_what_is_not_the_groups_is_refused(self):
        pats, rats = self.base + "/personal_access_tokens/", self.base + "/resource_access_tokens/"
        person = {"message": "403 Forbidden - Cannot revoke resource access token: Token does not belong to bot user"}
        outside = {"message": "403 Forbidden - Cannot access resource access token: "
                              "Token belongs to a resource outside group's hierarchy"}
        rows = [(pats + "502", FORBIDDEN), (pats + "501", FORBIDDEN), (pats + "510", FORBIDDEN), (pats + "9999", NOT_FOUND),
                (rats + "500", person), (rats + "512", outside), (rats + "9999", NOT_FOUND),
                ("/groups/21/manage/resource_access_tokens/511", outside)]
        for path, body in rows:
            for method, tail in (("DELETE", ""), ("POST", "/rotate")):
                with self.subTest(f"{method} {path}{tail}"):
                    self.check(self.ask(method, path + tail, token="owner"), 404 if body is NOT_FOUND else 403, body)
        self.check(self.ask("DELETE", self.base + "/ssh_keys/1", token="owner"), 404, {"message": "404 Key Not Found"})

    def test_owners_rotate_and_revoke(self):
        for path in ("/personal_access_tokens/500", "/resource_access_tokens/513"):
            with self.subTest(path):
                made = self.ask("POST", f"{self.base}{path}/rotate", {"expires_at": "2026-12-24"}, "owner")
                self.assertEqual((made.status, made.json["expires_at"]), (200, "2026-12-24"), made.text)
                self.assertEqual(self.ask("GET", "/personal_access_tokens/self", token=made.json["token"]).status, 200)
                new = path.rsplit("/", 1)[0] + f"/{made.json['id']}"
                self.assertEqual(self.ask("DELETE", self.base + new, token="owner").status, 204)
                self.assertFalse(self.sim.alive(made.json["id"]))

    def test_a_dead_credential_on_these_paths_kills_its_family(self):
        second = self.ask("POST", "/personal_access_tokens/self/rotate", token="maintainer").json
        self.ask("POST", self.base + "/personal_access_tokens/500/rotate", token="maintainer")
        self.assertFalse(self.sim.alive(second["id"]))

    def test_only_where_it_is(self):
        self.check(self.ask("GET", self.base + "/personal_access_tokens", token="maintainer"), 403, FORBIDDEN)
        self.ask("PUT", "/application/settings", {"saas": False})
        self.check(self.ask("GET", self.base + "/personal_access_tokens", token="owner"), 404, {"message": "404 Not Found"})
        for version, path, status in (("17.7", "/personal_access_tokens", 404), ("17.8", "/personal_access_tokens", 200),
                                      ("17.9", "/resource_access_tokens", 404), ("17.10", "/resource_access_tokens", 200)):
            with self.subTest(f"{version} {path}"), Sim(self.world, version) as sim:
                self.assertEqual(sim.ask("GET", self.base + path).status, status)


class AuditEvents(Case):
    def events(self, path="/audit_events", who=ROOT):
        return self.ask("GET", path, token=who)

    def test_what_token_operations_write(self):
        account = self.ask("POST", "/groups/20/service_accounts", {}).json["id"]
        sa = f"/groups/20/service_accounts/{account}/personal_access_tokens"
        body = {"name": "a", "scopes": ["api"]}
        deploy = {"name": "a", "scopes": ["read_registry"]}
        self.ask("POST", "/projects/30/cluster_agents", {"name": "prod"})
        agents = "/projects/30/cluster_agents/1/tokens"
        rows = [("/user/personal_access_tokens", {"name": "a", "scopes": ["self_rotate"]}, "personal_access_token_created",
                 "/personal_access_tokens/", "personal_access_token_revoked", "User"),
                (sa, body, "personal_access_token_created", sa + "/", "personal_access_token_revoked", "User"),
                ("/projects/30/access_tokens", body, "project_access_token_created", "/projects/30/access_tokens/",
                 "project_access_token_deleted", "Project"),
                ("/groups/20/access_tokens", body, "group_access_token_created", "/groups/20/access_tokens/",
                 "group_access_token_deleted", "Group"),
                ("/projects/30/deploy_tokens", deploy, "deploy_token_created", "/projects/30/deploy_tokens/",
                 "deploy_token_destroyed", "Project"),
                ("/groups/20/deploy_tokens", deploy, "group_deploy_token_created", "/groups/20/deploy_tokens/",
                 "group_deploy_token_destroyed", "Group"),
                (agents, body, "cluster_agent_token_created", agents + "/", "cluster_agent_token_revoked", "Project")]
        for path, body, created, end, ended, entity in rows:
            with self.subTest(path):
                made = self.ask("POST", path, body)
                self.assertEqual(made.status, 201, made.text)
                event = self.events().json[0]
                self.assertEqual((event["event_name"], event["entity_type"], event["author_id"],
                                  event["details"]["target_id"]), (created, entity, 1, str(made.json["id"])))
                self.assertEqual(event["entity_id"], {"User": 1, "Project": 30, "Group": 20}[entity])
                self.assertNotIn(made.json["token"], self.events().text)
                self.assertEqual(self.ask("DELETE", f"{end}{made.json['id']}").status, 204)
                self.assertEqual(self.events().json[0]["event_name"], ended)

    def test_rotations_and_refusals_write_nothing(self):
        before = len(self.events().json)
        self.assertEqual(self.ask("POST", "/personal_access_tokens/self/rotate", token="owner").status, 200)
        self.assertEqual(self.ask("POST", "/projects/30/deploy_tokens", {"name": "a"}).status, 400)
        self.assertEqual(self.ask("DELETE", "/personal_access_tokens/99999").status, 404)
        self.assertEqual(len(self.events().json), before)

    def test_variables_write_them_too(self):
        self.ask("POST", "/projects/30/variables", {"key": "K", "value": "hidden-1"})
        self.ask("PUT", "/projects/30/variables/K", {"value": "hidden-2"})
        self.ask("DELETE", "/projects/30/variables/K")
        answer = self.events("/projects/30/audit_events")
        self.assertEqual([event["event_name"] for event in answer.json],
                         ["ci_variable_deleted", "ci_variable_updated", "ci_variable_created"])
        self.assertNotIn("hidden", answer.text)

    def test_roles_decide_what_is_seen(self):
        self.ask("POST", "/projects/30/variables", {"key": "K", "value": "v"})
        self.ask("POST", "/groups/20/variables", {"key": "K", "value": "v"})
        rows = [("/projects/30/audit_events", [("maintainer", 200, 1), ("developer", 200, 0), ("stranger", 404, None)]),
                ("/groups/20/audit_events", [("owner", 200, 1), ("keeper", 200, 0), ("developer", 403, None),
                                             ("stranger", 404, None)]),
                ("/audit_events", [(ROOT, 200, 2), ("owner", 403, None)]),
                ("/audit_events?entity_type=Group", [(ROOT, 200, 1)]),
                ("/audit_events?entity_type=Group&entity_id=21", [(ROOT, 200, 0)]),
                ("/audit_events?entity_id=21", [(ROOT, 400, None)]),
                ("/projects/30/audit_events/1", [("maintainer", 200, None), ("developer", 404, None)]),
                ("/projects/30/audit_events/2", [("maintainer", 404, None)]), ("/audit_events/2", [(ROOT, 200, None)])]
        for path, asked in rows:
            for who, status, count in asked:
                with self.subTest(f"{path} {who}"):
                    answer = self.events(path, who)
                    self.assertEqual(answer.status, status, answer.text)
                    if count is not None:
                        self.assertEqual(len(answer.json), count)

    def test_times_and_keys_bound_a_list(self):
        for _ in range(2):
            self.ask("POST", "/projects/30/deploy_tokens", {"name": "a", "scopes": ["read_registry"]})
            self.ask("POST", "/sim/clock", {"advance": "20d"})
        self.assertEqual(len(self.events().json), 1)
        self.assertEqual(len(self.events("/audit_events?created_after=2026-11-01").json), 2)
        self.assertEqual(len(self.events("/audit_events?created_after=2026-11-01&created_before=2026-12-01").json), 1)
        seen, path = [], "/audit_events?pagination=keyset&order_by=id&sort=desc&per_page=1&created_after=2026-11-01"
        answer = self.events(path)
        seen.append(answer.json[0]["id"])
        self.assertRegex(answer.headers["link"], "cursor=2&.*rel=.next")
        seen.append(self.events(path + "&cursor=2").json[0]["id"])
        self.assertEqual(seen, [2, 1])
        self.assertNotIn("link", self.events(path + "&cursor=2").headers)


class Below(Case):
    world = {"groups": [{"path": "top/sub"}, {"path": "else"}],
             "projects": [{"path": "top/app"}, {"path": "top/sub/deep"}, {"path": "top/old", "archived": True},
                          {"path": "else/lent", "shared_with": ["top"]}, {"path": "else/other", "shared_with": ["top/sub"]}]}

    def test_projects_of_a_group_are_its_own_and_those_shared_with_it(self):
        for query, expected in [
                ("", "else/lent top/old top/app"), ("?with_shared=false", "top/old top/app"),
                ("?archived=false&with_shared=false", "top/app"), ("?archived=true", "top/old"),
                ("?include_subgroups=true&with_shared=0", "top/old top/sub/deep top/app"),
                ("?include_subgroups=true&per_page=2&page=2", "top/sub/deep top/app")]:
            with self.subTest(query):
                self.assertEqual([p["path_with_namespace"] for p in self.ask("GET", f"/groups/top/projects{query}").json],
                                 expected.split())
        self.ask("DELETE", "/groups/top")
        self.assertEqual(len(self.ask("GET", "/groups/else/projects").json), 2)


class Jobs(Case):
    world = {"users": WORLD["users"],
             "variables": [{"key": "A", "value": "instance"}, {"key": "B", "value": "instance"}],
             "groups": [{"path": "top", "variables": [{"key": "B", "value": "top"}, {"key": "C", "value": "top"}],
                         "deploy_tokens": [{"username": "top-user", "secret": "gldt-top"}]},
                        {"path": "top/sub", "variables": [{"key": "C", "value": "sub"}],
                         "deploy_tokens": [{"username": "sub-user", "secret": "gldt-sub"}]}],
             "projects": [{"path": "top/sub/app", "id": 30, "members": [{"user": "developer", "level": "developer"}],
                           "deploy_tokens": [{"username": "old-user", "secret": "gldt-old"},
                                             {"username": "app-user", "secret": "gldt-app"},
                                             {"name": "another", "username": "x", "secret": "gldt-x"}],
                           "variables": [{"key": "D", "value": "exact", "environment_scope": "prod/eu"},
                                         {"key": "D", "value": "pattern", "environment_scope": "prod/*"},
                                         {"key": "D", "value": "wider", "environment_scope": "p*"},
                                         {"key": "D", "value": "any"},
                                         {"key": "E", "value": "kept", "protected": True}],
                           "jobs": [{"name": "done", "status": "success", "started": "-2h", "finished": "-1h"},
                                    {"name": "waits", "status": "pending"}, {"name": "runs", "started": "-5m"}]},
                          {"path": "top/other", "id": 31}]}

    def start(self, **more):
        return self.sim.act("start_job", project="top/sub/app", **more)

    def user(self):
        return self.start()["variables"].get("CI_DEPLOY_USER")

    def test_lists_newest_first_and_by_scope(self):
        names = lambda query: [row["name"] for row in self.ask("GET", "/projects/30/jobs" + query, token="developer").json]
        rows = [("", ["runs", "waits", "done"]), ("?scope[]=running", ["runs"]), ("?scope=pending", ["waits"]),
                ("?scope[]=running&scope[]=pending", ["runs", "waits"]), ("?scope[]=failed", [])]
        for query, expected in rows:
            with self.subTest(query):
                self.assertEqual(names(query), expected)
        self.check(self.ask("GET", "/projects/30/jobs?scope[]=nonsense"), 400, {"error": "scope does not have a valid value"})
        answer = self.ask("GET", "/projects/30/jobs?per_page=2")
        self.assertNotIn("x-total", answer.headers)
        self.assertNotIn('rel="last"', answer.headers["link"])
        self.assertEqual(answer.headers["x-next-page"], "2")
        self.statuses("GET", "/projects/30/jobs", None, [("stranger", 404)])

    def test_times_tell_how_far_one_is(self):
        runs, waits, done = self.ask("GET", "/projects/30/jobs").json
        self.assertEqual((done["started_at"][:16], done["finished_at"][:16], done["duration"]),
                         ("2026-11-21T08:00", "2026-11-21T09:00", 3600))
        self.assertEqual((waits["started_at"], waits["duration"]), (None, None))
        self.assertEqual((runs["started_at"][:16], runs["finished_at"]), ("2026-11-21T09:55", None))
        self.assertEqual(self.ask("GET", f"/projects/30/jobs/{runs['id']}").json["name"], "runs")
        self.check(self.ask("GET", f"/projects/31/jobs/{runs['id']}"), 404, NOT_FOUND)

    def test_acts_start_and_finish(self):
        started = self.sim.act("start_job", job=2)
        self.assertEqual((started["name"], started["status"]), ("waits", "running"))
        self.assertEqual(self.ask("GET", "/projects/30/jobs/2").json["status"], "running")
        self.sim.act("finish_job", job=2, status="failed")
        seen = self.ask("GET", "/projects/30/jobs/2").json
        self.assertEqual((seen["status"], seen["finished_at"] is None), ("failed", False))
        self.assertEqual(self.ask("GET", "/sim/jobs?status=failed").json[0]["name"], "waits")

    def test_a_job_gets_the_projects_deploy_token_or_the_parent_groups(self):
        tokens = {row["username"]: row["id"] for row in self.ask("GET", "/deploy_tokens").json}
        self.assertEqual(self.user(), "old-user")
        self.ask("DELETE", f"/projects/30/deploy_tokens/{tokens['old-user']}")
        self.assertEqual(self.user(), "app-user")
        self.sim.act("revoke_deploy_token", owner="top/sub/app", deploy_token=tokens["app-user"])
        self.assertEqual(self.user(), "sub-user")
        self.ask("DELETE", f"/groups/{self.group('top/sub')}/deploy_tokens/{tokens['sub-user']}")
        self.assertIsNone(self.user())

    def group(self, path):
        return self.ask("GET", "/groups/" + path.replace("/", "%2F")).json["id"]

    def test_which_of_two_is_for_a_setting_to_say(self):
        for choice, expected in [("newest", ["app-user"] * 3), ("by_turns", ["old-user", "app-user", "old-user"])]:
            self.sim.act("set_settings", settings={"deploy_token_choice": choice})
            self.assertEqual([self.user() for _ in range(3)], expected if self.last_job() % 2 else expected[::-1])
        self.sim.act("set_settings", settings={"deploy_token_choice": "oldest"})
        self.assertEqual(self.user(), "old-user")

    def last_job(self):
        return self.ask("GET", "/projects/30/jobs").json[0]["id"]

    def test_a_variable_of_that_name_hides_the_token(self):
        self.ask("POST", "/projects/30/variables", {"key": "CI_DEPLOY_PASSWORD", "value": "own"})
        given = self.start()["variables"]
        self.assertEqual((given["CI_DEPLOY_USER"], given["CI_DEPLOY_PASSWORD"]), ("old-user", "own"))

    def test_running_jobs_keep_what_they_were_given(self):
        job = self.start()
        self.assertEqual(job["variables"]["CI_DEPLOY_PASSWORD"], "gldt-old")
        self.ask("PUT", "/projects/30/variables/C", {"value": "new"})
        self.ask("POST", "/projects/30/deploy_tokens", {"name": "gitlab-deploy-token", "scopes": ["read_registry"]})
        kept = self.ask("GET", "/sim/jobs?status=running").json
        self.assertEqual([row["variables"] for row in kept if row["id"] == job["id"]], [job["variables"]])
        self.assertEqual(kept[0]["variables"]["CI_DEPLOY_USER"], "old-user")

    def test_the_nearer_variable_wins(self):
        given = self.start()["variables"]
        self.assertEqual([given.get(key) for key in "ABCDE"], ["instance", "top", "sub", "any", None])
        rows = [("prod/eu", "exact"), ("prod/us", "pattern"), ("pre", "wider"), ("test", "any")]
        for environment, expected in rows:
            with self.subTest(environment):
                self.assertEqual(self.start(environment=environment)["variables"]["D"], expected)
        self.assertEqual(self.start(protected=True)["variables"]["E"], "kept")


class WorldFile(unittest.TestCase):
    def test_each_part_stands_where_it_belongs(self):
        world = {"runners": [{"description": "all", "secret": "glrt-all"}],
                 "groups": [{"path": "g", "id": 20, "runners": [{"description": "group"}],
                             "hooks": [{"url": "https://x.example", "token": "hidden", "name": "n"}]}],
                 "projects": [{"path": "g/p", "id": 30, "hooks": [{"url": "https://y.example"}],
                               "runners": [{"secret": "glrt-late", "deadline": "-1h"}, {"secret": "glrt-end", "expires": "-1h"}],
                               "agents": [{"name": "prod", "tokens": [{"name": "a"}, {"name": "b", "revoked": True}]}],
                               "triggers": [{"description": "nightly", "secret": "glptt-x"}]}]}
        with Sim(world) as sim:
            self.assertEqual([row["name"] for row in sim.ask("GET", "/projects/30/cluster_agents/1/tokens").json], ["a"])
            self.assertEqual(len(sim.ask("GET", "/sim/agent_tokens?agent=prod").json), 2)
            self.assertEqual(sim.ask("GET", "/groups/20/hooks").json[0]["name"], "n")
            self.assertEqual(sim.ask("GET", "/sim/hooks?owner=g").json[0]["token"], "hidden")
            self.assertEqual(len(sim.ask("GET", "/sim/runners?owner=g%2Fp").json), 2)
            self.assertEqual(sim.ask("GET", "/projects/30/triggers").json[0]["token"], "glptt-x")
            late = sim.ask("POST", "/runners/reset_authentication_token", {"token": "glrt-late"}, None)
            self.assertEqual((late.status, late.json), (403, {"error": "Token rotation deadline has passed"}))
            self.assertEqual(sim.ask("POST", "/runners/verify", {"token": "glrt-end"}, None).status, 403)
            self.assertEqual(sim.ask("POST", "/runners/verify", {"token": "glrt-all"}, None).status, 200)

    def test_what_is_misplaced_or_misspelt_is_refused(self):
        for world in ({"groups": [{"path": "g", "jobs": []}]}, {"projects": [{"path": "p", "enterprise_users": []}]},
                      {"projects": [{"path": "p", "agents": [{"nmae": "x"}]}]}, {"runners": [{"x": 1}]},
                      {"projects": [{"path": "p", "hooks": [{}]}]}, {"projects": [{"path": "p", "jobs": [{"x": 1}]}]},
                      {"groups": [{"path": "g", "enterprise_users": ["nobody"]}]},
                      {"projects": [{"path": "p", "triggers": [{"owner": "nobody"}]}]}):
            with self.subTest(str(world)):
                done = subprocess.run([binary(), "--listen", "127.0.0.1:0", "--version", "18.0", "--root-token", "x",
                                       "--world", "/dev/stdin"], input=json.dumps(world), capture_output=True, text=True,
                                      timeout=DEADLINE)
                self.assertEqual(done.returncode, 2, done.stderr)


class Settings(Case):
    path = "/application/settings"

    def test_values_have_bounds(self):
        lifetime = "max_personal_access_token_lifetime"
        rows = [({lifetime: 366}, lifetime, "must be less than or equal to 365"),
                ({lifetime: 0}, lifetime, "must be greater than 0"),
                ({"personal_access_token_prefix": "a b"}, "personal_access_token_prefix", "can contain only letters of "
                 "the Base64 alphabet (RFC4648) with the addition of '@', ':' and '.'"),
                ({"personal_access_token_prefix": "x" * 21}, "personal_access_token_prefix",
                 "is too long (maximum is 20 characters)")]
        for body, key, text in rows:
            with self.subTest(str(body)):
                self.check(self.ask("PUT", self.path, body), 400, {"message": {key: [text]}})
        self.assertIsNone(self.ask("GET", self.path).json[lifetime])
        for value in (365, None):
            self.assertEqual(self.ask("PUT", self.path, {lifetime: value}).json[lifetime], value)

    def test_something_has_to_be_set_by_an_administrator(self):
        self.assertEqual(self.ask("PUT", self.path, {}).status, 400)
        self.assertEqual(self.ask("PUT", self.path, {"nonsense": 1}).status, 400)
        self.check(self.ask("PUT", self.path, {"maintenance_mode": True}, "owner"), 403, FORBIDDEN)

    def test_a_service_account_changes_its_name(self):
        account = self.ask("POST", "/groups/20/service_accounts", {"username": "bot", "name": "Bot"}).json["id"]
        path = f"/groups/20/service_accounts/{account}"
        seen = self.ask("PATCH", path, {"username": "robot", "name": "Robot"}).json
        self.assertEqual((seen["username"], seen["name"]), ("robot", "Robot"))
        self.assertEqual(self.ask("GET", "/users?username=robot").json[0]["id"], account)
        self.assertEqual(self.ask("GET", "/users?username=bot").json, [])
        self.assertEqual(self.sim.act("block_user", user="robot")["id"], account)
        self.check(self.ask("PATCH", path, {"username": "owner"}), 400,
                   {"message": "400 Bad request - Username has already been taken"})
        self.assertEqual(self.ask("PATCH", path, {"username": "robot"}).status, 200)
        self.statuses("PATCH", path, {"name": "x"}, [("maintainer", 403), ("owner", 200), ("stranger", 404)])
        self.check(self.ask("PATCH", f"/service_accounts/{account}", {"name": "x"}), 404, {"message": "404 User Not Found"})
        own = self.ask("POST", "/service_accounts", {}).json["id"]
        self.assertEqual(self.ask("PATCH", f"/service_accounts/{own}", {"name": "y"}).json["name"], "y")


class Backups(Case):
    def test_they_hold_agents_runners_webhooks_jobs_and_events_too(self):
        self.ask("POST", "/projects/30/cluster_agents", {"name": "prod"})
        token = self.ask("POST", "/projects/30/cluster_agents/1/tokens", {"name": "a"}).json["id"]
        runner = self.ask("POST", "/user/runners", {"runner_type": "group_type", "group_id": 20}).json["token"]
        self.ask("POST", "/groups/20/hooks", {"url": "https://x.example", "name": "before"})
        job = self.sim.act("start_job", project="platform/api")["id"]
        events = self.ask("GET", "/audit_events").json
        self.sim.act("snapshot")
        self.sim.act("finish_job", job=job)
        self.ask("DELETE", f"/projects/30/cluster_agents/1/tokens/{token}")
        self.ask("POST", "/runners/1/reset_authentication_token", {})
        self.ask("PUT", "/groups/20/hooks/1", {"name": "after"})
        self.sim.act("restore")
        self.assertEqual(self.ask("GET", f"/projects/30/jobs/{job}").json["status"], "running")
        self.assertEqual(self.ask("GET", "/audit_events").json, events)
        self.assertEqual(self.ask("GET", f"/projects/30/cluster_agents/1/tokens/{token}").status, 200)
        self.assertEqual(self.ask("POST", "/runners/verify", {"token": runner}, None).status, 200)
        self.assertEqual(self.ask("GET", "/groups/20/hooks/1").json["name"], "before")
        self.assertEqual(self.ask("DELETE", "/groups/20").status, 202)


if __name__ == "__main__":
    binary()
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
