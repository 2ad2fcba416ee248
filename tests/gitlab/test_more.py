"""Agents, runners, webhooks and what else stands beside tokens: who may, what comes back, what dies."""
import sys
import unittest

from sim_client import ROOT, Sim, binary

FORBIDDEN = {"message": "403 Forbidden"}
NO_ACCESS = {"message": "403 Forbidden - No access granted"}
NOT_FOUND = {"message": "404 Not found"}


def pat(name, secret, **more):
    return {"name": name, "secret": secret, "scopes": ["api"], "expires": "+30d", **more}


WORLD = {
    "users": [{"username": name, "tokens": [pat(name, name)]}
              for name in ("owner", "maintainer", "developer", "stranger")]
    + [{"username": "limited", "tokens": [pat("create", "limited-create", scopes=["create_runner"]),
                                          pat("manage", "limited-manage", scopes=["manage_runner"]),
                                          pat("read", "limited-read", scopes=["read_api"])]}],
    "groups": [{"path": "platform", "id": 20, "members": [{"user": "owner", "level": "owner"},
                                                          {"user": "limited", "level": "owner"}]},
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
                ("maintainer", {"runner_type": "group_type", "group_id": 20}, 403),
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
                (group, "maintainer", 403, 403), (group, "owner", 200, 201),
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
        self.statuses("POST", "/groups/20/hooks", body, [("owner", 201), ("maintainer", 403), ("stranger", 404)])
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


class Backups(Case):
    def test_they_hold_agents_runners_and_webhooks_too(self):
        self.ask("POST", "/projects/30/cluster_agents", {"name": "prod"})
        token = self.ask("POST", "/projects/30/cluster_agents/1/tokens", {"name": "a"}).json["id"]
        runner = self.ask("POST", "/user/runners", {"runner_type": "group_type", "group_id": 20}).json["token"]
        self.ask("POST", "/groups/20/hooks", {"url": "https://x.example", "name": "before"})
        self.sim.act("snapshot")
        self.ask("DELETE", f"/projects/30/cluster_agents/1/tokens/{token}")
        self.ask("POST", "/runners/1/reset_authentication_token", {})
        self.ask("PUT", "/groups/20/hooks/1", {"name": "after"})
        self.sim.act("restore")
        self.assertEqual(self.ask("GET", f"/projects/30/cluster_agents/1/tokens/{token}").status, 200)
        self.assertEqual(self.ask("POST", "/runners/verify", {"token": runner}, None).status, 200)
        self.assertEqual(self.ask("GET", "/groups/20/hooks/1").json["name"], "before")
        self.assertEqual(self.ask("DELETE", "/groups/20").status, 202)


if __name__ == "__main__":
    binary()
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
