"""A rotation that waits before its request follows the policy as it is by then."""
from harness import Case, main

OLD = "glpat-push-old-000000"


class Planned(Case):
    world = {"projects": [
        {"path": "shop/api",
         "tokens": [{"name": "push", "secret": OLD, "scopes": ["api"], "created": "-85d", "expires": "+5d"}],
         "variables": [{"key": "PUSH", "value": OLD}]}]}
    tokens = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""

    def setUp(self):
        super().setUp()
        self.sim.fault("status", method="PUT", path="*/variables/*", status=503, times=0)
        self.exits(1, "run")
        self.clear_faults()
        self.assertEqual(self.host.events()[-1], "rotation.planned")

    def test_what_waits_needs_nobody(self):
        self.assertIn("0 of 1 token is due now", self.exits(0, "plan").out)
        self.assertNotIn("person", self.host.run("plan").out)

    def says(self, *lines):
        self.host.set_tokens(self.tokens.replace("    deliver:", "".join(f"    {line}\n" for line in lines) + "    deliver:"))

    def test_one_that_rotates_itself_from_now_on_keeps_its_secret(self):
        """Nobody else has it, and without it the token cannot be rotated again."""
        first = self.host.path / "first"
        first.write_text(OLD)
        first.chmod(0o600)
        self.says("rotate_with: self", f"secret: {first}")
        self.exits(0, "run")
        self.assertTrue(self.asked("POST", "/self/rotate$"))
        self.exits(0, "rotate", "push", "--reason", "test")
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])

    def test_one_that_is_replaced_from_now_on_spares_the_old_secret(self):
        self.says("strategy: replace", "new_bot: accept", "overlap: 1d")
        self.assertIn("rotated 1 token", self.exits(0, "run").out)
        self.assertEqual(self.asked("POST", "/rotate$"), [])
        self.assertTrue(self.opens(OLD))
        self.advance("25h")
        self.exits(0, "run")
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])


if __name__ == "__main__":
    main()
