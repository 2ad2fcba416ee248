"""The answer to a request is lost, late, cut or nonsense: nothing is lost with it, and nothing is sent twice."""
import re

from harness import main
from lost import FAULTS, LostCase

WORLD = {"projects": [
    {"path": "shop/api",
     "tokens": [{"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "glpat-push-old-000000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""
CREATE = """
  - token: project:shop/api:fresh
    scopes: [ api ]
    access_level: developer
    deliver: [ ci_variable: FRESH ]
"""
ROTATE = "*access_tokens/*/rotate"
ELSEWHERE = [("status", {"status": 404, "body": '{"message":"404 Not Found"}', "content_type": "application/json"}),
             ("redirect", {"location": "https://elsewhere.example.com/"})]  # answers that say nothing of a token


class Lost(LostCase):
    world = WORLD
    tokens = TOKENS

    def meets(self, kind, more, path, tokens, name, key, method):
        self.host.set_tokens(tokens)
        self.sim.fault(kind, method=method, path=path, **more)
        self.host.run("run")
        self.assertTrue(self.fault_was_hit())
        self.settles()
        self.is_whole(name, key)
        self.posts_match_intents()

    def each_fault(self, path, tokens, name, key, faults=FAULTS, method="POST"):
        self.each([(*fault, path, tokens, name, key, method) for fault in faults], self.meets)

    def test_a_rotation_whose_answer_fails_is_repaired(self):
        self.each_fault(ROTATE, TOKENS, "push", "PUSH")

    def test_a_creation_whose_answer_fails_is_repaired(self):
        self.each_fault("*/access_tokens", CREATE, "fresh", "FRESH")

    def test_a_variable_whose_write_fails_gets_the_secret(self):
        self.each_fault("*/variables/*", TOKENS, "push", "PUSH", method="PUT")

    def test_the_second_write_of_a_variable_may_fail_too(self):
        self.each_fault("*/variables/*", TOKENS, "push", "PUSH", method="PUT",
                        faults=[(kind, {**more, "nth": 2}) for kind, more in FAULTS])

    def test_reading_may_fail_anywhere(self):
        reads = [("status", {"status": 502, "nth": n}) for n in range(1, 16)]
        reads += [("drop_after_commit", {"nth": n}) for n in range(1, 16)]
        self.each(reads, self.reads_past)

    def reads_past(self, kind, more):
        self.sim.fault(kind, method="GET", path="*", **more)
        self.settles()
        self.is_whole()

    def test_two_lost_answers_in_a_row_are_repaired(self):
        drops = ("drop_before_commit", "drop_after_commit")
        self.each([(first, second) for first in drops for second in drops], self.loses_both)

    def loses_both(self, first, second):
        self.sim.fault(first, method="POST", path=ROTATE)
        self.sim.fault(second, method="POST", path=ROTATE, nth=2)
        self.host.run("run")
        self.settles()
        self.is_whole()

    def test_a_lost_answer_is_told_as_repaired(self):
        self.sim.fault("drop_after_commit", method="POST", path=ROTATE)
        ended = self.exits(0, "run")
        self.assertIn("repaired 1 token", ended.out)
        self.assertEqual(re.findall(r"rotation\.(\w+)", " ".join(self.host.events())),
                         ["planned", "intended", "doubted", "planned", "intended", "held", "delivered",
                          "verified", "swept", "closed"])

    def test_a_secret_whose_answer_was_lost_is_never_presented(self):
        self.sim.fault("drop_after_commit", method="POST", path=ROTATE)
        self.exits(0, "run")
        lost = sorted(self.tokens_of("push"), key=lambda t: t["id"])[1]
        self.assertTrue(lost["revoked"])
        self.assertIsNone(lost["last_used_at"])

    def test_nothing_is_believed_before_settle_is_over(self):
        self.host.limits = "{ settle: 60s }"
        self.host.set_tokens(TOKENS)
        self.sim.fault("drop_before_commit", method="POST", path=ROTATE)
        for _ in range(2):
            # The second reading agrees with the first, and is too early all the same.
            running = self.host.start("run")
            self.addCleanup(running.kill)
            told = ""
            while "waiting" not in told:
                line = running.stderr.readline()
                self.assertNotEqual(line, "", f"it did not wait: {told}")
                told += line
            running.terminate()
            running.communicate()
            self.assertEqual(running.returncode, 1)
            self.assertEqual(len(self.asked("POST", "/rotate$")), 1)
            self.advance("20s")
        self.advance("60s")
        self.settles()
        self.is_whole()

    def test_a_second_successor_of_our_own_is_revoked(self):
        """What we gave up on commits later than anybody believed, and forks the family."""
        self.fork_while_it_rotates()
        self.settles()
        self.assertFalse(self.sim.alive(self.forked()))
        self.is_whole()

    def test_that_a_second_successor_is_gone_is_believed_when_it_is_read(self):
        for fault, more in ELSEWHERE:
            with self.subTest(fault, **more):
                self.again()
                self.fork_while_it_rotates()
                self.sim.fault(fault, method="DELETE", path="access_tokens", **more)
                self.settles()
                self.assertTrue(self.fault_was_hit())
                self.assertFalse(self.sim.alive(self.forked()))
                self.is_whole()

    def fork_while_it_rotates(self):
        self.sim.act("rotate", token=self.living("push")["id"], expires_at="2027-02-19",
                     after={"method": "POST", "path": "*/rotate"})

    def forked(self):
        return self.sim.ask("GET", "/sim/acts").json[0]["last"]["answer"]["id"]


class OldLost(Lost):
    """GitLab 16.0 gives seven days, whatever date is asked for: that is how our own successor is known there."""
    version = "16.0.8"

    def test_a_rotation_whose_answer_fails_is_repaired(self):
        self.each_fault(ROTATE, TOKENS, "push", "PUSH",
                        faults=[("drop_after_commit", {}), ("drop_before_commit", {}), ("cut_body", {})])

    # All else is the same there.
    test_a_creation_whose_answer_fails_is_repaired = None
    test_a_variable_whose_write_fails_gets_the_secret = None
    test_the_second_write_of_a_variable_may_fail_too = None
    test_reading_may_fail_anywhere = None
    test_a_second_successor_of_our_own_is_revoked = None
    test_that_a_second_successor_is_gone_is_believed_when_it_is_read = None
    test_nothing_is_believed_before_settle_is_over = None


if __name__ == "__main__":
    main()
