"""The main road: tokens are rotated and their secrets are where they are used."""
import os
import stat

from harness import Case, main

WORLD = {
    "users": [{"username": "alice", "tokens": [
        {"name": "laptop", "secret": "glpat-alice-old-000000", "created": "-85d", "expires": "+5d"}]},
        {"username": "weak", "tokens": [{"name": "weak", "secret": "glpat-weak-0000000000", "expires": "+90d"}]}],
    "service_accounts": [{"username": "deployer", "tokens": [
        {"name": "helm", "scopes": ["read_registry"], "created": "-85d", "expires": "+5d"}]}],
    "groups": [{"path": "platform", "tokens": [
        {"name": "ci", "scopes": ["api"], "created": "-85d", "expires": "+5d"}],
        "service_accounts": [{"username": "bot", "tokens": [
            {"name": "sync", "created": "-85d", "expires": "+5d"}]}]}],
    "projects": [
        {"path": "platform/api", "tokens": [
            {"name": "push", "secret": "glpat-push-old-000000", "access_level": "developer",
             "created": "-85d", "expires": "+5d"}],
         "variables": [
             {"key": "PUSH", "value": "glpat-push-old-000000", "description": "pushes images",
              "protected": True},
             {"key": "PUSH", "value": "the-other-scope-0000", "environment_scope": "staging"}]},
        {"path": "platform/web", "variables": [
            {"key": "HIDDEN", "value": "hidden-old-00000", "masked": True, "hidden": True}]}],
}

TOKENS = """
  - token: project:platform/api:push
    deliver:
      - ci_variable: PUSH
      - ci_variable: { key: HIDDEN, project: platform/web, visibility: hidden }
      - ci_variable: { key: NEW, project: platform/web, environment_scope: [staging, production] }
      - file: { path: %s/push-token, mode: 0440 }
  - token: group:platform:ci
    deliver: [ ci_variable: { key: CI, protected: yes } ]
  - token: personal:alice:laptop
    deliver: [ ci_variable: { key: ALICE, project: platform/web, visibility: visible } ]
  - token: service_account:deployer:helm
    deliver: [ ci_variable: { key: HELM, group: platform } ]
  - token: service_account:platform/bot:sync
    deliver: [ ci_variable: { key: SYNC, group: platform } ]
"""


class Road(Case):
    world = WORLD

    def setUp(self):
        super().setUp()
        self.host.set_tokens(TOKENS % self.host.path)

    def test_every_type_is_rotated_and_delivered(self):
        ended = self.exits(0, "run")
        self.assertIn("rotated 5 tokens, delivered to 9 destinations", ended.out)
        for name, owner, key in (("push", "platform/api", "PUSH"), ("push", "platform/web", "HIDDEN"),
                                 ("ci", "platform", "CI"), ("laptop", "platform/web", "ALICE"),
                                 ("helm", "platform", "HELM"), ("sync", "platform", "SYNC")):
            with self.subTest(key):
                value = self.variable(owner, key)["value"]
                self.assertEqual(value, self.living(name)["secret"])
                self.assertTrue(self.opens(value))
        for scope in ("staging", "production"):
            self.assertEqual(self.variable("platform/web", "NEW", scope)["value"], self.living("push")["secret"])

    def test_the_old_secret_is_dead(self):
        self.exits(0, "run")
        self.assertFalse(self.opens("glpat-push-old-000000"))
        self.assertTrue(self.sim.truth(id=self.asked("POST", "/rotate$")[0]["path"].split("/")[-2])["revoked"])

    def test_the_date_asked_for_is_the_date_that_comes(self):
        self.exits(0, "run")
        self.assertEqual(self.living("push")["expires_at"], "2027-02-19")

    def test_attributes_that_nobody_stated_are_kept(self):
        self.exits(0, "run")
        variable = self.variable("platform/api", "PUSH")
        self.assertEqual((variable["protected"], variable["masked"]), (True, False))
        other = self.variable("platform/api", "PUSH", "staging")
        self.assertEqual(other["value"], "the-other-scope-0000")
        self.assertFalse(self.variable("platform/web", "ALICE")["masked"])

    def test_what_is_created_is_masked_protected_and_raw(self):
        self.exits(0, "run")
        variable = self.variable("platform", "HELM")
        self.assertEqual((variable["masked"], variable["protected"], variable["raw"]), (True, True, True))

    def test_a_persons_description_stays_before_the_stamp(self):
        self.exits(0, "run")
        self.assertRegex(self.variable("platform/api", "PUSH")["description"],
                         r"^pushes images \[glrotate #\d+ 2026-11-21 g1 [0-9a-f]{32}\]$")

    def test_a_file_has_its_mode_and_the_secret(self):
        self.exits(0, "run")
        file = self.host.path / "push-token"
        self.assertEqual(file.read_text(), self.living("push")["secret"])
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o440)
        self.assertEqual([n for n in os.listdir(self.host.path) if "push-token" in n], ["push-token"])

    def test_a_second_run_is_silent_and_asks_once_an_owner(self):
        self.exits(0, "run")
        self.forget_requests()
        ended = self.exits(0, "run")
        self.assertEqual((ended.out, ended.err), ("", ""))
        self.assertEqual(len(self.asked()), 1 + 5)
        self.assertEqual(self.changes(), [])

    def test_reading_verbs_change_nothing(self):
        for verb in (("check",), ("plan",), ("run", "--dry-run"), ("explain", "push"), ("status",),
                     ("plan", "--json"), ("plan", "--at", "2026-11-24")):
            with self.subTest(verb):
                self.exits(0, *verb)
        self.assertEqual(self.changes(), [])
        self.assertEqual(sorted(os.listdir(self.host.state)), [])

    def test_a_limit_holds_back_what_is_not_urgent(self):
        self.host.lifetimes = '[ { for: "*", max_lifetime: 90d, renew_before: 29d } ]'
        self.host.set_tokens(TOKENS % self.host.path)
        self.advance("1s")
        self.exits(1, "run", "--limit", "0")
        self.assertEqual(self.asked("POST", "/rotate$"), [])

    def test_a_plan_says_when_why_and_what_changes(self):
        text = self.exits(0, "plan").out
        self.assertIn("5 of 5 tokens are due now", text)
        self.assertRegex(text, r"why +it expires 2026-11-26, renewed 2\d+d .*before")
        self.assertIn("ci_variable platform/web HIDDEN *: new value", text)
        self.assertIn("created (masked, protected, raw)", text)
        self.assertIn("visible", text)

    def test_a_declared_token_is_created_once(self):
        self.host.set_tokens("""
  - token: project:platform/web:fresh
    scopes: [ read_api ]
    access_level: reporter
    description: made for the docs
    deliver: [ ci_variable: FRESH ]
""")
        self.exits(0, "run")
        self.exits(0, "run")
        token = self.living("fresh")
        self.assertEqual((token["scopes"], token["access_level"]), (["read_api"], 20))
        self.assertRegex(token["description"], r"^made for the docs \[glrotate-[0-9a-f]{16}\]$")
        self.assertEqual(self.variable("platform/web", "FRESH")["value"], token["secret"])
        self.assertEqual(len(self.tokens_of("fresh")), 1)

    def test_every_type_can_be_created(self):
        self.host.set_tokens("".join(f"""
  - token: {token}:new{number}
    scopes: [ read_api ]
    {level}
    deliver: [ ci_variable: {{ key: NEW{number}, project: platform/web }} ]
""" for number, (token, level) in enumerate((
            ("project:platform/api", "access_level: guest"), ("group:platform", "access_level: reporter"),
            ("personal:alice", ""), ("service_account:deployer", ""), ("service_account:platform/bot", "")))))
        self.assertIn("created 5 tokens", self.exits(0, "run").out)
        for number in range(5):
            token = self.living(f"new{number}")
            self.assertEqual(self.variable("platform/web", f"NEW{number}")["value"], token["secret"])
            self.assertEqual((token["scopes"], token["expires_at"]), (["read_api"], "2027-02-19"))
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])

    def test_selectors_mean_what_they_say(self):
        for options, count in ((["--type", "project"], 1), (["--owner", "platform/*"], 2), (["--owner", "platform"], 1),
                               (["--due"], 5), (["--failed"], 0), (["push"], 1), (["service_account:*"], 2)):
            with self.subTest(options):
                self.assertEqual(len(self.exits(0, "plan", "--json", *options).json["tokens"]), count)

    def test_an_order_rotates_what_is_not_due_and_nothing_else(self):
        self.exits(0, "run")
        before = self.living("push")["id"]
        self.forget_requests()
        self.exits(0, "rotate", "push", "--reason", "somebody left")
        self.assertGreater(self.living("push")["id"], before)
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)
        self.assertEqual(self.variable("platform/api", "PUSH")["value"], self.living("push")["secret"])
        reasons = {e["reason"] for e in self.host.run("history", "push", "--json").json["events"]}
        self.assertIn("somebody left", reasons)

    def test_check_tells_a_credential_that_is_too_weak(self):
        self.host.set_credential("glpat-weak-0000000000")
        ended = self.host.run("check")
        self.assertEqual(ended.code, 3, ended)
        self.assertRegex(ended.out, r"FAIL owner project platform/api: ")

    def test_a_weak_credential_stops_single_tokens_and_changes_nothing(self):
        self.host.set_credential("glpat-weak-0000000000")
        self.needs_person(self.host.run("run"), "GLR-119")
        self.assertEqual(self.changes(), [])

    def test_history_verifies_its_chain(self):
        self.exits(0, "run")
        self.assertIn("whole", self.exits(0, "history", "--verify").out)


class Old(Case):
    """GitLab 16.0 ignores the date that is asked for, and gives seven days."""
    world = WORLD
    version = "16.0.8"

    def test_a_cut_date_is_believed_and_does_not_make_us_spin(self):
        self.host.set_tokens("""
  - token: project:platform/api:push
    deliver: [ ci_variable: PUSH ]
""")
        self.exits(0, "run")
        self.assertEqual(self.living("push")["expires_at"], "2026-11-28")
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])
        self.advance("6d")
        self.exits(0, "run")
        self.assertEqual(len(self.tokens_of("push")), 3)
        self.assertTrue(self.opens(self.variable("platform/api", "PUSH")["value"]))


if __name__ == "__main__":
    main()
