"""The program dies at any moment of a replacement: one new token in the end, and the old one as long as it is needed."""
from harness import main
from replaced import DeployCase, ReplaceCase

MOST_REQUESTS = 200  # of one run: a failure in every row must end too


class Kill(ReplaceCase):
    def dies_at(self, nth, fault, retiring):
        if retiring:
            self.exits(0, "run")
            self.advance("25h")
            self.forget_requests()
        if not self.kill_at(nth, fault):
            return False
        if retiring:
            self.settles()
            self.is_finished()
        else:
            self.assertTrue(self.old_lives())
            self.finishes()
        self.assertIn("whole", self.exits(0, "history", "--verify").out)

    def kill_at_every_request(self, fault, retiring):
        died = self.each([(nth, fault, retiring) for nth in range(1, MOST_REQUESTS)], self.dies_at)
        self.assertIn(died, range(7, MOST_REQUESTS - 2))

    def test_killed_while_a_request_is_under_way(self):
        self.kill_at_every_request("delay", False)

    def test_killed_before_an_answer_arrives(self):
        self.kill_at_every_request("delay_after", False)

    def test_killed_while_the_old_one_is_being_retired(self):
        self.kill_at_every_request("delay", True)

    def test_killed_before_the_answer_about_the_old_one(self):
        self.kill_at_every_request("delay_after", True)


class DeployKill(DeployCase, Kill):
    pass


if __name__ == "__main__":
    main()
