"""Answers about a replacement are lost: one new token in the end, and nothing of somebody else's is touched."""
from harness import main, until
from lost import FAULTS
from replaced import ReplaceCase

# Done or not, with an answer or without.
FEW = [("drop_before_commit", {}), ("drop_after_commit", {}), ("cut_body", {}), ("status", {"status": 500})]


class Lost(ReplaceCase):
    # What somebody else's may be like. That it has our date does not make it ours.
    namesakes = ({}, {"description": "by hand"}, {"description": "[glrotate-0123456789abcdef]", "expires": "2027-02-19"})

    faults = FAULTS

    def test_a_creation_whose_answer_fails_leaves_one_new_token(self):
        self.each(self.faults, self.creates)

    def creates(self, kind, more):
        self.meets(kind, more, "POST", self.create)
        self.assertTrue(self.old_lives())
        self.finishes()

    def meets(self, kind, more, method, path):
        self.sim.fault(kind, method=method, path=path, **more)
        self.host.run("run")
        self.assertTrue(self.fault_was_hit())
        self.clear_faults()

    def test_an_end_whose_answer_fails_is_finished(self):
        self.each(self.faults, self.retires)

    def retires(self, kind, more):
        self.exits(0, "run")
        self.advance("25h")
        self.meets(kind, more, "DELETE", self.end)
        self.settles()
        self.is_finished()

    def test_an_orphan_is_ended_by_its_number_and_told(self):
        self.sim.fault("drop_after_commit", method="POST", path=self.create)
        ended = self.exits(0, "run")
        self.assertIn("repaired 1 token", ended.out)
        self.assertEqual(self.states(), ["planned", "intended", "doubted", "orphaned", "planned", "intended", "held",
                                         "delivered", "overlap"])
        self.assertEqual(len(self.host.events("orphan.ended")), 1)
        self.is_replaced_once()

    def test_an_orphan_whose_end_is_lost_too(self):
        self.each(self.faults, self.ends_an_orphan)

    def ends_an_orphan(self, kind, more):
        self.sim.fault("drop_after_commit", method="POST", path=self.create)
        self.sim.fault(kind, method="DELETE", path=self.end, **more)
        self.host.run("run")
        self.clear_faults()
        self.finishes()

    def settles_beside(self, theirs):
        """What is not ours is told in every run that sees it, and lives on."""
        for _ in range(3):
            self.host.run("run")
        self.is_replaced_once(theirs)
        self.advance("25h")
        self.host.run("run")
        self.is_finished(theirs)
        self.assertLessEqual(set(theirs), {t["id"] for t in self.alive_now()})
        self.assertEqual(self.exits(0, "run").out, "")

    def make_theirs_in_between(self, kind, more, **theirs):
        """After the preflight saw the list, and before our request, whose answer is lost then."""
        self.sim.fault("delay_after", method="PUT", path="*/variables/*")
        running = self.host.start("run")
        until(self.is_held, "the preflight of the variable")
        made = self.namesake(**theirs)["id"]
        self.sim.fault(kind, method="POST", path=self.create, **more)
        self.sim.release()
        running.communicate()
        self.clear_faults()
        return made, running.returncode

    def test_what_somebody_else_makes_at_the_same_moment_is_not_touched(self):
        self.each([(*fault, theirs) for fault in FEW for theirs in self.namesakes], self.is_beside_theirs)

    def is_beside_theirs(self, kind, more, theirs):
        made, _ = self.make_theirs_in_between(kind, more, **theirs)
        self.settles_beside([made])

    def test_what_commits_after_nobody_believed_in_it_is_swept(self):
        """A request that we gave up on, carried out when another one was sent long since."""
        self.sim.fault("commit_later", method="POST", path=self.create, lag="30s")
        self.exits(0, "run")
        self.advance("1m")
        self.assertEqual(len(self.alive_now()), 3)
        self.exits(0, "run")
        self.is_replaced_once()
        self.finishes_after_sweep()

    def finishes_after_sweep(self):
        self.advance("25h")
        self.settles()
        self.is_finished()
        self.assertEqual(len(self.host.events("fork.revoked")), 1)


class OldLost(Lost):
    """Before 17.7 no token carries a description: one that is alike and never used is ours, two cannot be told apart."""
    version = "16.11.10"
    namesakes = ({}, {"expires": "2027-02-18"})
    faults = FEW

    def test_what_cannot_be_told_apart_is_not_touched(self):
        made, code = self.make_theirs_in_between("drop_after_commit", {}, expires="2027-02-19", last_used=None)
        self.assertEqual(code, 3)
        self.needs_person(self.host.run("run"), "GLR-118")
        self.assertEqual(len(self.alive_now()), 3)
        self.assertEqual(self.asked("DELETE"), [])
        self.assertEqual(self.value(), self.old_secret)


    def test_one_like_ours_that_is_made_in_the_overlap_is_not_touched(self):
        self.exits(0, "run")
        self.advance("2h")
        theirs = self.namesake(expires="2027-02-19", last_used=None)["id"]
        self.exits(0, "run")
        self.advance("24h")
        self.host.run("run")
        self.is_finished([theirs])
        self.assertTrue(self.sim.alive(theirs))


if __name__ == "__main__":
    main()
