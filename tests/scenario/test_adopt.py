"""What exists is adopted, never rotated for that; what goes from the policy is released; who is meant is never guessed."""
from harness import BY_TESTS, Case, main, until

OLD = {"created": "-200d", "expires": "+165d"}


class Thousand(Case):
    world = {"projects": [{"path": "apps/one", "tokens": [{"name": "ci", "scopes": ["api"], **OLD, "count": 1000}]}]}
    options = {"lifetimes": '[ { for: "*", max_lifetime: 30d } ]'}
    tokens = """
  - token: "project:apps/**:ci-*"
    deliver: [ ci_variable: "{name:key}" ]
"""

    def test_adopting_a_thousand_long_lived_tokens_rotates_none_that_day(self):
        ended = self.exits(0, "run")
        self.assertIn("adopted 1000 tokens", ended.out)
        self.assertEqual(self.changes(), [])
        # Ourselves, the group and its projects, and all pages of one owner.
        self.assertEqual(len(self.asked()), 1 + 2 + 10)
        self.advance("12h")
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])

    def test_the_ramp_spreads_them_over_a_month(self):
        self.exits(0, "run")
        plan = self.host.run("plan", "--all", "--json").json["tokens"]
        days = sorted({t["due"]["due_at"][:10] for t in plan})
        self.assertGreater(len(days), 20)
        self.assertGreaterEqual(days[0], "2026-11-22")
        self.assertLessEqual(days[-1], "2026-12-22")

    def test_one_run_rotates_no_more_than_its_limit(self):
        self.exits(0, "run")
        self.advance("5d")
        ended = self.exits(1, "run")
        self.assertEqual(len(self.asked("POST", "/rotate$")), 20)
        self.assertIn("left for a later run", ended.out)


class Adopt(Case):
    world = {"projects": [
        {"path": "shop/api", "tokens": [
            {"name": "endless", "created": "-900d", "expires": None},
            {"name": "near", "created": "-360d", "expires": "+4d"},
            {"name": "far", "created": "-10d", "expires": "+80d"},
            {"name": "twin", "created": "-10d", "expires": "+80d"},
            {"name": "twin", "id": 700, "created": "-9d", "expires": "+81d"},
            {"name": "gone", "created": "-100d", "expires": "-10d"}]},
        {"path": "shop/legacy/old", "tokens": [{"name": "far", "created": "-89d", "expires": "+1d"}]}]}

    def entry(self, name, more=""):
        return (f"\n  - token: project:shop/api:{name}\n    deliver: [ ci_variable: {name.upper()} ]\n"
                + (f"    {more}\n" if more else ""))

    def test_a_token_without_expiry_is_ramped(self):
        self.host.set_tokens(self.entry("endless"))
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])
        self.assertIn("it never expires; its turn in the ramp is", self.exits(0, "explain", "endless").out)
        self.advance("31d")
        self.exits(0, "run")
        self.assertEqual(self.living("endless")["expires_at"], "2027-03-22")

    def test_a_token_near_its_own_date_is_rotated_at_once(self):
        self.host.set_tokens(self.entry("near"))
        self.assertIn("rotated 1 token", self.exits(0, "run").out)

    def test_an_edited_line_rotates_nothing_that_day(self):
        self.host.set_tokens(self.entry("far"))
        self.exits(0, "run")
        self.host.lifetimes = '[ { for: "*", max_lifetime: 5d } ]'
        self.host.set_tokens(self.entry("far"))
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])
        self.assertIn("its rule is 'max 5d", " ".join(self.host.events("token.changed")))

    def test_an_entry_that_goes_releases_and_one_that_comes_back_manages_again(self):
        self.host.set_tokens(self.entry("far") + self.entry("near"))
        self.exits(0, "run")
        self.host.set_tokens(self.entry("near"))
        self.assertIn("released 1 token", self.exits(0, "run").out)
        self.assertIn("released", self.host.run("status").out)
        self.forget_requests()
        self.exits(0, "run")
        self.host.set_tokens(self.entry("far") + self.entry("near"))
        self.exits(0, "run")
        self.assertNotIn("released", self.host.run("status", "--all").out)
        self.assertEqual(self.changes(), [])

    def known(self):
        return self.exits(0, "status", "--all", "--json").json["tokens"][0]["id"]

    def test_one_that_was_rotated_comes_back_with_the_id_that_it_had(self):
        self.host.set_tokens(self.entry("twin", "id: 700"))
        self.exits(0, "run")
        self.exits(0, "rotate", "twin", "--reason", "test")
        known = self.known()
        self.assertNotEqual(known, 700)
        self.host.set_tokens("  []")
        self.exits(0, "run")
        self.host.set_tokens(self.entry("twin", "id: 700"))
        for _ in range(2):
            self.exits(0, "run")
        self.assertEqual(self.known(), known)

    def pulls(self):
        return [t for t in self.sim.ask("GET", "/sim/deploy_tokens?owner=shop/api&name=pull").json if t["alive"]]

    def test_one_that_was_deleted_meanwhile_is_created_whenever_its_turn_comes(self):
        entry = """
  - token: project_deploy:shop/api:pull
    scopes: [ read_registry ]
    deliver: [ ci_variable: PULL ]
"""
        self.host.set_tokens(entry)
        self.exits(0, "run")
        self.host.set_tokens("  []")
        self.exits(0, "run")
        made = self.pulls()[0]
        project = self.sim.ask("GET", f"/projects/shop%2Fapi?{BY_TESTS}").json["id"]
        self.sim.ask("DELETE", f"/projects/{project}/deploy_tokens/{made['id']}?{BY_TESTS}")
        self.host.set_tokens(entry)
        self.exits(1, "run", "--limit", "0")
        self.assertIn("create", self.exits(0, "plan").out)
        self.exits(0, "run")
        self.assertEqual([self.variable("shop/api", "PULL")["value"]], [token["secret"] for token in self.pulls()])

    def test_one_that_comes_back_is_of_the_project_that_its_path_leads_to_by_then(self):
        self.host.set_tokens(self.entry("far"))
        self.exits(0, "run")
        self.host.set_tokens("  []")
        self.exits(0, "run")
        self.sim.act("rename_project", path="shop/api", to="shop/old")
        self.sim.act("create_project", path="shop/api")
        made = self.sim.act("create_token", kind="project", owner="shop/api", name="far", scopes=["api"], expires="+80d")
        self.host.set_tokens(self.entry("far"))
        self.exits(0, "run")
        self.assertEqual(self.known(), made["id"])
        self.exits(0, "rotate", "far", "--reason", "test")
        self.assertFalse(self.sim.alive(made["id"]))

    def test_two_of_one_name_are_refused_until_the_entry_says_which(self):
        self.host.set_tokens(self.entry("twin"))
        self.needs_person(self.host.run("run"), "GLR-116")
        self.assertEqual(self.changes(), [])
        self.host.set_tokens(self.entry("twin", "id: 700"))
        self.exits(0, "run")
        self.exits(0, "rotate", "twin", "--reason", "test")
        self.assertRegex(self.asked("POST", "/rotate$")[0]["path"], "/700/rotate$")

    def test_one_that_is_dead_already_is_left_to_a_person(self):
        self.host.set_tokens(self.entry("gone", "scopes: [ api ]"))
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.changes(), [])

    def test_a_token_that_ran_out_under_our_care_is_rotated(self):
        self.host.set_tokens(self.entry("far"))
        self.exits(0, "run")
        self.advance("100d")
        self.exits(0, "run")
        self.assertTrue(self.opens(self.variable("shop/api", "FAR")["value"]))

    def test_one_that_cannot_be_created_says_why(self):
        self.host.set_tokens(self.entry("absent"))
        self.needs_person(self.host.run("run"), "GLR-115")


class Fleet(Case):
    world = {"projects": [
        {"path": "apps/a", "tokens": [{"name": "ci-x", "scopes": ["read_api"], "created": "-89d", "expires": "+1d"}]},
        {"path": "apps/sub/b", "tokens": [
            {"name": "ci-x", "scopes": ["read_api", "api"], "created": "-89d", "expires": "+1d"},
            {"name": "ci-y", "scopes": ["read_api"], "access_level": "owner", "created": "-89d", "expires": "+1d"},
            {"name": "other", "created": "-89d", "expires": "+1d"}]},
        {"path": "apps/legacy/c", "tokens": [{"name": "ci-x", "scopes": ["read_api"], "created": "-89d", "expires": "+1d"}]},
        {"path": "elsewhere/d", "tokens": [{"name": "ci-x", "scopes": ["read_api"], "created": "-89d", "expires": "+1d"}]}]}
    tokens = """
  - token: "project:apps/**:ci-*"
    except: [ "project:apps/legacy/**" ]
    scopes_at_most: [ read_api ]
    level_at_most: maintainer
    deliver: [ ci_variable: "{name:key}" ]
"""

    def test_a_pattern_rotates_what_it_means_and_nothing_else(self):
        self.exits(0, "run")
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)
        self.assertTrue(self.opens(self.variable("apps/a", "CI_X")["value"]))

    def test_what_is_wider_than_the_pattern_allows_is_told(self):
        text = self.exits(0, "plan", "--all", "--json").out
        self.assertIn("not managed: its scope api is not in scopes_at_most", text)
        self.assertIn("not managed: it is owner, above level_at_most", text)


class Renamed(Case):
    """A project goes by another path, and its tokens by another address: they stay what they were."""
    world = {"projects": [
        {"path": "apps/a", "tokens": [{"name": "ci-x", "scopes": ["read_api"], "created": "-85d", "expires": "+5d"}],
         "variables": [{"key": "CI_X", "value": "old-value-00000"}]}]}
    tokens = """
  - token: "project:apps/**:ci-*"
    deliver: [ ci_variable: "{name:key}" ]
"""
    old, new = "project:apps/a:ci-x", "project:apps/a2:ci-x"

    def rename(self):
        self.sim.act("rename_project", path="apps/a", to="apps/a2")

    def is_one_token(self):
        self.assertEqual([t["token"] for t in self.host.run("status", "--all", "--json").json["tokens"]], [self.new])
        self.assertEqual(self.variable("apps/a2", "CI_X")["value"], self.living("ci-x")["secret"])
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])
        self.assertIn(f"it was '{self.old}'", self.exits(0, "history", self.new).out)
        self.assertIn(f"it is '{self.new}' from now on", self.exits(0, "history", self.old).out)

    def test_what_a_pattern_finds_under_another_path_is_what_it_was(self):
        self.exits(0, "run")
        self.rename()
        self.exits(0, "run")
        self.is_one_token()

    def test_a_rotation_that_waits_goes_on_under_the_new_path(self):
        self.host.set_tokens(self.tokens.replace('"{name:key}"', '"{name:key}", file: "%s/{owner:basename}"' % self.host.path))
        self.sim.fault("status", method="PUT", path="*/variables/*", status=503, times=0)
        self.exits(1, "run")
        self.clear_faults()
        self.rename()
        self.exits(0, "run")
        self.assertEqual((self.host.path / "a2").read_text(), self.living("ci-x")["secret"])
        self.is_one_token()

    def test_an_order_by_the_new_address_means_it_too(self):
        self.sim.fault("status", method="PUT", path="*/variables/*", status=503, times=0)
        self.exits(1, "run")
        self.clear_faults()
        self.rename()
        self.assertIn("rotated 1 token", self.exits(0, "rotate", self.new, "--reason", "test").out)
        self.is_one_token()

    def test_a_rotation_in_doubt_goes_on_under_the_new_entry(self):
        self.host.limits = "{ settle: 5m }"
        self.host.set_tokens(self.tokens.replace("apps/**:ci-*", "apps/a:ci-x"))
        self.sim.fault("drop_before_commit", method="POST", path="*/rotate")
        running = self.host.start("run")
        until(self.fault_was_hit, "the request")
        running.kill()
        running.communicate()
        self.advance("1h")
        self.forget_requests()
        self.rename()
        self.host.set_tokens(self.tokens.replace("apps/**:ci-*", "apps/a2:ci-x"))
        self.exits(0, "run")
        self.is_one_token()


if __name__ == "__main__":
    main()
