"""The slot, when answers are lost and jobs start all the time: none of them loses its password."""
from harness import main
from slots import OLD, USER, SlotCase

CREATE = {"method": "POST", "path": "*/deploy_tokens"}


class Lost(SlotCase):
    """The worst is what GitLab hands out: the token whose secret was lost."""
    choice = "newest"
    lengths = (10, 110)
    every = 9

    def test_an_orphan_lives_until_no_job_can_have_it(self):
        for fault, more in (("drop_after_commit", {}), ("cut_body", {"times": 2})):
            with self.subTest(fault=fault):
                self.again()
                self.minutes(30)
                self.jobs_between_requests()
                self.sim.fault(fault, **CREATE, **more)
                self.host.run("run")
                self.note_jobs()
                self.nobody_lost_it()
                self.assertEqual(self.asked("DELETE", "deploy_tokens"), [])
                orphans = [t for t in self.alive_now() if t["secret"] not in (OLD, *self.pins().values())]
                self.assertEqual(len(orphans), more.get("times", 1))
                self.assertTrue(any(o["secret"] == held[2] for o in orphans for held in self.running.values()))
                self.hours(3)
                self.is_done()
                self.assertEqual(self.host.events("orphan.ended"), [
                    f"ends #{o['id']}, which our own request made and whose secret nobody has" for o in orphans])

    def test_what_is_made_after_all_is_not_ended_before_its_jobs_are(self):
        """It was believed that the request had never happened, and another token was made."""
        self.minutes(9)
        self.sim.fault("commit_later", **CREATE, lag="25m")
        self.hours(3)
        self.is_done()
        self.assertEqual(len(self.host.events("orphan.ended")), 1)

    def test_a_first_token_whose_answer_is_lost(self):
        """There is no old one: but jobs that start have the orphan."""
        self.world = {"projects": [{"path": "shop/api"}]}
        self.more = f"scopes: [ read_registry ]\n    username: {USER}"
        self.again()
        self.may_have_none = True
        self.jobs_between_requests()
        self.sim.fault("drop_after_commit", **CREATE)
        self.host.run("run")
        self.note_jobs()
        self.assertTrue(any(held[1] for held in self.running.values()))
        self.nobody_lost_it()
        self.assertEqual((len(self.alive_now()), list(self.pins())), (2, ["shop/api"]))
        self.hours(2)
        self.is_done()

    def test_a_row_that_left_an_orphan_behind_is_not_given_up(self):
        """Neither when its entry goes, nor when GitLab refuses to make another: nobody else would end the orphan."""
        for entry, status in (("  []", 500), (None, 403)):
            with self.subTest(entry=entry):
                self.again()
                self.sim.fault("drop_after_commit", **CREATE)
                self.sim.fault("status", **CREATE, status=status, content_type="application/json",
                               body='{"message":"no"}')
                ended = self.host.run("run")
                self.assertEqual(len(self.alive_now()), 2, ended)
                if entry:
                    self.host.set_tokens(entry)
                else:
                    self.assertEqual(ended.code, 3)
                self.hours(2, (0, 1, 3))
                self.is_done()

    def test_a_held_secret_that_dies_leaves_jobs_with_the_old_one(self):
        """Somebody ends the new token in the overlap: the pin, which names it, goes at once, and another is made."""
        self.exits(0, "run")
        new = self.alive_now()[-1]
        self.sim.act("revoke_deploy_token", owner=self.owner, deploy_token=new["id"])
        self.host.run("run")
        self.assertEqual(self.pins(), {})
        self.assertEqual(self.start()["variables"]["CI_DEPLOY_PASSWORD"], OLD)
        self.settles()
        self.assertEqual(self.pins(), {"shop/api": self.alive_now()[-1]["secret"]})
        self.running.clear()
        for job in self.sim.ask("GET", "/sim/jobs?status=running").json:
            self.sim.act("finish_job", job=job["id"])
        self.advance("31m")
        self.settles()
        self.is_done()


if __name__ == "__main__":
    main()
