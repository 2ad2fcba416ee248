"""GitLab is put back from a backup of its own: it is seen, nothing is changed, and a person goes on by order."""
from harness import HERE, Case, day, main

OLD = {"access_level": "developer", "created": "-10d", "expires": "+80d"}
WORLD = {
    "users": [{"username": "alice", "tokens": [{"name": "laptop", "created": "-10d", "expires": "+80d"}]}],
    "projects": [{"path": "shop/api", "tokens": [{"name": "push", **OLD}, {"name": "other", **OLD}]},
                 {"path": "shop/web", "tokens": [{"name": "ci", "created": "-85d", "expires": "+20d"}]}]}
PUSH = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""
TOKENS = PUSH + """
  - token: project:shop/api:other
    deliver: [ ci_variable: OTHER ]
  - token: project:shop/web:ci
    deliver: [ ci_variable: CI ]
"""
LAPTOP = """
  - token: personal:alice:laptop
    on_loss: recreate
    scopes: [ api ]
    deliver: [ ci_variable: { key: ALICE, project: shop/api } ]
"""
REFUSED = {"status": 403, "body": '{"message":"403 Forbidden"}', "content_type": "application/json"}


class Restored(Case):
    clock = HERE
    world = WORLD
    tokens = TOKENS

    def restored_after_a_rotation(self):
        """The secret that was delivered is unknown to GitLab; the one that lives is nobody's."""
        self.exits(0, "run")
        self.sim.act("snapshot", name="night")
        self.order("push")
        self.sim.act("restore", name="night")
        self.forget_requests()

    def order(self, name):
        ended = self.host.run("rotate", name, "--reason", "GitLab was restored")
        self.assertEqual(ended.code, 0, ended)

    def value(self, key, project="shop/api"):
        return self.variable(project, key)["value"]

    def test_a_dead_token_that_lives_again_stops_everything(self):
        self.restored_after_a_rotation()
        # Another project's token falls due meanwhile: not touched either.
        self.advance("19d")
        for _ in range(2):
            self.needs_person(self.host.run("run"), "GLR-121")
        self.assertEqual(self.changes(), [])
        self.assertIn("GLR-121", self.exits(3, "status").out)
        self.assertIn("GLR-121", self.exits(3, "plan").out)

    def test_a_person_goes_on_by_order(self):
        self.restored_after_a_rotation()
        self.needs_person(self.host.run("run"), "GLR-121")
        self.order("push")
        self.assertEqual(self.value("PUSH"), self.living("push")["secret"])
        self.exits(0, "run")
        self.exits(0, "status")

    def test_numbers_that_are_given_again_are_no_second_alarm(self):
        """push was #100, #103, #104; the backup knows #100 alone, and other gets #103 now."""
        self.exits(0, "run")
        self.sim.act("snapshot", name="night")
        self.order("push")
        self.order("push")
        self.sim.act("restore", name="night")
        self.needs_person(self.host.run("run"), "GLR-121")
        self.order("push")
        self.order("push")
        self.order("other")
        self.exits(0, "run")

    def test_a_number_that_became_anothers_stops_everything(self):
        self.exits(0, "run")
        self.sim.act("snapshot", name="night")
        self.order("push")
        self.sim.act("restore", name="night")
        self.advance("10s")
        self.sim.act("rotate", token="push", expires_at=day(70))
        self.forget_requests()
        self.needs_person(self.host.run("run"), "GLR-121")
        self.assertEqual(self.changes(), [])

    def test_a_users_numbers_that_fell_stop_everything(self):
        self.host.set_tokens(TOKENS + LAPTOP.replace("laptop", "new"))
        self.sim.act("snapshot", name="night")
        self.exits(0, "run")
        self.assertTrue(self.living("new"))
        self.sim.act("restore", name="night")
        self.forget_requests()
        self.advance("19d")
        self.needs_person(self.host.run("run"), "GLR-121")
        self.assertEqual(self.changes(), [])

    def test_a_bot_that_was_purged_is_no_backup(self):
        self.exits(0, "run")
        self.sim.act("purge_bot", token=self.living("push")["id"])
        self.advance("19d")
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1, "ci is rotated all the same")

    def test_two_that_live_are_no_backup(self):
        """The entry says which of two; the younger one's bot is removed."""
        twin = self.sim.act("create_token", kind="project", owner="shop/api", name="push", scopes=["api"], expires="+80d")
        self.host.set_tokens(TOKENS.replace(PUSH, PUSH + f"    id: {twin['id']}\n"))
        self.exits(0, "run")
        self.sim.act("purge_bot", token=twin["id"])
        self.advance("19d")
        self.needs_person(self.host.run("run"), "GLR-121")
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1, "the journal never saw it dead: ci is rotated all the same")

    def test_the_entry_taken_out_and_put_back_means_what_lives_now(self):
        self.restored_after_a_rotation()
        self.needs_person(self.host.run("run"), "GLR-121")
        self.host.set_tokens(TOKENS.replace(PUSH, ""))
        self.exits(0, "run")
        self.host.set_tokens(TOKENS)
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])
        self.order("push")
        self.assertEqual(self.value("PUSH"), self.living("push")["secret"])

    # --- with rows under way ---

    def test_a_held_secret_of_the_time_since_is_not_taken_for_lost(self):
        self.exits(0, "run")
        self.sim.act("snapshot", name="night")
        self.sim.fault("status", method="PUT", path="*/variables/*", times=1, **REFUSED)
        self.sim.act("set_variable", owner="shop/api", key="PUSH", value="old-value-00000")
        self.clear_faults()
        self.sim.fault("status", method="PUT", path="*/variables/*", nth=2, times=1, **REFUSED)
        self.assertEqual(self.host.run("rotate", "push", "--reason", "test").code, 3)
        self.assertIn("HELD", self.host.run("status").out)
        self.sim.act("restore", name="night")
        self.advance("10m")
        self.forget_requests()
        for _ in range(2):
            self.needs_person(self.host.run("run"), "GLR-121")
        self.assertEqual(self.changes(), [])
        self.order("push")
        self.assertEqual(self.value("PUSH"), self.living("push")["secret"])

    def test_a_row_that_was_only_planned_is_not_begun(self):
        """It was put off by a signal before its request; the other token shows the backup."""
        self.exits(0, "run")
        self.sim.act("snapshot", name="night")
        self.order("push")
        self.sim.fault("status", method="GET", path="*/users/*", status=503, times=0)
        self.assertEqual(self.host.run("rotate", "other", "--reason", "test").code, 1)
        self.assertIn("PLANNED", self.host.run("status").out)
        self.clear_faults()
        self.sim.act("restore", name="night")
        self.forget_requests()
        self.needs_person(self.host.run("run"), "GLR-121")
        self.assertEqual(self.changes(), [])


if __name__ == "__main__":
    main()
