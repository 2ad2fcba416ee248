"""Other hands on demand: at once, and right before or after a request that is to come."""
import unittest

from sim_client import Sim

WORLD = {
    "users": [{"username": "alice", "tokens": [
        {"name": "agent", "secret": "alice-1", "scopes": ["api"], "expires": "+20d"},
        {"name": "long", "secret": "alice-2", "scopes": ["read_api"], "expires": "+300d"},
        {"name": "ever", "secret": "alice-3", "expires": None}]},
        {"username": "bob", "tokens": [{"name": "bob", "secret": "bob-1"}]},
        {"username": "eve", "admin": True, "tokens": [{"name": "eve", "secret": "eve-1"}]}],
    "projects": [{"path": "shop/api", "members": [{"user": "alice", "level": "maintainer"}],
                  "tokens": [{"name": "ci", "secret": "ci-1", "scopes": ["read_api"], "access_level": "developer",
                              "expires": "+20d"}],
                  "deploy_tokens": [{"name": "reader"}],
                  "variables": [{"key": "V", "value": "before", "description": "stamp 1"}]}]}
TOKENS = "/projects/shop%2Fapi/access_tokens"
VARIABLE = "/projects/shop%2Fapi/variables/V"
SELF = "/personal_access_tokens/self"


class Case(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(WORLD)
        self.addCleanup(self.sim.close)
        self.ask = self.sim.ask

    def named(self, name="ci"):
        return self.ask("GET", f"/sim/tokens?name={name}").json

    def acts(self):
        return self.ask("GET", "/sim/acts").json


class Waiting(Case):
    def test_before_the_nth_request_and_only_then(self):
        self.sim.act("revoke", token="ci", before={"nth": 2, "method": "GET", "path": "/self"})
        self.ask("POST", f"{SELF}/rotate", token="bob-1")
        self.assertEqual([self.ask("GET", SELF, token="ci-1").status for _ in range(2)], [200, 401])
        self.assertEqual([(a["seen"], a["hits"], a["last"]["status"]) for a in self.acts()], [(2, 1, 200)])

    def test_after_it_and_before_its_answer(self):
        self.sim.act("revoke", token="ci", after={"path": "*/rotate"})
        answer = self.ask("POST", f"{TOKENS}/{self.named()[0]['id']}/rotate")
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.ask("GET", SELF, token=answer.json["token"]).status, 401)

    def test_a_request_that_is_not_carried_out_is_waited_for_too(self):
        self.sim.fault("drop_before_commit", path="/self")
        self.sim.act("revoke", token="ci", before={"path": "/self"})
        with self.assertRaises(Exception):
            self.ask("GET", SELF, token="ci-1")
        self.assertFalse(self.named()[0]["alive"])

    def test_again_and_again(self):
        self.sim.act("rotate", token="ci", after={"path": "/user", "times": 0})
        for _ in range(3):
            self.ask("GET", "/user")
        self.assertEqual([t["alive"] for t in self.named()], [False, False, False, True])

    def test_one_that_fails_says_so(self):
        self.sim.act("revoke", token="nobody's", before={"path": "/user"})
        self.assertEqual(self.ask("GET", "/user").status, 200)
        self.assertEqual(self.acts()[0]["last"]["status"], 404)

    def test_it_can_be_called_off(self):
        self.sim.act("revoke", token="ci", before={"path": "/self"})
        self.ask("DELETE", "/sim/acts")
        self.assertEqual(self.ask("GET", SELF, token="ci-1").status, 200)

    def test_an_unknown_act_is_refused_at_once(self):
        for body in ({"act": "nonsense", "before": {}}, {"act": "revoke", "before": 3}, {"act": "nonsense"}, {}):
            self.assertEqual(self.ask("POST", "/sim/act", body).status, 400, body)


class EveryAct(Case):
    """At once, and as the truth has it after."""
    # act, its keys, what the answer says of it, a question about the world, its answer or status after
    rows = [
        ("rotate", {"token": "bob", "expires_at": "2026-12-01"}, {"expires_at": "2026-12-01", "alive": True},
         "/sim/tokens?name=bob", [{"alive": False}, {"alive": True}]),
        ("revoke", {"token": "bob"}, {"alive": False}, "/sim/tokens?name=bob", [{"alive": False}, {"alive": False}]),
        ("create_token", {"kind": "personal", "owner": "bob", "name": "more", "expires": "+9d"}, {"kind": "personal"},
         "/sim/tokens?name=more", [{"alive": True, "expires_at": "2026-11-30"}]),
        ("create_token", {"kind": "project", "owner": "shop/api", "name": "push", "access_level": "reporter"},
         {"kind": "project"}, "/sim/tokens?name=push", [{"owner": "shop/api", "access_level": 20}]),
        ("create_namesake", {"token": "ci"}, {"name": "ci", "alive": True}, "/sim/tokens?name=ci",
         [{"alive": True}, {"alive": True}]),
        ("purge_bot", {"token": "ci"}, {}, "/sim/tokens?name=ci", [{"alive": True}]),
        ("block_user", {"user": "alice"}, {"state": "blocked"}, "/users?username=alice", [{"state": "blocked"}]),
        ("unblock_user", {"user": "alice"}, {"state": "active"}, "/users?username=alice", [{"state": "active"}]),
        ("set_admin", {"user": "alice", "admin": True}, {"admin": True}, "/users?admins=true&username=alice",
         [{"username": "alice"}]),
        ("set_variable", {"owner": "shop/api", "key": "V", "description": "stamp 2"}, {"value": "before"},
         "/sim/variables?key=V", [{"value": "before", "description": "stamp 2"}]),
        ("set_variable", {"key": "I", "value": "instance"}, {}, "/sim/variables?key=I", [{"value": "instance"}]),
        ("delete_variable", {"key": "I"}, {"key": "I"}, "/sim/variables?key=I", []),
        ("set_member", {"owner": "shop/api", "user": "bob", "level": "owner"}, {"level": 50},
         "/projects/shop%2Fapi/members", [{"username": "alice"}, {"access_level": 50}, {"access_level": 30},
                                          {"access_level": 20}]),
        ("remove_member", {"owner": "shop/api", "user": "bob"}, {"user": "bob"},
         "/projects/shop%2Fapi/members", [{"username": "alice"}, {"access_level": 30}, {"access_level": 20}]),
        ("archive_project", {"path": "shop/api"}, {"archived": True}, "/projects", [{"archived": True}]),
        ("unarchive_project", {"path": "shop/api"}, {"archived": False}, "/projects", [{"archived": False}]),
        ("set_features", {"path": "shop/api", "builds": False}, {"builds": False, "repository": True}, "/projects",
         [{"builds_access_level": "disabled"}]),
        ("rename_project", {"path": "shop/api", "to": "shop/old"}, {"path": "shop/old"}, "/projects",
         [{"path_with_namespace": "shop/old"}]),
        ("create_project", {"path": "shop/api"}, {"path": "shop/api"}, "/projects",
         [{"path_with_namespace": "shop/api"}, {"path_with_namespace": "shop/old"}]),
        ("create_group", {"path": "office/desk"}, {"path": "office/desk"}, "/groups?search=desk",
         [{"full_path": "office/desk"}]),
        ("start_job", {"project": "shop/old"}, {"status": "running"}, "/sim/jobs", [{"status": "running"}]),
        ("finish_job", {"job": 1}, {"status": "success"}, "/sim/jobs", [{"status": "success"}]),
        ("revoke_deploy_token", {"owner": "shop/old", "deploy_token": 1}, {"revoked": True},
         "/projects/shop%2Fold/deploy_tokens", [{"name": "reader", "revoked": True}]),
        ("set_settings", {"settings": {"max_personal_access_token_lifetime": 30}}, {}, "/sim/tokens?name=long",
         [{"alive": True}]),
        ("demote_root", {}, {"username": "root", "admin": False}, "/service_accounts", 403),
        ("revoke_too_long", {}, {}, "/sim/tokens?name=long", [{"alive": False}]),
        ("snapshot", {"name": "late"}, {"name": "late"}, "/sim/tokens?name=long", [{"alive": False}]),
        ("several", {"acts": [{"act": "create_token", "kind": "personal", "owner": "eve", "name": "x"}] * 2}, None,
         "/sim/tokens?name=x", [{"alive": True}] * 2),
        ("restore", {"name": "late"}, {"name": "late"}, "/sim/tokens?name=x", []),
    ]

    def test_has_a_case(self):
        self.assertEqual({row[0] for row in self.rows}, set(self.ask("GET", "/sim/kinds").json["acts"]))

    def test_does_what_it_says(self):
        for act, keys, told, path, after in self.rows:
            with self.subTest(act, **keys):
                answer = self.ask("POST", "/sim/act", {"act": act, **keys})
                self.assertEqual(answer.status, 200, answer.text)
                if told is not None:
                    self.assertEqual({key: answer.json.get(key) for key in told}, told)
                seen = self.ask("GET", path)
                if isinstance(after, int):
                    self.assertEqual(seen.status, after)
                    continue
                self.assertEqual([{key: row[key] for key in want} for row, want in zip(seen.json, after)], after)
                self.assertEqual(len(seen.json), len(after), seen.text)

    def test_who_is_not_there_is_answered_so(self):
        for act in ({"act": "rotate", "token": 99999}, {"act": "revoke"}, {"act": "block_user", "user": "none"},
                    {"act": "set_variable", "owner": "none", "key": "K"}, {"act": "rename_project", "path": "none"},
                    {"act": "delete_variable", "key": "none"}, {"act": "set_member", "owner": "none", "level": 30},
                    {"act": "purge_bot", "user": "none"}, {"act": "create_namesake", "token": "none"}):
            self.assertIn(self.ask("POST", "/sim/act", act).status, (400, 404), act)


class Tokens(Case):
    def test_by_name_the_newest_that_lives_is_meant(self):
        first = self.sim.act("rotate", token="ci")
        second = self.sim.act("create_namesake", token="ci")
        self.assertEqual(self.sim.act("revoke", token="ci")["id"], second["id"])
        self.assertEqual(self.sim.act("revoke", token="ci")["id"], first["id"])

    def test_a_namesake_is_like_the_first_where_nothing_else_is_said(self):
        for name, kind in (("ci", "project"), ("agent", "personal")):
            with self.subTest(kind):
                first = self.named(name)[0]
                second = self.sim.act("create_namesake", token=name, expires="+3d")
                self.assertNotEqual(second["id"], first["id"])
                for key in ("name", "kind", "owner", "scopes", "access_level"):
                    self.assertEqual(second[key], first[key], key)
                self.assertEqual(second["expires_at"], "2026-11-24")
                self.assertEqual(self.ask("GET", SELF, token=second["secret"]).status, 200)

    def test_a_purged_bot_takes_its_token_with_it(self):
        self.sim.act("purge_bot", token="ci", before={"path": TOKENS})
        self.assertEqual(self.ask("GET", TOKENS).json, [])


class Variables(Case):
    def test_value_and_stamp_are_edited_apart(self):
        self.sim.act("set_variable", owner="shop/api", key="V", description="stamp 2")
        self.sim.act("set_variable", owner="shop/api", key="V", value="by hand", before={"nth": 2, "path": "/variables/"})
        told = [self.ask("GET", VARIABLE).json for _ in range(2)]
        self.assertEqual([(t["value"], t["description"]) for t in told],
                         [("before", "stamp 2"), ("by hand", "stamp 2")])

    def test_it_is_deleted_under_the_hand_that_writes(self):
        self.sim.act("delete_variable", owner="shop/api", key="V", before={"method": "PUT"})
        self.assertEqual(self.ask("PUT", VARIABLE, {"value": "x"}).status, 404)

    def test_an_archived_project_is_for_reading(self):
        self.sim.act("archive_project", path="shop/api")
        self.assertTrue(self.ask("GET", "/projects/shop%2Fapi").json["archived"])
        self.assertEqual(self.ask("PUT", VARIABLE, {"value": "x"}).status, 403)
        self.sim.act("unarchive_project", path="shop/api")
        self.assertEqual(self.ask("PUT", VARIABLE, {"value": "x"}).status, 200)
        self.assertEqual(self.ask("POST", "/sim/act", {"act": "archive_project", "path": "none"}).status, 404)


    def test_without_jobs_or_code_nobody_has_its_variables(self):
        for feature in ("builds", "repository"):
            with self.subTest(feature=feature):
                self.sim.act("set_features", path="shop/api", **{feature: False})
                self.assertEqual(self.ask("GET", "/projects/shop%2Fapi").json[f"{feature}_access_level"], "disabled")
                self.assertEqual(self.ask("GET", VARIABLE).status, 403)
                self.assertEqual(self.ask("GET", "/projects/shop%2Fapi/jobs").status, 403)
                self.sim.act("set_features", path="shop/api", **{feature: True})
                self.assertEqual(self.ask("GET", VARIABLE).status, 200)


class Places(Case):
    def test_a_path_comes_to_name_another_project(self):
        number = self.ask("GET", "/projects/shop%2Fapi").json["id"]
        self.sim.act("several", before={"nth": 2, "path": "/projects/"},
                     acts=[{"act": "rename_project", "path": "shop/api", "to": "shop/old"},
                           {"act": "create_project", "path": "shop/api"}])
        told = [self.ask("GET", "/projects/shop%2Fapi").json["id"] for _ in range(2)]
        self.assertEqual(told[0], number)
        self.assertNotEqual(told[1], number)

    def test_several_stop_where_one_fails(self):
        answer = self.ask("POST", "/sim/act", {"act": "several", "acts": [
            {"act": "revoke", "token": "ci"}, {"act": "revoke", "token": "none"}, {"act": "revoke", "token": "bob"}]})
        self.assertEqual(answer.status, 404)
        self.assertFalse(self.named()[0]["alive"])
        self.assertTrue(self.named("bob")[0]["alive"])

    def test_members_come_change_and_go(self):
        def may(token):
            return self.ask("GET", VARIABLE, token=token).status
        self.assertEqual((may("alice-1"), may("bob-1")), (200, 404))
        self.sim.act("set_member", owner="shop/api", user="alice", level="developer")
        self.sim.act("set_member", owner="shop/api", user="bob", level=40)
        self.assertEqual((may("alice-1"), may("bob-1")), (403, 200))
        for _ in range(2):
            self.sim.act("remove_member", owner="shop/api", user="alice")
        self.assertEqual(may("alice-1"), 404)
        self.assertEqual(self.ask("POST", "/sim/act", {"act": "set_member", "owner": "shop/api", "user": "bob",
                                                       "level": "king"}).status, 400)

    def test_a_bot_is_promoted_and_demoted(self):
        bot = self.named()[0]["user_id"]
        self.sim.act("set_member", owner="shop/api", user=bot, level="maintainer")
        self.assertEqual(self.named()[0]["access_level"], 40)
        self.sim.act("remove_member", owner="shop/api", user=bot)
        self.assertEqual(self.ask("GET", "/projects/shop%2Fapi", token="ci-1").status, 404)


class Administrators(Case):
    def test_admin_mode_comes_and_goes(self):
        self.sim.act("set_settings", settings={"admin_mode": True}, before={"nth": 2, "path": "/service_accounts"})
        self.sim.act("set_settings", settings={"admin_mode": False}, before={"nth": 3, "path": "/service_accounts"})
        self.assertEqual([self.ask("GET", "/service_accounts", token="eve-1").status for _ in range(3)],
                         [200, 403, 200])

    def test_the_agent_is_demoted_and_blocked(self):
        self.sim.act("set_admin", user="eve", admin=False, before={"nth": 2})
        self.sim.act("block_user", user="eve", before={"nth": 3})
        self.sim.act("unblock_user", user="eve", before={"nth": 4})
        self.assertEqual([self.ask("GET", "/service_accounts", token="eve-1").status for _ in range(2)], [200, 403])
        self.assertEqual([self.ask("GET", "/user", token="eve-1").status for _ in range(2)], [403, 200])

    def test_a_lower_limit_kills_what_may_live_longer(self):
        before = {t["name"] for t in self.ask("GET", "/sim/tokens").json if t["alive"]}
        self.assertEqual(self.sim.act("revoke_too_long"), {"revoked": []})
        self.sim.act("set_settings", settings={"max_personal_access_token_lifetime": 20})
        answer = self.ask("POST", f"{TOKENS}/{self.named()[0]['id']}/rotate", {"expires_at": "2026-12-20"})
        self.assertEqual(answer.status, 400)
        self.sim.act("revoke_too_long")
        after = {t["name"] for t in self.ask("GET", "/sim/tokens").json if t["alive"]}
        self.assertEqual(after, {"agent", "ci"})
        self.assertTrue({"long", "ever", "bob"} <= before)

    def test_settings_that_do_not_exist_change_nothing(self):
        answer = self.ask("POST", "/sim/act", {"act": "set_settings", "settings": {"admin_mode": True, "nonsense": 1}})
        self.assertEqual(answer.status, 400)
        self.assertFalse(self.ask("GET", "/application/settings").json["admin_mode"])


class Backups(Case):
    def test_a_restored_gitlab_has_forgotten(self):
        self.sim.act("snapshot")
        settings = self.ask("GET", "/application/settings").json
        first = self.ask("POST", f"{TOKENS}/{self.named()[0]['id']}/rotate").json
        self.sim.act("set_variable", owner="shop/api", key="V", value=first["token"])
        self.sim.act("set_settings", settings={"admin_mode": True})
        self.sim.act("restore")
        self.assertEqual([t["alive"] for t in self.named()], [True])
        self.assertEqual(self.ask("GET", SELF, token="ci-1").status, 200)
        self.assertEqual(self.ask("GET", SELF, token=first["token"]).status, 401)
        self.assertEqual(self.ask("GET", VARIABLE).json["value"], "before")
        self.assertEqual(self.ask("GET", "/application/settings").json, settings)
        again = self.ask("POST", f"{TOKENS}/{self.named()[0]['id']}/rotate").json
        self.assertEqual(again["id"], first["id"], "ids are given again")
        self.assertNotEqual(again["token"], first["token"])

    def test_what_is_gone_comes_back_with_all_that_hung_on_it(self):
        def world():
            return [self.ask("GET", path).json for path in (
                "/sim/tokens", "/sim/variables", "/sim/deploy_tokens", "/projects", "/groups", "/users",
                "/projects/shop%2Fapi/members", "/projects/shop%2Fapi/triggers")]
        self.sim.act("rename_project", path="shop/api", to="shop/web")
        self.sim.act("rename_project", path="shop/web", to="shop/api")
        self.sim.act("rotate", token="ci")
        self.sim.act("purge_bot", user="bob")
        self.ask("POST", "/projects/shop%2Fapi/deploy_tokens", {"name": "d", "scopes": ["read_registry"]})
        self.ask("POST", "/projects/shop%2Fapi/triggers", {"description": "t"})
        self.sim.act("archive_project", path="shop/api")
        before = world()
        self.sim.act("snapshot", name="one")
        self.ask("DELETE", "/projects/shop%2Fapi")
        self.sim.act("purge_bot", user="alice")
        self.assertNotEqual(world(), before)
        for _ in range(2):
            self.sim.act("restore", name="one")
            self.assertEqual(world(), before)
        self.assertEqual(self.ask("GET", "/projects/shop%2Fweb").status, 301)
        self.assertEqual([t["alive"] for t in self.named()], [False, True])
        self.assertEqual(self.ask("POST", f"{SELF}/rotate", token="ci-1").status, 401)
        self.assertEqual([t["alive"] for t in self.named()], [False, False], "families are kept")

    def test_in_the_middle_of_a_request(self):
        self.sim.act("snapshot")
        self.sim.act("restore", after={"path": "*/rotate"})
        fresh = self.ask("POST", f"{TOKENS}/{self.named()[0]['id']}/rotate").json["token"]
        self.assertEqual(self.ask("GET", SELF, token=fresh).status, 401)

    def test_a_name_that_was_never_given_changes_nothing(self):
        self.assertEqual(self.ask("POST", "/sim/act", {"act": "restore", "name": "none"}).status, 404)


if __name__ == "__main__":
    import sys
    unittest.main(argv=sys.argv[:1], verbosity=1)
