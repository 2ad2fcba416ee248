"""A reading fails, for once or for a whole run: nothing is taken for absent, nothing is changed for it, a later run goes on."""
from harness import main
from lost import FAULTS, LostCase

WORLD = {"projects": [
    {"path": "shop/api",
     "tokens": [{"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "glpat-push-old-000000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH, ci_variable: { key: ABSENT, environment_scope: staging } ]
"""
CREATE = """
  - token: project:shop/api:push
    scopes: [ api ]
    access_level: developer
    deliver: [ ci_variable: PUSH, ci_variable: { key: ABSENT, environment_scope: staging } ]
"""
LIST = "*/projects/*/access_tokens"
VARIABLE = "*/variables/*"
TRIES = 3  # so often one run asks for a reading
# Whether GitLab did what only reads makes no difference.
UNREAD = [(kind, more) for kind, more in FAULTS if kind != "drop_after_commit" and not more.get("commit")]


class Reads(LostCase):
    world = WORLD
    tokens = TOKENS

    def both_are_whole(self):
        self.is_whole()
        self.assertEqual(self.variable("shop/api", "ABSENT", "staging")["value"], self.living("push")["secret"])
        self.assertEqual(len(self.tokens_of("push")), 2)
        self.posts_match_intents()

    def was_hit_after_the_rotation(self):
        rotated = [r["n"] for r in self.asked("POST", "/rotate$")]
        hit = [r["n"] for r in self.asked() if r["fault"]]
        return bool(rotated) and hit[0] > rotated[0]

    def meets(self, kind, more, path, method, times, nth):
        """The first run meets the fault, and ends with a code that says so; the next ones mend what is left."""
        self.sim.fault(kind, method=method, path=path, times=times, nth=nth, **more)
        ended = self.host.run("run")
        self.assertIn(ended.code, (0, 1, 3, 5), ended)
        self.assertNotRegex(ended.err, "Sanitizer|runtime error")
        self.assertTrue(self.fault_was_hit())
        self.assertEqual(self.was_hit_after_the_rotation(), nth > 1)
        self.clear_faults()
        self.settles()
        self.both_are_whole()

    def each_fault(self, path, method="GET", times=TRIES, nth=1, faults=UNREAD):
        self.each([(*fault, path, method, times, nth) for fault in faults], self.meets)

    def test_who_we_are_may_be_unreadable(self):
        self.each_fault("*/self")

    def test_the_proof_of_a_new_secret_may_be_unreadable(self):
        self.each_fault("*/self", nth=2)

    def test_the_list_of_an_owners_tokens_may_be_unreadable(self):
        self.each_fault(LIST)

    def test_a_variable_may_be_unreadable_before_the_rotation(self):
        self.each_fault(VARIABLE)

    def test_a_variable_may_be_unreadable_after_the_rotation(self):
        self.each_fault(VARIABLE, nth=4, times=6)

    def test_making_a_variable_may_fail(self):
        self.each_fault("*/variables", method="POST", times=1, faults=FAULTS)

    def test_an_unreadable_list_makes_no_second_token(self):
        """A token that cannot be seen is not absent: creation waits until the list has been read."""
        self.each(UNREAD, self.creates_nothing_unread, tokens=CREATE)

    def creates_nothing_unread(self, kind, more):
        self.sim.fault(kind, method="GET", path=LIST, times=0, **more)
        ended = self.host.run("run")
        self.assertIn(ended.code, (1, 3, 5), ended)
        self.assertEqual([r for r in self.asked("POST") if "access_tokens" in r["path"]], [])
        self.clear_faults()
        self.settles()
        self.both_are_whole()


if __name__ == "__main__":
    main()
