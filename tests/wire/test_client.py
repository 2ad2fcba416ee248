"""What agent/gitlab/ makes of each answer and of each fault, call by call, against the simulator."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gitlab"))
from sim_client import DEADLINE, ROOT, Sim  # noqa: E402

API = "project:platform/api:push"
GROUP = "group:platform:all"
WORLD = {
    "users": [{"username": "alice", "tokens": [{"name": "laptop", "secret": "glpat-alice-laptop"}]}],
    "service_accounts": [{"username": "roamer", "tokens": [{"name": "sync"}]}],
    "groups": [
        {"path": "platform", "visibility": "private", "tokens": [{"name": "all"}],
         "members": [{"user": "alice", "level": "developer"}],
         "variables": [{"key": "SHARED", "value": "for-all-of-them"}],
         "service_accounts": [{"username": "deployer", "tokens": [{"name": "helm"}]}]},
        {"path": "platform/team"},
        {"path": "crowd", "tokens": [{"name": "many", "count": 230}]}],
    "projects": [
        {"path": "platform/api", "visibility": "private",
         "tokens": [{"name": "push", "secret": "glpat-push-old", "access_level": "developer"}],
         "variables": [
             {"key": "KEY", "value": "everywhere", "environment_scope": "*"},
             {"key": "KEY", "value": "in-production", "environment_scope": "production"},
             {"key": "ONE", "value": "of-staging", "environment_scope": "staging"},
             {"key": "HID", "value": "hidden-value", "masked": True, "hidden": True}],
         "service_accounts": [{"username": "builder", "tokens": [{"name": "images"}]}]},
        {"path": "platform/team/web"}],
    "variables": [{"key": "WIDE", "value": "of-the-instance"}],
}


class Said:
    """The first line, and the NAME=VALUE lines behind it."""

    def __init__(self, output):
        self.kind, _, rest = output.partition("\n")
        self.facts = dict(line.split("=", 1) for line in rest.splitlines() if "=" in line)

    def __getattr__(self, name):
        return self.facts[name]

    def __repr__(self):
        return f"{self.kind} {self.facts}"


class ClientTest(unittest.TestCase):
    version = "18.11.5"

    def setUp(self):
        self.sim = Sim(WORLD, self.version)
        self.addCleanup(self.sim.close)

    def ask(self, *words, credential=ROOT):
        ended = subprocess.run(
            [os.environ["CLIENT_PROBE"], "http://" + self.sim.address, *map(str, words)],
            env={**os.environ, "CREDENTIAL": credential}, stdout=subprocess.PIPE, text=True, timeout=DEADLINE)
        self.assertIn(ended.returncode, (0, 1))
        return Said(ended.stdout)

    def is_ok(self, *words, credential=ROOT):
        said = self.ask(*words, credential=credential)
        self.assertEqual(said.kind, "ok", said)
        return said

    def is_error(self, kind, text, *words, credential=ROOT):
        said = self.ask(*words, credential=credential)
        self.assertEqual(said.kind, kind, said)
        self.assertIn(text, said.text)
        self.assertNotIn("glpat-", said.text)
        return said

    def sent(self, method, path):
        return self.sim.ask("GET", f"/sim/requests?method={method}&path={path}").json

    def token(self, name):
        return self.sim.truth(name=name)["id"]

    def resource(self, path):
        kind = "groups" if path in ("platform", "crowd") else "projects"
        return self.sim.ask("GET", f"/{kind}/{path.replace('/', '%2F')}").json["id"]


class Owners(ClientTest):
    def test_each_address_leads_to_its_numbers(self):
        api, platform = self.resource("platform/api"), self.resource("platform")
        for address, owner_id, path in (
                (API, api, "platform/api"),
                (GROUP, platform, "platform"), ("personal:alice:x", 0, "alice"),
                ("personal:Alice:x", 0, "alice"), ("service_account:roamer:x", 0, "roamer"),
                ("service_account:platform/deployer:x", platform, "platform/deployer"),
                ("service_account:platform/api/builder:x", api, "platform/api/builder")):
            with self.subTest(address):
                said = self.is_ok("owner", address)
                self.assertEqual((int(said.id), said.path), (owner_id, path))
                self.assertEqual(said.in_project, "1" if "builder" in address else "0")
                self.assertEqual(said.user_id != "0", not address.startswith(("project", "group")))

    def test_what_is_not_there_is_moved(self):
        for address in ("project:platform/none:x", "group:none:x", "personal:none:x", "service_account:none:x",
                        "service_account:platform/none:x", "service_account:none/deployer:x"):
            with self.subTest(address):
                self.is_error("moved", "", "owner", address)

    def test_a_renamed_project_is_moved_and_not_followed(self):
        self.sim.act("rename_project", path="platform/api", to="platform/api2")
        self.is_error("moved", "301", "owner", API)

    def test_a_number_for_a_name_is_not_taken_for_an_id(self):
        self.is_error("moved", "leads to 'platform'", "owner", f"group:{self.resource('platform')}:x")

    def test_places_below_a_group_are_found_and_itself(self):
        platform = self.resource("platform")
        said = self.is_ok("places", "groups", platform)
        self.assertEqual(sorted(said.facts.values()), ["2", "platform", "platform/team"])
        said = self.is_ok("places", "projects", platform)
        self.assertEqual(sorted(said.facts.values()), ["2", "platform/api", "platform/team/web"])

    def test_a_level_is_a_members_or_none_but_not_that_of_a_hidden_project(self):
        api = self.resource("platform/api")
        alice = self.is_ok("owner", "personal:alice:x").user_id
        roamer = self.is_ok("owner", "service_account:roamer:x").user_id
        self.assertEqual(self.is_ok("level", "project", api, alice).level, "30")
        self.assertEqual(self.is_ok("level", "project", api, roamer).level, "0")
        self.is_error("moved", "Project Not Found", "level", "project", 999, alice)

    def test_we_learn_who_we_are_the_version_and_the_servers_clock(self):
        said = self.is_ok("me")
        self.assertEqual((said.username, said.is_admin, said.version, said.hides), ("root", "2", "18.11.5-ee", "1"))
        self.assertLess(abs(int(said.now) - 1795255200), 60)
        self.assertEqual(said.sent, "2")


class OldOwners(ClientTest):
    version = "17.4.0"

    def test_a_service_accounts_tokens_are_found_where_its_home_does_not_list_them(self):
        said = self.is_ok("list", "service_account:platform/deployer:x")
        self.assertEqual((said.count, list(said.facts.values())[1]), ("1", "helm"))
        self.assertEqual(self.is_ok("me").hides, "0")

    def test_a_route_that_a_release_lacks_revokes_nothing(self):
        helm = self.token("helm")
        self.is_error("moved", "404", "revoke", "service_account:platform/deployer:x", helm)
        self.assertTrue(self.sim.alive(helm))


class Tokens(ClientTest):
    def test_each_owners_tokens_are_listed_read_rotated_created_and_revoked(self):
        for address, name, level in ((API, "push", 30), (GROUP, "all", 40), ("personal:alice:x", "laptop", 0),
                                     ("service_account:roamer:x", "sync", 0),
                                     ("service_account:platform/deployer:x", "helm", 0),
                                     ("service_account:platform/api/builder:x", "images", 0)):
            with self.subTest(address):
                old = self.token(name)
                self.assertEqual(self.is_ok("list", address).facts[str(old)], name)
                self.assertEqual(self.is_ok("get", address, old).name, name)
                said = self.is_ok("rotate", address, old, "2027-01-31")
                self.assertEqual((said.name, said.expires, int(said.level)), (name, "2027-01-31", level))
                self.assertNotEqual(int(said.id), old)
                self.assertFalse(self.sim.alive(old))
                self.assertEqual(self.is_ok("self", credential=said.secret).id, said.id)
                made = self.is_ok("create", address, "second", "read_api", level, "2027-02-01")
                self.assertEqual((made.expires, made.scopes, int(made.level)), ("2027-02-01", "1", level))
                self.assertEqual(self.is_ok("list", address).count, "3")
                self.is_ok("revoke", address, made.id)
                self.assertFalse(self.sim.alive(made.id))
                self.is_ok("revoke", address, made.id)
                self.assertEqual(self.is_ok("get", address, made.id).revoked, "1")

    def test_all_pages_are_read_in_order(self):
        said = self.is_ok("list", "group:crowd:x")
        ids = [int(key) for key in said.facts if key != "count"]
        self.assertEqual((said.count, len(ids), ids), ("230", 230, sorted(ids)))
        self.assertEqual(len(self.sent("GET", "*/access_tokens")), 3)

    def test_a_part_of_a_list_is_no_list(self):
        self.sim.fault("status", method="GET", path="*/access_tokens", nth=3, times=0, status=500)
        self.is_error("later", "500", "list", "group:crowd:x")

    def test_a_dead_credential_says_how_it_died(self):
        push = self.token("push")
        self.sim.act("revoke", token=push)
        self.is_error("credential", "revoked: ", "self", credential="glpat-push-old")
        self.sim.ask("POST", "/sim/clock", {"advance": "500d"})
        self.is_error("credential", "expired: ", "self", credential="glpat-push-old")
        self.is_error("refused", "unknown: ", "self", credential="nothing-of-anyone")

    def test_refusals_are_told_apart(self):
        push = self.token("push")
        self.is_error("refused", f"rotating token #{push}: GitLab said: 400 Bad request - Expiration date must be",
                      "rotate", API, push, "2029-01-01")
        self.assertTrue(self.sim.alive(push))
        self.sim.act("revoke", token=push)
        self.is_error("moved", "oken already revoked", "rotate", API, push, "2027-01-31")
        self.is_error("moved", "404", "rotate", API, 999999, "2027-01-31")
        self.is_error("moved", "404", "get", API, 999999)
        self.is_ok("revoke", API, 999999)

    def test_a_project_we_may_not_see_says_nothing_of_its_token(self):
        push = self.token("push")
        self.sim.fault("status", method="DELETE", path="*/access_tokens/*", status=404,
                       body='{"message":"404 Project Not Found"}', content_type="application/json")
        self.is_error("moved", "Project Not Found", "revoke", API, push)
        self.assertTrue(self.sim.alive(push))


class Faults(ClientTest):
    """A change is sent once, whatever comes; a reading up to three times."""

    # fault, kind after a rotation, whether the old token died
    ROTATIONS = (
        ({"fault": "drop_before_commit"}, "doubt", False),
        ({"fault": "drop_after_commit"}, "doubt", True),
        ({"fault": "cut_body"}, "doubt", True),
        ({"fault": "garbage"}, "doubt", True),
        ({"fault": "wrong_content_type"}, "doubt", True),
        ({"fault": "status", "status": 500}, "doubt", False),
        ({"fault": "status", "status": 502, "content_type": "text/html", "body": "<h1>no</h1>"}, "doubt", False),
        ({"fault": "status", "status": 503, "content_type": "text/html", "body": "<h1>no</h1>"}, "doubt", False),
        ({"fault": "status", "status": 504, "commit": True}, "doubt", True),
        ({"fault": "status", "status": 403, "content_type": "text/html", "body": "<h1>no</h1>"}, "doubt", False),
        ({"fault": "status", "status": 200, "body": '{"id":7}', "content_type": "application/json",
          "commit": True}, "doubt", True),
        ({"fault": "status", "status": 503, "content_type": "application/json",
          "body": '{"message":"GitLab Maintenance: system is in maintenance mode"}'}, "later", False),
        ({"fault": "too_many", "retry_after": 1}, "later", False),
        ({"fault": "redirect", "location": "https://other.example.com/"}, "moved", False),
    )

    def test_a_rotation_is_sent_once_and_says_what_is_known(self):
        for rule, kind, died in self.ROTATIONS:
            with self.subTest(rule):
                made = self.is_ok("create", API, "x", "api", 30, "2027-02-01")
                self.sim.ask("DELETE", "/sim/requests")
                self.sim.fault(rule["fault"], method="POST", path="*/rotate", **{
                    key: value for key, value in rule.items() if key != "fault"})
                self.is_error(kind, f"rotating token #{made.id}", "rotate", API, made.id, "2027-01-31")
                self.assertEqual(len(self.sent("POST", "*/rotate")), 1)
                self.assertEqual(self.sim.alive(made.id), not died)

    def test_a_rotation_that_nobody_hears_was_not_sent(self):
        address, self.sim.address = self.sim.address, "127.0.0.1:1"
        self.is_error("reach", "", "self")
        self.sim.address = address

    def test_a_secret_is_kept_though_the_rest_of_its_answer_cannot_be_read(self):
        self.sim.fault("status", method="POST", path="*/rotate", status=200, content_type="application/json",
                       body='{"id":4711,"token":"glpat-kept","name":7,"expires_at":"soon"}')
        said = self.is_ok("rotate", API, self.token("push"), "2027-01-31")
        self.assertEqual((said.id, said.secret, said.expires), ("4711", "glpat-kept", "never"))

    def test_a_revocation_takes_only_gitlabs_word(self):
        for rule, kind in (({"fault": "wrong_content_type"}, "doubt"),
                           ({"fault": "drop_after_commit"}, "doubt"),
                           ({"fault": "redirect", "location": "/x"}, "moved"),
                           ({"fault": "status", "status": 404, "content_type": "text/html", "body": "<p>"}, "doubt"),
                           ({"fault": "status", "status": 404, "content_type": "application/json",
                             "body": '{"error":"404 Not Found"}'}, "moved")):
            with self.subTest(rule):
                made = self.is_ok("create", API, "x", "api", 30, "2027-02-01")
                self.sim.fault(rule["fault"], method="DELETE", **{
                    key: value for key, value in rule.items() if key != "fault"})
                self.is_error(kind, "", "revoke", API, made.id)

    def test_a_reading_is_asked_again_twice_where_that_may_help(self):
        for rule, kind, sent in (({"fault": "status", "status": 502, "times": 2}, "ok", 3),
                                 ({"fault": "status", "status": 503, "times": 1}, "ok", 2),
                                 ({"fault": "status", "status": 504, "times": 3}, "later", 3),
                                 ({"fault": "drop_before_commit", "times": 2}, "ok", 3),
                                 ({"fault": "too_many", "retry_after": 1, "times": 1}, "ok", 2),
                                 ({"fault": "status", "status": 500, "times": 1}, "later", 1),
                                 ({"fault": "garbage", "times": 1}, "later", 1),
                                 ({"fault": "wrong_content_type", "times": 1}, "later", 1),
                                 ({"fault": "redirect", "location": "/x", "times": 1}, "moved", 1)):
            with self.subTest(rule):
                self.sim.ask("DELETE", "/sim/requests")
                self.sim.ask("DELETE", "/sim/faults")
                self.sim.fault(rule["fault"], method="GET", path="*/self", **{
                    key: value for key, value in rule.items() if key != "fault"})
                self.assertEqual(self.ask("self").kind, kind)
                self.assertEqual(len(self.sent("GET", "*/self")), sent)


class Variables(ClientTest):
    def get(self, level, owner, key, scope="*"):
        return self.is_ok("variable-get", level, owner, key, scope)

    def test_a_row_is_selected_by_its_exact_scope(self):
        api = self.resource("platform/api")
        self.assertEqual(self.get("project", api, "KEY").value, "everywhere")
        self.assertEqual(self.get("project", api, "KEY", "production").value, "in-production")
        self.assertEqual(self.get("project", api, "KEY", "staging").found, "0")
        self.assertEqual(self.get("project", api, "ONE").found, "0")
        self.assertEqual(self.get("project", api, "NONE").found, "0")
        self.assertEqual(self.get("group", self.resource("platform"), "SHARED").value, "for-all-of-them")
        self.assertEqual(self.get("instance", 0, "WIDE").value, "of-the-instance")
        self.assertIn("filter%5Benvironment_scope%5D=%2A", self.sent("GET", "*/KEY*")[0]["query"])

    def test_a_hidden_value_is_not_there(self):
        said = self.get("project", self.resource("platform/api"), "HID")
        self.assertEqual((said.value, said.hidden, said.found), ("", "2", "1"))

    def test_a_project_we_may_not_see_says_nothing_of_its_variable(self):
        self.is_error("moved", "Project Not Found", "variable-get", "project", 999, "KEY", "*")

    def test_an_answer_for_another_scope_is_none(self):
        self.sim.fault("status", method="GET", path="*/ONE", status=200, content_type="application/json",
                       body='{"key":"ONE","value":"x","environment_scope":"production"}')
        self.assertEqual(self.get("project", self.resource("platform/api"), "ONE").found, "0")

    def test_it_is_created_as_visible_as_was_wished(self):
        api = self.resource("platform/api")
        for visibility, masked, hidden in (("visible", "1", "1"), ("masked", "2", "1"), ("hidden", "2", "2")):
            with self.subTest(visibility):
                said = self.is_ok("variable-create", "project", api, visibility.upper(), "review/*",
                                  "a-long-value", "made", visibility)
                self.assertEqual((said.masked, said.hidden, said.scope), (masked, hidden, "review/*"))
                self.assertEqual((said.raw, said.description), ("2", "made"))
        self.is_ok("variable-create", "instance", 0, "NEW", "*", "a-long-value", "made", "masked")
        self.is_ok("variable-create", "group", self.resource("platform"), "NEW", "*", "a-long-value", "made", "hidden")

    def test_a_change_leaves_the_other_scopes_and_what_it_does_not_name(self):
        api = self.resource("platform/api")
        said = self.is_ok("variable-update", "project", api, "KEY", "production", "a-new-value", "told", "masked")
        self.assertEqual((said.value, said.scope, said.masked, said.raw), ("a-new-value", "production", "2", "1"))
        self.assertEqual(self.get("project", api, "KEY").value, "everywhere")
        said = self.is_ok("variable-update", "project", api, "KEY", "production", "", "told again", "kept")
        self.assertEqual((said.value, said.description, said.masked), ("a-new-value", "told again", "2"))
        self.is_ok("variable-update", "project", api, "HID", "*", "another-hidden", "told", "hidden")
        self.assertEqual(self.sim.ask("GET", "/sim/variables?key=HID").json[0]["value"], "another-hidden")

    def test_refusals_and_faults_are_told_apart(self):
        api = self.resource("platform/api")
        write = ("variable-create", "project", api)
        self.is_error("refused", "value: is invalid", *write, "SHORT", "*", "short", "x", "masked")
        self.is_error("refused", "has already been taken", *write, "KEY", "*", "a-long-value", "x", "masked")
        self.is_error("moved", "404", "variable-update", "project", api, "NONE", "*", "a-long-value", "x", "kept")
        for fault, more, kind in (("drop_after_commit", {}, "doubt"), ("garbage", {}, "doubt"),
                                  ("too_many", {"retry_after": 0}, "later"),
                                  ("status", {"status": 409, "content_type": "application/json",
                                              "body": '{"message":"There are multiple variables"}'}, "refused")):
            self.sim.fault(fault, method="PUT", **more)
            self.is_error(kind, "", "variable-update", "project", api, "KEY", "*", "a-long-value", "x", "kept")


class Jobs(ClientTest):
    jobs = ([{"name": f"runs-{i}", "started": "-5m"} for i in range(103)] +
            [{"name": "ends", "stage": "deploy", "ref": "v1", "started": "-5m", "status": "canceling"},
             {"name": "taken", "started": "-1m", "status": "pending"}, {"name": "queued", "status": "pending"},
             {"name": "made"}, {"name": "done", "started": "-9m", "finished": "-1m", "status": "success"}])

    def setUp(self):
        self.sim = Sim({"projects": [{"path": "platform/api", "jobs": self.jobs, "visibility": "private"}],
                        "users": [{"username": "eve", "tokens": [{"name": "eve", "secret": "glpat-eve-laptop"}]}]},
                       self.version)
        self.addCleanup(self.sim.close)
        self.project = self.resource("platform/api")

    def test_those_that_a_runner_has_are_active_on_all_pages(self):
        said = self.is_ok("jobs", self.project)
        self.assertEqual(said.count, "105")
        self.assertEqual((said.ends, said.taken), ("canceling deploy v1 1", "pending test main 1"))
        self.assertEqual(set(said.facts) & {"queued", "made", "done"}, set())

    def test_what_cannot_be_read_is_told_from_what_cannot_be_read_now(self):
        self.is_error("moved", "Project Not Found", "jobs", 999)
        self.is_error("moved", "Project Not Found", "jobs", self.project, credential="glpat-eve-laptop")
        self.sim.fault("status", path="*/jobs", status=403, content_type="application/json", body='{"message":"403 Forbidden"}')
        self.is_error("refused", "403 Forbidden", "jobs", self.project)
        self.sim.fault("status", path="*/jobs", status=500, times=0)
        self.is_error("later", "", "jobs", self.project)


class JobsOfOldReleases(Jobs):
    version = "16.11.0"
    jobs = [{"name": "ends", "started": "-5m", "status": "canceling"}, {"name": "runs", "started": "-5m"}]

    def test_those_that_a_runner_has_are_active_on_all_pages(self):
        said = self.is_ok("jobs", self.project)
        self.assertEqual((said.count, said.runs), ("1", "running test main 1"))


if __name__ == "__main__":
    unittest.main()
