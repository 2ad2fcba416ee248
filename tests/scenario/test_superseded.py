"""A secret that is held while a destination refuses falls due again: the next rotation takes its place, in one step."""
from harness import HERE, Case, main, until

OLD = "glpat-push-old-000000"
WORLD = {"projects": [
    {"path": "shop/api",
     "tokens": [{"name": "push", "secret": OLD, "access_level": "developer", "created": "-10d", "expires": "+80d"}],
     "variables": [{"key": "PUSH", "value": OLD}, {"key": "OTHER", "value": OLD}]}]}
ENTRY = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""
FORBIDDEN = {"status": 403, "body": '{"message":"403 Forbidden"}', "content_type": "application/json"}


class Superseded(Case):
    clock = HERE
    world = WORLD
    tokens = ENTRY

    def order(self):
        return self.host.run("rotate", "push", "--reason", "test")

    def held(self):
        """The description is taken, the value never: the row rests at HELD."""
        self.exits(0, "run")
        self.refuse("PUSH")
        self.assertEqual(self.order().code, 3)
        self.assertIn("HELD", self.host.run("status").out)
        token = self.living("push")
        self.assertTrue(self.opens(token["secret"]))
        return token

    def refuse(self, key, nth=2):
        self.sim.fault("status", method="PUT", path=f"*/variables/{key}", nth=nth, times=0, **FORBIDDEN)

    def rotations(self):
        return len(self.asked("POST", "/rotate$"))

    def states(self):
        return [e.split(".")[1] for e in self.host.events() if e.startswith("rotation.")]

    def moved_on(self):
        """The policy names another place, for the old one is gone."""
        self.host.set_tokens(ENTRY.replace("PUSH", "OTHER"))

    def test_it_is_superseded_when_it_falls_due_again(self):
        held = self.held()
        self.moved_on()
        self.needs_person(self.host.run("run"), "GLR-113")
        self.assertEqual(self.rotations(), 1, "not before it is due")
        self.advance("80d")
        self.assertIn(f"#{held['id']} is due again, and its rotation still stands at HELD", self.host.run("plan").out)
        self.host.run("run")
        self.assertEqual(self.rotations(), 2)
        self.assertTrue(self.asked("POST", "/rotate$")[1]["path"].endswith(f"/{held['id']}/rotate"),
                        "the target is the held token")
        self.assertEqual(self.variable("shop/api", "OTHER")["value"], self.living("push")["secret"])
        self.exits(0, "run")
        self.exits(0, "status")
        self.assertEqual(self.states(), ["planned", "intended", "held", "closed", "planned", "intended", "held", "delivered",
                                         "verified", "swept", "closed"])

    def test_an_order_supersedes_it_too(self):
        self.held()
        self.moved_on()
        self.order()
        self.assertEqual(self.variable("shop/api", "OTHER")["value"], self.living("push")["secret"])
        self.exits(0, "run")

    def test_what_cannot_be_begun_supersedes_nothing(self):
        """Its preflight is refused: the held secret stays, and is delivered when its place takes it."""
        held = self.held()
        self.clear_faults()
        self.refuse("PUSH", nth=1)
        self.advance("80d")
        for _ in range(2):
            self.needs_person(self.host.run("run"), "GLR-113")
        self.needs_person(self.order(), "GLR-113")
        self.assertEqual(self.rotations(), 1)
        self.assertTrue(self.sim.alive(held["id"]))
        self.clear_faults()
        self.host.run("run")
        self.settles()
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])

    def test_the_answer_to_the_next_may_be_lost(self):
        for kind in ("drop_before_commit", "drop_after_commit"):
            with self.subTest(kind):
                self.again()
                self.held()
                self.moved_on()
                self.advance("80d")
                self.sim.fault(kind, method="POST", path="*/rotate")
                self.host.run("run")
                self.settles()
                self.assertEqual(self.variable("shop/api", "OTHER")["value"], self.living("push")["secret"])

    def test_a_run_that_is_killed_there_leaves_nothing_behind(self):
        self.held()
        self.moved_on()
        self.advance("80d")
        self.sim.fault("delay", method="POST", path="*/rotate")
        running = self.host.start("run")
        until(self.is_held, "the second rotation")
        running.kill()
        running.communicate()
        self.sim.release()
        self.settles()
        self.assertEqual(self.variable("shop/api", "OTHER")["value"], self.living("push")["secret"])

    def test_it_does_not_spin(self):
        """The value is never taken: once in a quarter of its life, not once a run."""
        self.held()
        self.advance("80d")
        for _ in range(6):
            self.clear_faults()
            self.sim.fault("status", method="PUT", path="*/variables/PUSH", nth=1, times=1, **FORBIDDEN)
            self.refuse("PUSH", nth=3)
            self.host.run("run")
            self.advance("6h")
        self.assertEqual(self.rotations(), 2)


if __name__ == "__main__":
    main()
