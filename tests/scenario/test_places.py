"""A place holds one token's secret: who is to have it next waits until a rotation that writes there has ended."""
from harness import Case, main

REPLACED = "    strategy: replace\n    new_bot: accept\n    overlap: 1d\n"
FORBIDDEN = {"status": 403, "body": '{"message":"403 Forbidden"}', "content_type": "application/json"}


def entry(name, deliver, more=""):
    return f"\n  - token: project:shop/api:{name}\n{more}    deliver: [ {deliver} ]\n"


class Places(Case):
    world = {"projects": [
        {"path": "shop/api",
         "tokens": [{"name": "push", "scopes": ["api"], "created": "-85d", "expires": "+5d"},
                    {"name": "pull", "scopes": ["api"], "created": "-10d", "expires": "+80d"}],
         "variables": [{"key": "PUSH", "value": "old-value-00000"}, {"key": "PULL", "value": "old-value-00000"}]}]}

    def order(self):
        return self.host.run("rotate", "pull", "--reason", "test")

    def value(self):
        return self.variable("shop/api", "PUSH")["value"]

    def newest(self, name):
        return max(self.tokens_of(name), key=lambda token: token["id"])["secret"]

    def waits(self, ended, state, code=1):
        self.assertEqual(ended.code, code, ended)
        self.assertIn(f"it waits for the rotation of 'project:shop/api:push', which stands at {state}",
                      ended.err)
        self.assertIn("'ci_variable shop/api PUSH *' is still its", ended.err)
        self.assertNotEqual(self.value(), self.newest("pull"))

    def passes(self):
        """The place is free, is written by its new owner, and stays so."""
        self.assertEqual(self.order().code, 0)
        self.assertEqual(self.value(), self.living("pull")["secret"])
        for _ in range(2):
            self.advance("25h")
            self.exits(0, "run")
        self.assertEqual(self.value(), self.living("pull")["secret"])

    def overlaps(self):
        self.host.set_tokens(entry("push", "ci_variable: PUSH", REPLACED))
        self.exits(0, "run")

    def is_held(self):
        self.sim.fault("status", method="PUT", path="*/variables/PUSH", nth=2, times=0, **FORBIDDEN)
        self.assertEqual(self.host.run("run").code, 3)
        self.assertIn("HELD", self.host.run("status").out)

    def test_the_place_of_an_overlap_is_not_written_by_another(self):
        self.overlaps()
        self.host.set_tokens(entry("push", "ci_variable: OTHER", REPLACED) + entry("pull", "ci_variable: PUSH"))
        self.exits(0, "run")
        self.assertIn("it waits for the rotation of", self.host.run("plan", "--all", "--output", "WHY").out)
        self.waits(self.order(), "OVERLAP until 2026-11-22 10:00 UTC", 3)
        self.advance("25h")
        self.assertIn("retired 1 old token", self.exits(0, "run").out)
        self.passes()

    def test_the_place_of_a_held_secret_is_not_written_by_another(self):
        """Its entry is gone, and what was begun is finished all the same: with the words of its own, under its own name."""
        self.host.set_tokens(entry("push", "ci_variable: PUSH"))
        self.is_held()
        self.host.set_tokens(entry("pull", "ci_variable: PUSH"))
        self.assertIn("project:shop/api:push: ci_variable shop/api PUSH *: cannot be written", self.host.run("run").err)
        self.waits(self.order(), "HELD", 3)
        self.clear_faults()
        self.exits(0, "run")
        self.assertEqual(self.value(), self.living("push")["secret"])
        self.passes()

    def test_nor_is_it_filled_with_what_another_has(self):
        place = f"file: {self.host.path}/pull"
        self.host.set_tokens(entry("push", "ci_variable: PUSH") + entry("pull", place))
        self.is_held()
        self.assertEqual(self.order().code, 0)
        self.host.set_tokens(entry("pull", f"{place}, ci_variable: PUSH"))
        self.clear_faults()
        self.sim.fault("status", method="PUT", path="*/variables/PUSH", times=1, **FORBIDDEN)
        self.host.run("run")
        self.assertNotEqual(self.value(), self.living("pull")["secret"])
        self.clear_faults()
        self.settles()
        self.assertEqual(self.value(), self.living("pull")["secret"])
        self.assertEqual(len(self.asked("POST", "/rotate$")), 2)

    def test_a_rotation_that_waits_before_its_request_waits_for_the_place_too(self):
        self.overlaps()
        self.host.set_tokens(entry("push", "ci_variable: PUSH", REPLACED) + entry("pull", "ci_variable: PULL"))
        self.exits(0, "run")
        self.sim.fault("status", method="PUT", path="*/variables/PULL", status=503, times=0)
        self.assertEqual(self.order().code, 1)
        self.clear_faults()
        self.host.set_tokens(entry("push", "ci_variable: OTHER", REPLACED) + entry("pull", "ci_variable: PUSH"))
        self.waits(self.host.run("run"), "OVERLAP")
        self.advance("25h")
        self.settles()
        self.assertEqual(self.value(), self.living("pull")["secret"])
        self.passes()


if __name__ == "__main__":
    main()
