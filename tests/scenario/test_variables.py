"""Variables of projects, groups and the instance: each trap of theirs by its number, and what else stands in the way of a secret.
T19 and T22 of an undisturbed run are in road and hands, dropped attributes in between."""
from urllib.parse import unquote

from harness import Case, main

OLD = "old-value-00000"
SCOPED = [{"key": "KEY", "value": OLD, "environment_scope": scope, "description": f"of {scope}"}
          for scope in ("staging", "production", "*")]
WORLD = {
    "users": [{"username": "olga", "tokens": [{"name": "agent", "secret": "glpat-olga-agent-0000", "expires": "+90d"}]}],
    "groups": [{"path": "shop", "variables": SCOPED, "members": [{"user": "olga", "level": "owner"}]}],
    "projects": [{"path": "shop/api", "variables": SCOPED,
                  "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}]},
                 {"path": "shop/web"}],
    "variables": [{"key": "WIDE", "value": OLD, "description": "for all of us", "masked": True}]}
GROUP = "{ key: KEY, group: shop, environment_scope: production }"


class VariableCase(Case):
    world = WORLD

    def deliver(self, *places):
        self.host.set_tokens("\n  - token: project:shop/api:push\n    deliver: [ " +
                             ", ".join(f"ci_variable: {place}" for place in places) + " ]\n")

    def value(self, owner="shop", scope="production", key="KEY"):
        return self.variable(owner, key, scope)["value"]

    def others_are_untouched(self, owner):
        for variable in self.sim.ask("GET", f"/sim/variables?owner={owner}&key=KEY").json:
            scope = variable["environment_scope"]
            if scope in ("staging", "*"):
                self.assertEqual((variable["value"], variable["description"]), (OLD, f"of {scope}"))

    def nothing_died(self):
        self.assertEqual(self.asked("POST", "/rotate$"), [])

    def secret(self):
        return self.living("push")["secret"]


class Traps(VariableCase):
    def test_t17_a_groups_other_scopes_are_left_alone(self):
        self.deliver(GROUP)
        self.exits(0, "run")
        self.assertEqual(self.value(), self.secret())
        self.others_are_untouched("shop")

    def test_t17_a_row_that_goes_while_it_is_written_is_told_with_the_one_that_was_hit(self):
        self.deliver(GROUP)
        self.sim.act("delete_variable", owner="shop", key="KEY", environment_scope="production",
                     before={"method": "PUT", "path": "*/groups/*/variables/KEY"})
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-113")
        self.assertIn("wrote over the one of scope 'staging' instead", ended.err)
        self.nothing_died()
        self.settles()
        self.assertEqual(self.value(), self.secret())

    def test_t18_no_change_moves_a_row(self):
        self.deliver(GROUP, "{ key: KEY, environment_scope: [ production, review/* ] }")
        self.exits(0, "run")
        puts = [r for r in self.asked("PUT") if "/variables/" in r["path"]]
        self.assertEqual({unquote(r["query"]) for r in puts}, {
            "filter[environment_scope]=production", "filter[environment_scope]=review/*"})
        self.assertFalse([r for r in puts if "[" in r["query"] or "*" in r["query"]])
        self.assertFalse([r for r in puts if "environment_scope" in r["body"]])
        self.others_are_untouched("shop")
        self.others_are_untouched("shop/api")
        for owner, scope in (("shop", "production"), ("shop/api", "production"), ("shop/api", "review/*")):
            self.assertEqual(self.value(owner, scope), self.secret())

    def test_t19_a_hidden_value_is_known_by_its_stamp_alone(self):
        """Overwritten before it was read back: what cannot be read is written again, and not more often."""
        self.deliver("{ key: HID, visibility: hidden }")
        self.sim.act("set_variable", owner="shop/api", key="HID", value="by-hand-000000", description="mine",
                     after={"method": "PUT", "path": "*/variables/HID"})
        self.exits(0, "run")
        self.assertEqual(self.value("shop/api", "*", "HID"), self.secret())
        self.assertEqual(len([r for r in self.asked("PUT") if r["body"].get("value") == self.secret()]), 2)
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])

    def test_t20_one_that_somebody_makes_in_between_is_taken_as_it_is(self):
        self.deliver("NEW")
        theirs = {"owner": "shop/api", "key": "NEW", "value": OLD, "description": "mine"}
        self.sim.act("set_variable", **theirs, before={"method": "POST", "path": "*/variables"})
        self.assertIn("somebody has just made it", self.exits(1, "run").err)
        self.nothing_died()
        self.sim.act("delete_variable", owner="shop/api", key="NEW", after={"method": "POST", "path": "*/rotate"})
        self.sim.act("set_variable", **theirs, before={"method": "POST", "path": "*/variables"})
        self.exits(0, "run")
        kept = self.variable("shop/api", "NEW")
        self.assertEqual(kept["value"], self.secret())
        self.assertRegex(kept["description"], r"^mine \[glrotate ")

    def test_t21_a_secret_that_gitlab_refuses_after_all_is_held_and_brought_again(self):
        self.deliver("{ key: KEY, environment_scope: production, visibility: masked }")
        self.sim.fault("status", method="PUT", path="*/KEY", nth=2, times=0, status=400, content_type="application/json",
                       body='{"message":{"value":["is invalid"]}}')
        self.needs_person(self.host.run("run"), "GLR-113")
        self.assertEqual(self.value("shop/api"), OLD)
        self.needs_person(self.host.run("run"), "GLR-113")
        self.clear_faults()
        self.exits(0, "run")
        self.assertEqual(self.value("shop/api"), self.secret())
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)

    def test_t21_every_prefix_that_gitlab_takes_can_be_masked(self):
        self.sim.ask("PUT", "/application/settings", {"personal_access_token_prefix": "aZ09_+=/@:.-"})
        self.deliver("{ key: KEY, environment_scope: production, visibility: masked, raw: no, type: file }")
        self.exits(0, "run")
        self.assertTrue(self.secret().startswith("aZ09_+=/@:.-"))
        kept = self.variable("shop/api", "KEY", "production")
        self.assertEqual((kept["value"], kept["masked"], kept["variable_type"]), (self.secret(), True, "file"))


class Ambiguous(VariableCase):
    """Group variables have had a filter since 16.9 only."""
    version = "16.8.1"

    def test_t20_rows_that_the_release_does_not_tell_apart_stop_it_before_anything_dies(self):
        self.deliver(GROUP)
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-113")
        self.assertIn("There are multiple variables", ended.err)
        self.nothing_died()

    def test_t20_one_of_another_scope_is_not_taken_for_ours(self):
        for scope in ("production", "*"):
            self.sim.act("delete_variable", owner="shop", key="KEY", environment_scope=scope)
        self.deliver(GROUP.replace("production", "staging"))
        self.exits(0, "run")
        self.assertEqual(self.value(scope="staging"), self.secret())

    def test_t20_a_tier_without_scopes_has_the_key_already(self):
        self.sim.act("delete_variable", owner="shop", key="KEY", environment_scope="production")
        self.sim.act("delete_variable", owner="shop", key="KEY", environment_scope="*")
        self.sim.fault("status", method="POST", path="*/variables", status=400, content_type="application/json",
                       body='{"message":{"key":["(KEY) has already been taken"]}}')
        self.deliver(GROUP)
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-113")
        self.assertIn("there is one of that key, but not of this environment scope", ended.err)
        self.nothing_died()


class Instance(VariableCase):
    def test_a_variable_of_the_instance_is_written(self):
        self.deliver("{ key: WIDE, instance: yes }", "{ key: MADE, instance: yes, protected: no }")
        self.assertIn("ci_variable instance WIDE: new value", self.host.run("plan").out)
        self.exits(0, "run")
        wide, made = ({v["key"]: v for v in self.sim.ask("GET", "/admin/ci/variables").json}[key]
                      for key in ("WIDE", "MADE"))
        self.assertEqual((wide["value"], made["value"]), (self.secret(),) * 2)
        self.assertRegex(wide["description"], r"^for all of us \[glrotate #\d+ ")
        self.assertEqual((wide["masked"], wide["protected"], made["masked"], made["protected"], made["raw"]),
                         (True, False, True, False, True))
        self.assertFalse([r for r in self.asked(path="/admin/ci/") if r["query"] and r["query"] != "by=tests"])
        self.assertFalse([r for r in self.changes() if "environment_scope" in (r["body"] or {})])
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])

    def test_who_is_no_administrator_is_told_before_anything_dies(self):
        self.host.set_credential("glpat-olga-agent-0000")
        self.deliver("{ key: WIDE, instance: yes }")
        self.needs_person(self.host.run("run"), "GLR-113")
        self.nothing_died()
        self.assertIn("ci_variable instance WIDE", self.exits(3, "check").out)


class OldInstance(VariableCase):
    """Before 16.8 an instance's variable has no description, and so no stamp."""
    version = "16.7.0"

    def test_a_variable_of_the_instance_is_written(self):
        self.deliver("{ key: WIDE, instance: yes }")
        self.exits(0, "run")
        self.assertEqual(self.sim.ask("GET", "/admin/ci/variables/WIDE").json["value"], self.secret())


class Gone(VariableCase):
    def held(self):
        self.deliver("{ key: KEY, environment_scope: production }", "{ key: KEY, project: shop/web }")
        self.sim.fault("status", method="PUT", path="*/projects/*/variables/*", nth=2, status=403, times=0,
                       content_type="application/json", body='{"message":"403 Forbidden"}')
        self.needs_person(self.host.run("run"), "GLR-113")
        self.clear_faults()

    def test_a_project_that_is_deleted_does_not_keep_the_others_waiting(self):
        self.held()
        self.sim.ask("DELETE", "/projects/shop%2Fweb")
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-113")
        self.assertIn("'shop/web' is not there", ended.err)
        self.assertEqual(self.value("shop/api"), self.secret())
        self.advance("8d")
        self.assertIn("was set aside", self.host.run("run").err)
        self.exits(0, "run")

    def test_a_project_that_is_archived_takes_it_when_it_is_not_any_more(self):
        self.deliver("{ key: KEY, project: shop/web }")
        self.sim.act("archive_project", path="shop/web")
        self.needs_person(self.host.run("run"), "GLR-113")
        self.nothing_died()
        self.sim.act("unarchive_project", path="shop/web")
        self.settles()
        self.assertEqual(self.value("shop/web", "*"), self.secret())


if __name__ == "__main__":
    main()
