"""Other hands: what somebody else did is told, with what to do, and never made worse."""
from harness import ROOT, Case, main, until

WORLD = {
    "users": [{"username": "alice", "tokens": [{"name": "laptop", "created": "-85d", "expires": "+5d"}]}],
    "projects": [
        {"path": "shop/api",
         "tokens": [{"name": "push", "secret": "glpat-push-old-000000", "created": "-10d", "expires": "+80d"}],
         "variables": [{"key": "PUSH", "value": "glpat-push-old-000000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""


FORBIDDEN = {"body": '{"message":"403 Forbidden"}', "content_type": "application/json"}


class Hands(Case):
    world = WORLD
    tokens = TOKENS

    def adopt(self):
        self.exits(0, "run")
        return self.living("push")

    def order(self):
        return self.host.run("rotate", "push", "--reason", "test")

    def value(self):
        return self.variable("shop/api", "PUSH")["value"]

    # --- rotated, revoked ---

    def test_a_foreign_rotation_is_told_and_left_alone(self):
        token = self.adopt()
        theirs = self.sim.act("rotate", token=token["id"])
        self.needs_person(self.host.run("run"), "GLR-108")
        self.assertEqual(self.changes(), [])
        self.assertTrue(self.sim.alive(theirs["id"]))

    def test_a_foreign_rotation_is_taken_over_by_order(self):
        token = self.adopt()
        theirs = self.sim.act("rotate", token=token["id"])
        ended = self.order()
        self.assertIn("a rotation begins: test", self.exits(0, "explain", "push").out)
        self.assertEqual(ended.code, 0, ended)
        self.assertFalse(self.sim.alive(theirs["id"]))
        self.assertEqual(self.value(), self.living("push")["secret"])
        self.exits(0, "run")

    def test_a_foreign_rotation_in_the_middle_of_ours_is_told(self):
        self.adopt()
        token = self.living("push")
        self.sim.fault("delay", method="PUT", path="*/variables/*")
        running = self.host.start("rotate", "push", "--reason", "test")
        until(self.is_held, "the preflight")
        self.sim.act("rotate", token=token["id"])
        self.sim.release()
        out, err = running.communicate()
        self.assertEqual(running.returncode, 3, out + err)
        self.assertIn("GLR-108", err)
        self.no_family_is_harmed()
        # Whoever rotated has the only living secret, and keeps it.
        self.assertEqual(len([t for t in self.tokens_of("push") if t["alive"]]), 1)

    def test_a_revoked_token_is_told_and_not_made_anew(self):
        token = self.adopt()
        self.sim.act("revoke", token=token["id"])
        self.needs_person(self.host.run("run"), "GLR-109")
        self.needs_person(self.order(), "GLR-109")
        self.assertEqual(self.changes(), [])

    def test_one_made_by_hand_after_a_revocation_is_taken_by_order(self):
        token = self.adopt()
        self.sim.act("revoke", token=token["id"])
        self.sim.act("create_token", kind="project", owner="shop/api", name="push", scopes=["api"], expires="+20d")
        ended = self.order()
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual(self.value(), self.living("push")["secret"])

    def test_a_held_secret_that_died_is_replaced(self):
        self.adopt()
        self.sim.fault("status", method="PUT", path="*/variables/*", status=403, nth=2, times=1,
                       **FORBIDDEN)
        self.assertEqual(self.order().code, 3)
        held = self.living("push")
        self.sim.act("revoke", token=held["id"])
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.asked("POST", "/rotate$")[1:], [])
        self.assertNotEqual(self.value(), held["secret"])

    # --- owners ---

    def test_a_path_that_leads_elsewhere_is_not_followed(self):
        self.adopt()
        self.sim.act("rename_project", path="shop/api", to="shop/api-old")
        self.sim.act("create_project", path="shop/api")
        self.needs_person(self.order(), "GLR-105")
        self.assertEqual(self.changes(), [])

    def test_a_path_that_leads_elsewhere_stops_a_rotation_to_a_file_too(self):
        self.host.set_tokens(TOKENS.replace("ci_variable: PUSH", f"file: {self.host.path}/out"))
        self.test_a_path_that_leads_elsewhere_is_not_followed()

    def test_a_renamed_project_is_served_by_its_number(self):
        self.adopt()
        self.sim.act("rename_project", path="shop/api", to="shop/api-new")
        self.assertEqual(self.order().code, 0)
        self.assertEqual(self.variable("shop/api-new", "PUSH")["value"], self.living("push")["secret"])

    def test_a_blocked_user_gets_no_new_secret(self):
        self.host.set_tokens("""
  - token: personal:alice:laptop
    deliver: [ ci_variable: { key: ALICE, project: shop/api } ]
""")
        self.sim.act("block_user", user="alice")
        self.needs_person(self.host.run("run"), "GLR-111")
        self.assertEqual(self.asked("POST", "/rotate$"), [])

    def test_a_purged_bot_is_told(self):
        token = self.adopt()
        self.sim.act("purge_bot", token=token["id"])
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.changes(), [])

    # --- destinations ---

    def test_a_variable_deleted_between_is_made_again(self):
        self.adopt()
        self.sim.fault("delay_after", method="POST", path="*/rotate")
        running = self.host.start("rotate", "push", "--reason", "test")
        until(self.is_held, "the request")
        self.sim.act("delete_variable", owner="shop/api", key="PUSH")
        self.sim.release()
        running.communicate()
        self.assertEqual(running.returncode, 0)
        self.assertEqual(self.value(), self.living("push")["secret"])

    def test_a_value_overwritten_by_hand_is_written_again_before_the_row_closes(self):
        self.adopt()
        self.sim.fault("delay", method="GET", path="*/variables/*", nth=3)
        running = self.host.start("rotate", "push", "--reason", "test")
        until(self.is_held, "the reading back")
        self.sim.act("set_variable", owner="shop/api", key="PUSH", value="by-hand-000000")
        self.sim.release()
        running.communicate()
        self.settles()
        self.assertEqual(self.value(), self.living("push")["secret"])

    def test_a_refused_destination_stops_the_rotation_before_anything_dies(self):
        token = self.adopt()
        self.sim.fault("status", method="PUT", path="*/variables/*", status=403, times=0,
                       **FORBIDDEN)
        self.needs_person(self.order(), "GLR-113")
        self.assertTrue(self.sim.alive(token["id"]))
        self.assertEqual(self.asked("POST", "/rotate$"), [])

    def test_a_destination_that_refuses_later_keeps_the_secret_held(self):
        self.adopt()
        self.sim.fault("status", method="PUT", path="*/variables/*", status=403, nth=2, times=0,
                       **FORBIDDEN)
        self.needs_person(self.order(), "GLR-113")
        self.assertIn("HELD", self.host.run("status").out)
        self.clear_faults()
        self.exits(0, "run")
        self.assertEqual(self.value(), self.living("push")["secret"])
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)

    def test_a_variable_that_gitlab_can_not_hide_is_refused_before_anything_dies(self):
        self.adopt()
        self.host.set_tokens(TOKENS.replace("ci_variable: PUSH", "ci_variable: { key: PUSH, visibility: hidden }"))
        self.needs_person(self.order(), "GLR-113")
        self.assertEqual(self.asked("POST", "/rotate$"), [])

    # --- a second agent, an old journal ---

    def test_a_second_agent_does_not_overwrite_the_first(self):
        self.adopt()
        self.assertEqual(self.order().code, 0)
        held = self.value()
        other = self.host.path / "other"
        other.mkdir(mode=0o700)
        self.assertEqual(self.host.run("run", state=other).code, 0)
        ended = self.host.run("rotate", "push", "--reason", "test", state=other)
        self.needs_person(ended, "GLR-107")
        self.assertEqual(self.value(), held)
        self.assertTrue(self.opens(held))

    def test_an_old_backup_of_the_journal_changes_nothing(self):
        self.adopt()
        self.assertEqual(self.order().code, 0)
        self.host.back_up()
        self.assertEqual(self.order().code, 0)
        held = self.value()
        self.host.restore()
        self.needs_person(self.host.run("run"), "GLR-108")
        self.needs_person(self.order(), "GLR-106")
        self.assertEqual(self.value(), held)
        self.assertTrue(self.opens(held))

    def test_a_place_may_pass_to_another_entry(self):
        """Whose secrets had got further: its stamp is ours, and the journal knows it."""
        self.sim.act("create_token", kind="project", owner="shop/api", name="pull")
        places = "[ ci_variable: PUSH, file: %s ]" % (self.host.path / "push")
        with_both = TOKENS.replace("[ ci_variable: PUSH ]", places)
        self.host.set_tokens(with_both + TOKENS.replace("PUSH", "PULL").replace(":push", ":pull"))
        self.adopt()
        for _ in range(3):
            self.assertEqual(self.order().code, 0)
        self.host.set_tokens(with_both.replace(":push", ":pull"))
        self.exits(0, "run")
        ended = self.host.run("rotate", "pull", "--reason", "test")
        self.assertEqual(ended.code, 0, ended.err)
        self.assertEqual(self.value(), self.living("pull")["secret"])
        self.assertEqual((self.host.path / "push").read_text(), self.value())

    # --- our own credential ---

    def test_a_dead_credential_is_presented_once_and_no_more(self):
        self.adopt()
        self.forget_requests()
        self.sim.act("revoke", token=1)
        self.needs_person(self.host.run("run"), "GLR-114")
        self.assertEqual([r["path"] for r in self.asked()], ["/api/v4/personal_access_tokens/self"])
        status = self.exits(3, "status").out
        self.assertIn("1 token: well, but the last run did not go through", status)
        self.assertNotIn("all well", status.splitlines()[0])

    def test_a_credential_that_dies_in_the_middle_never_meets_a_rotate_path(self):
        self.adopt()
        self.sim.fault("delay", method="PUT", path="*/variables/*")
        running = self.host.start("rotate", "push", "--reason", "test")
        until(self.is_held, "the preflight")
        self.sim.act("revoke", token=1)
        self.sim.release()
        _, err = running.communicate()
        self.assertEqual(running.returncode, 3)
        self.assertIn("GLR-114", err)
        self.no_family_is_harmed()

    def test_what_one_worker_learns_of_our_credential_stops_the_others(self):
        """Rule 4: B has passed its preflight when A is told that the credential is dead."""
        self.sim.act("create_token", kind="project", owner="shop/api", name="b", scopes=["api"], created="-89d",
                     expires="+1d")
        self.sim.act("create_token", kind="project", owner="shop/api", name="a", scopes=["api"], created="-89d",
                     expires="+1d")
        for key in "AB":
            self.sim.act("set_variable", owner="shop/api", key=key, value="old-value-0000")
        self.host.set_tokens("".join(f"""
  - token: project:shop/api:{key.lower()}
    deliver: [ ci_variable: {key} ]
""" for key in "AB"))
        # B's answer comes when A has long been told.
        self.sim.fault("delay_after", method="PUT", path="*/variables/B", ms=5000)
        self.sim.fault("delay", method="PUT", path="*/variables/A")
        running = self.host.start("run")
        until(lambda: [r for r in self.asked("PUT", "/B$") if r["outcome"]] and self.asked("PUT", "/A$"),
              "both preflights")
        self.sim.act("revoke", token=1)
        self.sim.release()
        _, err = running.communicate()
        self.assertEqual(running.returncode, 3)
        self.assertIn("GLR-114", err)
        self.assertEqual(self.asked("POST", "/rotate$"), [])

    def test_our_own_credential_is_never_rotated(self):
        self.host.set_tokens("""
  - token: personal:root:root
    deliver: [ ci_variable: { key: OWN, project: shop/api } ]
""")
        name = [t for t in self.sim.ask("GET", "/sim/tokens").json if t["secret"] == ROOT][0]["name"]
        self.host.set_tokens(f"""
  - token: "personal:root:{name}"
    deliver: [ ci_variable: {{ key: OWN, project: shop/api }} ]
""")
        ended = self.host.run("rotate", f"personal:root:{name}", "--reason", "test")
        self.assertEqual(ended.code, 3, ended)
        self.assertEqual(self.changes(), [])


if __name__ == "__main__":
    main()
