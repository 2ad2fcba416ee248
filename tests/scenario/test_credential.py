"""Our own credential is revoked while a run is under way: the run ends, and with a new one nothing is lost."""
from harness import Case, main, until

WORLD = {"projects": [
    {"path": "shop/api",
     "tokens": [{"name": "push", "secret": "glpat-push-old-000000", "created": "-10d", "expires": "+80d"}],
     "variables": [{"key": "PUSH", "value": "glpat-push-old-000000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""
ORDER = ("rotate", "push", "--reason", "test")
MOST_REQUESTS = 100


class Credential(Case):
    world = WORLD
    tokens = TOKENS

    def setUp(self):
        super().setUp()
        self.exits(0, "run")
        self.forget_requests()
        self.fresh = self.sim.act("create_token", kind="personal", owner="root", name="fresh", scopes=["api"],
                                  expires="+90d")["secret"]

    def undisturbed(self):
        """What an order asks of GitLab, one after the other."""
        self.exits(0, *ORDER)
        asked = self.asked()
        self.again()
        return asked

    def dies_before_answer(self, nth):
        """What is asked with it once it is dead, and how the order ended."""
        self.sim.fault("delay_after", path="*", nth=nth)
        running = self.host.start(*ORDER)
        self.addCleanup(running.kill)
        until(self.is_held, "the request")
        self.sim.act("revoke", token=1)
        self.sim.release()
        out, err = running.communicate()
        self.assertEqual(self.secrets_in(out + err), [])
        hit = [r["n"] for r in self.asked() if r["fault"]][0]
        return [r for r in self.asked() if r["n"] > hit and r["token_id"] == 1], running.returncode, err

    def mends(self):
        """A person puts a new credential into the old one's place."""
        self.host.set_credential(self.fresh)
        self.settles()
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])

    def test_it_dies_at_any_request_and_is_presented_once_more_at_most(self):
        asked = self.undisturbed()
        self.assertIn(len(asked), range(10, MOST_REQUESTS))
        for nth, following in enumerate(asked[1:], 1):
            if following["path"].endswith("/rotate"):
                continue  # it was proven less than 30 s ago: the next test
            with self.subTest(request=nth):
                self.again()
                later, code, err = self.dies_before_answer(nth)
                self.assertEqual((len(later), code), (1, 3), err)
                self.assertIn("GLR-114", err)
                self.mends()

    def test_a_dead_one_is_not_tried_again_by_later_runs(self):
        self.sim.act("revoke", token=1)
        for _ in range(3):
            self.forget_requests()
            self.needs_person(self.host.run("run"), "GLR-114")
            self.assertEqual(len(self.asked()), 1)
        self.mends()


class Window(Credential):
    """Rule 4 proves it within 30 s; in them somebody may revoke it, and the request goes out: once."""

    def no_family_is_harmed(self):
        refused = [r for r in self.asked("POST", "/rotate$") if r["credential"] != "active"]
        self.assertLessEqual(len(refused), 1)
        self.assertEqual([r for r in refused if r["token_id"] != 1], [], "a dead credential that is not our own")

    def test_it_dies_between_its_proof_and_the_rotation(self):
        asked = self.undisturbed()
        rotation = [n for n, r in enumerate(asked) if r["path"].endswith("/rotate")][0]
        later, code, err = self.dies_before_answer(rotation)
        self.assertEqual((len(later), code), (1, 3), err)
        self.assertIn("GLR-114", err)
        self.assertTrue(self.opens("glpat-push-old-000000"), "what was to be rotated lives on")
        # A family is what reuse kills: that of the dead one; `fresh` is another.
        self.mends()

    test_it_dies_at_any_request_and_is_presented_once_more_at_most = None
    test_a_dead_one_is_not_tried_again_by_later_runs = None


if __name__ == "__main__":
    main()
